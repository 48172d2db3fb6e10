"""The signing keys of page tokens."""

import asyncio

import structlog

from wms_core.application.database import Database
from wms_core.domain.errors import WmsError
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query

_RETRY_DELAY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class PostgresPageTokenKeyRepository:
    """Implement `wms_core.application.database.PageTokenKeyRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_keys(self) -> list[bytes]:
        """Return the keys, the newest first."""
        return [row["key"] for row in await self._connection.fetch(query("page_tokens.list_keys"))]


async def read_page_token_keys(database: Database) -> tuple[bytes, ...]:
    """Return the keys, the newest first. Retry until the database is available."""
    while True:
        try:
            return tuple(await database.read(lambda transaction: transaction.page_tokens.list_keys()))
        except WmsError as error:
            _log.warning("page_token_keys_read_failed", error=str(error))
            await asyncio.sleep(_RETRY_DELAY_SECONDS)

"""The keys that page tokens are signed with."""

import asyncio

import structlog

from wms_core.application.ports import Database
from wms_core.domain.errors import WmsError
from wms_core.postgres.connection import Connection
from wms_core.postgres.queries import query

_RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class PostgresPageTokenStore:
    """See `application.ports.PageTokenStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection."""
        self._connection = connection

    async def keys(self) -> list[bytes]:
        """Return the keys, the newest first."""
        return [row["key"] for row in await self._connection.fetch(query("page_tokens.keys"))]


async def read_page_token_keys(database: Database) -> tuple[bytes, ...]:
    """Return the keys, the newest first, trying again for as long as the database is away."""
    while True:
        try:
            return tuple(await database.read(lambda transaction: transaction.page_tokens.keys()))
        except WmsError as error:
            _log.warning("page_token_keys_not_read", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

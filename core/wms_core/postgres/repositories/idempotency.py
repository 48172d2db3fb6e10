"""Idempotency keys and stored responses in Postgres."""

from collections.abc import Sequence
from datetime import timedelta

from wms_core.application.database import RequestKey
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query


class PostgresIdempotencyRepository:
    """Implement `wms_core.application.database.IdempotencyRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def reserve(self, request_keys: Sequence[RequestKey]) -> dict[str, tuple[bytes, bytes]]:
        """Reserve keys in the order of their ids, so that two batches do not deadlock.

        Return the fingerprint and the stored response of each key that has one.
        """
        sorted_keys = sorted(request_keys, key=lambda key: key.request_id)
        rows = await self._connection.fetch(
            query("requests.reserve_keys"),
            sorted_keys[0].rpc_name,
            [key.request_id for key in sorted_keys],
            [key.content_fingerprint for key in sorted_keys],
        )
        reserved_ids = {row["request_id"] for row in rows}
        stored_ids = [key.request_id for key in sorted_keys if key.request_id not in reserved_ids]
        if not stored_ids:
            return {}
        rows = await self._connection.fetch(
            query("requests.list_responses"), sorted_keys[0].rpc_name, stored_ids
        )
        return {row["request_id"]: (row["fingerprint"], row["answer"]) for row in rows}

    async def store_responses(self, keyed_responses: Sequence[tuple[RequestKey, bytes]]) -> None:
        """Write responses into the rows that `reserve` created."""
        await self._connection.execute(
            query("requests.store_responses"),
            keyed_responses[0][0].rpc_name,
            [key.request_id for key, _ in keyed_responses],
            [response for _, response in keyed_responses],
        )

    async def release_keys(self, request_keys: Sequence[RequestKey]) -> None:
        """Delete the rows that `reserve` created."""
        await self._connection.execute(
            query("requests.release_keys"), request_keys[0].rpc_name, [key.request_id for key in request_keys]
        )

    async def delete_expired(self, retention_period: timedelta, limit: int) -> int:
        """Delete up to `limit` expired responses, the oldest first; return their number."""
        return len(await self._connection.fetch(query("requests.delete_expired"), retention_period, limit))

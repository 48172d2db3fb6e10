"""Answers of requests that brought an id."""

from collections.abc import Sequence
from datetime import timedelta

from wms_core.application.ports import RequestKey
from wms_core.postgres.connection import Connection
from wms_core.postgres.queries import query


class PostgresRequestStore:
    """See `application.ports.RequestStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def reserve(self, keys: Sequence[RequestKey]) -> dict[str, tuple[bytes, bytes]]:
        """Take the ids in order of id, so that two batches can't wait for each other."""
        ordered = sorted(keys, key=lambda key: key.request_id)
        rows = await self._connection.fetch(
            query("requests.reserve"),
            ordered[0].rpc,
            [key.request_id for key in ordered],
            [key.fingerprint for key in ordered],
        )
        taken = {row["request_id"] for row in rows}
        answered = [key.request_id for key in ordered if key.request_id not in taken]
        if not answered:
            return {}
        rows = await self._connection.fetch(query("requests.answers"), ordered[0].rpc, answered)
        return {row["request_id"]: (row["fingerprint"], row["answer"]) for row in rows}

    async def keep(self, answers: Sequence[tuple[RequestKey, bytes]]) -> None:
        """Write the answers to the rows that `reserve` made."""
        await self._connection.execute(
            query("requests.keep"),
            answers[0][0].rpc,
            [key.request_id for key, _ in answers],
            [answer for _, answer in answers],
        )

    async def give_back(self, keys: Sequence[RequestKey]) -> None:
        """Remove the rows that `reserve` made."""
        await self._connection.execute(
            query("requests.give_back"), keys[0].rpc, [key.request_id for key in keys]
        )

    async def forget(self, kept: timedelta, limit: int) -> int:
        """Remove the oldest answers."""
        return len(await self._connection.fetch(query("requests.forget"), kept, limit))

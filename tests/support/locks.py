"""Rows that the test holds on to, so that a call has to wait for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.waiting import eventually

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]


@asynccontextmanager
async def order_locked(sql: "Connection", order_id: str) -> AsyncIterator[None]:
    """Hold the row of an order until the end; every change of it waits."""
    async with sql.transaction():
        await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
        yield


async def until_waiting(sql: "Connection", count: int = 1) -> None:
    """Return once so many transactions wait for a lock."""

    async def waiting() -> bool:
        blocked: int = await sql.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN "
            "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
        return blocked >= count

    await eventually(waiting)

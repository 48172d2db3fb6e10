"""Row locks of a test, for which calls have to wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.waiting import eventually

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]


@asynccontextmanager
async def hold_order_lock(sql: "Connection", order_id: str) -> AsyncIterator[None]:
    """Lock the row of an order during the block; changes of the order wait."""
    async with sql.transaction():
        await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
        yield


async def wait_for_lock_waiters(sql: "Connection", count: int = 1) -> None:
    """Wait until at least `count` transactions wait for a lock."""

    async def are_enough_blocked() -> bool:
        blocked: int = await sql.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN "
            "(SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
        )
        return blocked >= count

    await eventually(are_enough_blocked)

"""A log that has been written for long: straight into the table, far faster than in reality."""

from collections.abc import Callable

from benchmarks.connection import Connection
from benchmarks.queries import query

CHUNK = 100_000


async def fill_log(connection: Connection, count: int, filled: Callable[[int], None]) -> None:
    """Write that many events behind those that are there."""
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count) - 1
        # Positions are taken as the sequencer takes them.
        end: int = await connection.fetchval(
            "SELECT setval('event_position', nextval('event_position') + $1::bigint)", last - first
        )
        await connection.execute("SELECT extend_event_log(2)")
        await connection.execute(query("log.fill"), end - (last - first), first, last)
        filled(last - first + 1)
    await connection.execute("VACUUM (ANALYZE) order_events")
    await connection.execute("CHECKPOINT")

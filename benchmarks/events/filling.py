"""Fill the event log directly in its table, much faster than by the service."""

from collections.abc import Callable

from benchmarks.connection import Connection
from benchmarks.queries import query

EVENTS_PER_CHUNK = 100_000


async def fill_log(connection: Connection, count: int, count_filled: Callable[[int], None]) -> None:
    """Append `count` events to the log."""
    for first in range(0, count, EVENTS_PER_CHUNK):
        last = min(first + EVENTS_PER_CHUNK, count) - 1
        # Reserve positions like the sequencer, which may run concurrently.
        end: int = await connection.fetchval(
            "SELECT setval('event_position', nextval('event_position') + $1::bigint)", last - first
        )
        await connection.execute("SELECT create_log_partitions(2)")
        await connection.execute(query("log.fill"), end - (last - first), first, last)
        count_filled(last - first + 1)
    await connection.execute("VACUUM (ANALYZE) order_events")
    await connection.execute("CHECKPOINT")

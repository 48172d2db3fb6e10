"""Insert finished orders directly into the tables, much faster than by the service."""

from collections.abc import Callable

from benchmarks.connection import Connection
from benchmarks.queries import query

ORDERS_PER_CHUNK = 50_000
EVENTS_PER_ORDER = 4
FILLED_TABLES = ("waves", "orders", "lines", "shipments", "carriers", "moves", "allocations")
#: Like the partitions of the sequencer.
EVENTS_PER_PARTITION = 1_000_000


async def load_finished_orders(
    connection: Connection, count: int, count_loaded: Callable[[int], None]
) -> int:
    """Insert finished orders with all their rows. Return the resulting size of the database in bytes."""
    # The rows are consistent by construction; checking foreign keys would take ten times as long.
    await connection.execute("SET session_replication_role = replica")
    for first in range(0, count, ORDERS_PER_CHUNK):
        last = min(first + ORDERS_PER_CHUNK, count) - 1
        await _load_chunk(connection, first, last)
        count_loaded(last - first + 1)
    await connection.execute("SET session_replication_role = origin")
    await connection.execute("VACUUM (ANALYZE)")
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


async def _load_chunk(connection: Connection, first: int, last: int) -> None:
    for table in FILLED_TABLES:
        await connection.execute(query(f"finished.{table}"), first, last)
    events = (last - first + 1) * EVENTS_PER_ORDER
    # Reserve positions like the sequencer, which may run concurrently.
    end: int = await connection.fetchval(
        "SELECT setval('event_position', nextval('event_position') + $1::bigint)", events
    )
    await connection.execute("SELECT create_log_partitions(2)")
    await connection.execute(query("finished.events"), first, last, end - events)

"""Orders that were finished before: written straight into the tables, far faster than in reality."""

from collections.abc import Callable

from benchmarks.connection import Connection
from benchmarks.queries import query

CHUNK = 50_000
EVENTS = 4
TABLES = ("waves", "orders", "lines", "shipments", "carriers", "moves", "allocations")
#: As the sequencer's partitions.
PARTITION = 1_000_000


async def load_finished(connection: Connection, count: int, loaded: Callable[[int], None]) -> int:
    """Write finished orders with all they leave behind; gives the size of the database in bytes after it."""
    # What refers to what is right by construction; checking it row by row would take ten times as long.
    await connection.execute("SET session_replication_role = replica")
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count) - 1
        await _load(connection, first, last)
        loaded(last - first + 1)
    await connection.execute("SET session_replication_role = origin")
    await connection.execute("VACUUM (ANALYZE)")
    size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return size


async def _load(connection: Connection, first: int, last: int) -> None:
    for table in TABLES:
        await connection.execute(query(f"finished.{table}"), first, last)
    events = (last - first + 1) * EVENTS
    # Positions are taken as the sequencer takes them, which may be at work meanwhile.
    end: int = await connection.fetchval(
        "SELECT setval('event_position', nextval('event_position') + $1::bigint)", events
    )
    await connection.execute("SELECT extend_event_log(2)")
    await connection.execute(query("finished.events"), first, last, end - events)

"""Write events like the application, and check the event log against the committed events."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg

from tests.support.invariants.database import SqlConnection
from wms_core.postgres.database import PoolOptions, build_session_settings


class WrittenEvent(NamedTuple):
    """An event that was written to the outbox."""

    event_id: UUID
    order_id: str
    sequence: int


class LogEntry(NamedTuple):
    """An event in the log."""

    position: int
    event_id: UUID
    order_id: str
    sequence: int


_INSERT_ORDERS = """
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    created_at, updated_at, sequence)
SELECT order_id, 'CUST-001', 'WH-01', 'standard', 'received', true,
       '{"street":"123 Main St","city":"New York","country":"US"}', now(), now(), 0
  FROM unnest($1::text[]) AS order_id
"""
_INSERT_EVENTS = """
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, warehouse_id, actor, correlation_id,
                    wave_number, workflow_id, traceparent, payload)
SELECT $1, $2 + n, 1, 'wms.order.updated', now(), 'WH-01', 'test', '', '', '', '', '{}'
  FROM generate_series(1, $3) AS n ORDER BY n
RETURNING event_id, order_id, sequence
"""


async def make_orders(sql: SqlConnection, order_ids: Sequence[str]) -> None:
    """Create orders without events."""
    await sql.execute(_INSERT_ORDERS, list(order_ids))


async def write_events(sql: SqlConnection, order_id: str, event_count: int) -> list[WrittenEvent]:
    """Write the next events of an order in the caller's transaction, under the lock of its row."""
    current_sequence = await sql.fetchval(
        "SELECT sequence FROM orders WHERE order_id = $1 FOR UPDATE", order_id
    )
    rows = await sql.fetch(_INSERT_EVENTS, order_id, current_sequence, event_count)
    await sql.execute("UPDATE orders SET sequence = sequence + $2 WHERE order_id = $1", order_id, event_count)
    return [WrittenEvent(*row) for row in rows]


async def commit_events(sql: SqlConnection, order_id: str, event_count: int) -> list[WrittenEvent]:
    """Write and commit the next events of an order."""
    async with sql.transaction():
        return await write_events(sql, order_id, event_count)


async def read_log(sql: SqlConnection, after: int = 0) -> list[LogEntry]:
    """Return the log after a position, in the order of positions, like the relay and subscribers."""
    rows = await sql.fetch(
        "SELECT position, event_id, order_id, sequence FROM order_events"
        " WHERE position > $1 ORDER BY position",
        after,
    )
    return [LogEntry(*row) for row in rows]


def find_log_violations(committed: Sequence[WrittenEvent], log: Sequence[LogEntry]) -> list[str]:
    """Return the violations of a log: events that are lost, never committed, duplicate or out of order."""
    violations = []
    count_by_event = Counter(event.event_id for event in log)
    committed_ids = {event.event_id for event in committed}
    violations += [f"lost: {event}" for event in committed if event.event_id not in count_by_event]
    violations += [f"never committed: {event}" for event in log if event.event_id not in committed_ids]
    violations += [f"{count} times: {event_id}" for event_id, count in count_by_event.items() if count > 1]
    sequences_by_order: dict[str, list[int]] = defaultdict(list)
    for event in log:
        sequences_by_order[event.order_id].append(event.sequence)
    violations += [
        f"out of order: {order_id} {numbers}"
        for order_id, numbers in sequences_by_order.items()
        if numbers != list(range(1, len(numbers) + 1))
    ]
    positions = [event.position for event in log]
    if positions != sorted(set(positions)):
        violations.append("positions do not rise")
    return violations


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[SqlConnection]:
    """Yield a connection with the session settings of the service."""
    connection = await asyncpg.connect(url, server_settings=build_session_settings(PoolOptions()))
    try:
        yield connection
    finally:
        await connection.close()

"""Writers of events as the application is one, and a checker of what became of their events in the log."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg

from tests.support.invariants import Sql
from wms_core.postgres.database import PoolOptions, session_settings


class Written(NamedTuple):
    """One event that a writer put into the outbox."""

    event_id: UUID
    order_id: str
    sequence: int


class Logged(NamedTuple):
    """One event in the log."""

    position: int
    event_id: UUID
    order_id: str
    sequence: int


_ORDERS = """
INSERT INTO orders (order_id, customer_id, warehouse_id, priority, status, allow_partial, shipping_address,
                    created_at, updated_at, sequence)
SELECT order_id, 'CUST-001', 'WH-01', 'standard', 'received', true,
       '{"street":"123 Main St","city":"New York","country":"US"}', now(), now(), 0
  FROM unnest($1::text[]) AS order_id
"""
_EVENTS = """
INSERT INTO outbox (order_id, sequence, version, type, occurred_at, warehouse_id, actor, correlation_id,
                    wave_number, workflow_id, traceparent, payload)
SELECT $1, $2 + n, 1, 'wms.order.updated', now(), 'WH-01', 'test', '', '', '', '', '{}'
  FROM generate_series(1, $3) AS n ORDER BY n
RETURNING event_id, order_id, sequence
"""


async def make_orders(sql: Sql, order_ids: Sequence[str]) -> None:
    """Make orders that have no events yet."""
    await sql.execute(_ORDERS, list(order_ids))


async def write(sql: Sql, order_id: str, number: int) -> list[Written]:
    """Write the next events of an order under the lock of its row; the transaction is the caller's."""
    present = await sql.fetchval("SELECT sequence FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
    rows = await sql.fetch(_EVENTS, order_id, present, number)
    await sql.execute("UPDATE orders SET sequence = sequence + $2 WHERE order_id = $1", order_id, number)
    return [Written(*row) for row in rows]


async def write_and_commit(sql: Sql, order_id: str, number: int) -> list[Written]:
    """Write events in a transaction of their own."""
    async with sql.transaction():
        return await write(sql, order_id, number)


async def read_log(sql: Sql, after: int = 0) -> list[Logged]:
    """Read the log in order of positions, as the relay and watchers do."""
    rows = await sql.fetch(
        "SELECT position, event_id, order_id, sequence FROM order_events"
        " WHERE position > $1 ORDER BY position",
        after,
    )
    return [Logged(*row) for row in rows]


def faults_of_log(committed: Sequence[Written], log: Sequence[Logged]) -> list[str]:
    """Name what is wrong with a log, given all that was committed: lost, invented, twice, out of order."""
    faults = []
    times = Counter(event.event_id for event in log)
    known = {event.event_id for event in committed}
    faults += [f"lost: {event}" for event in committed if event.event_id not in times]
    faults += [f"never committed: {event}" for event in log if event.event_id not in known]
    faults += [f"{number} times: {event_id}" for event_id, number in times.items() if number > 1]
    of_order: dict[str, list[int]] = defaultdict(list)
    for event in log:
        of_order[event.order_id].append(event.sequence)
    faults += [
        f"out of order: {order_id} {numbers}"
        for order_id, numbers in of_order.items()
        if numbers != list(range(1, len(numbers) + 1))
    ]
    positions = [event.position for event in log]
    if positions != sorted(set(positions)):
        faults.append("positions do not rise")
    return faults


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Sql]:
    """Give a connection of one's own, set as those of the service."""
    connection = await asyncpg.connect(url, server_settings=session_settings(PoolOptions()))
    try:
        yield connection
    finally:
        await connection.close()

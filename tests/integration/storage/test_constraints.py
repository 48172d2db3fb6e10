"""Database constraints against invalid stock states: direct SQL statements on a warehouse with work in
progress.

`test_schema.py` tests each constraint on rows created for it. Here the rows come from calls and a cycle, and
two sessions race.
"""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api
from tests.support.invariants import stock
from tests.support.waiting import eventually

pytestmark = pytest.mark.every_postgres

#: Invalid state, a statement that would produce it, and the constraint that rejects it.
ATTACKS = [
    (
        "a carrier allocated to orders of two destinations",
        """INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id,
                                    created_at)
           SELECT order_id, line_number, carrier_id, 1, 'live', 'PACK-2', now() FROM allocations
            WHERE status = 'live'""",
        "allocation_target_matches_carrier",
    ),
    (
        "a carrier with another destination than its allocations",
        "UPDATE carriers SET destination_id = 'PACK-2' WHERE allocated > 0",
        "allocation_target_matches_carrier",
    ),
    (
        "a second live move of a carrier",
        """INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                              requested_at, deadline_at)
           SELECT 'MOV-2', warehouse_id, carrier_id, 'retrieve', 'requested', from_lane_id, 'PACK-2',
                  now(), now()
             FROM moves WHERE status = 'requested'""",
        "moves_one_live_per_carrier",
    ),
    (
        "more allocated units than the carrier holds",
        "UPDATE carriers SET allocated = quantity + 1 WHERE allocated > 0",
        "allocated_units_within_quantity",
    ),
    (
        "more picked units than the carrier holds",
        "UPDATE carriers SET quantity = -1, allocated = -1 WHERE allocated > 0",
        "carriers_quantity_check",
    ),
    (
        "two carriers in the same position",
        "UPDATE carriers SET lane_position = 1 WHERE lane_id = 'LANE-1'",
        "carriers_lane_id_lane_position_key",
    ),
    (
        "more carriers than the lane has positions",
        "UPDATE lanes SET occupied = capacity + 1",
        "lane_within_capacity",
    ),
    (
        "a line with more delivered than ordered units",
        "UPDATE order_items SET delivered = quantity + 1, allocated = quantity + 1",
        "backordered_units_within_quantity",
    ),
    (
        "a line with delivered units that are also backordered",
        "UPDATE order_items SET backordered = backordered + 1 WHERE delivered + backordered = quantity",
        "backordered_units_within_quantity",
    ),
    (
        "a negative number of backordered units",
        "UPDATE order_items SET backordered = -1",
        "backordered_units_within_quantity",
    ),
    ("a backorder of zero units", "UPDATE backorders SET quantity = 0", "backorders_quantity_check"),
    (
        "a backorder with more fulfilled than missing units",
        "UPDATE backorders SET quantity_fulfilled = quantity + 1",
        "fulfilled_units_within_quantity",
    ),
    (
        "an open backorder with all units delivered",
        "UPDATE backorders SET quantity_fulfilled = quantity",
        "fulfilled_status_matches_quantity",
    ),
    (
        "a fulfilled backorder without delivered units",
        "UPDATE backorders SET status = 'fulfilled', closed_at = now()",
        "fulfilled_status_matches_quantity",
    ),
    (
        "a closed backorder without a time",
        "UPDATE backorders SET status = 'cancelled'",
        "closed_backorder_has_time",
    ),
    (
        "a backorder with an unknown reason",
        "UPDATE backorders SET reason = 'bad luck'",
        "backorders_reason_check",
    ),
    ("a backorder of an unknown order", "UPDATE backorders SET order_id = 'O-9'", "backorders_order_id_fkey"),
    (
        "an allocation for an unknown backorder",
        "UPDATE allocations SET backorder_id = 'BO-9'",
        "allocations_backorder_id_fkey",
    ),
    (
        "a write-off of zero units",
        """INSERT INTO write_offs (warehouse_id, sku, quantity, reason, actor, at)
           VALUES ('WH-01', 'SKU-001', 0, 'damaged', 'me', now())""",
        "write_offs_quantity_check",
    ),
]


@pytest.fixture
async def active_warehouse(api: Api, fulfillment: Fulfillment) -> Api:
    """Return the API of a warehouse with work in progress.

    O-1 has five ordered units, of which two are backordered. O-2 has one requested move.
    """
    await api.storage.PutLane(put_lane(capacity=3))
    for destination_id in ("PACK-1", "PACK-2"):
        await api.storage.PutDestination(put_destination(destination_id))
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    await api.orders.CreateOrder(create_order(order_id="O-1", items=[item(quantity=5)]))
    await fulfillment.deliver_all(api)
    await api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-002", 4), ("CAR-3", "SKU-003", 1)))
    await api.orders.CreateOrder(create_order(order_id="O-2", items=[item("SKU-002", 2)]))
    await fulfillment.run()
    return api


async def violated_constraint(connection: Any, statement: str) -> str | None:
    """Return the name of the constraint that rejects a statement, or None. The statement is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    finally:
        await transaction.rollback()
    return None


async def test_constraints_reject_every_invalid_state(active_warehouse: Api, sql: Any) -> None:
    """Postgres itself rejects each statement, and the stock checks find no contradiction afterwards."""
    violated_constraints = {name: await violated_constraint(sql, statement) for name, statement, _ in ATTACKS}
    assert violated_constraints == {name: constraint for name, _, constraint in ATTACKS}
    assert await stock.find_contradictions(sql) == []


async def test_every_attack_has_rows_to_change(active_warehouse: Api, sql: Any) -> None:
    """A statement without matching rows violates no constraint and proves nothing."""
    for rows in (
        "allocations WHERE status = 'live'",
        "moves WHERE status = 'requested'",
        "backorders WHERE status = 'open'",
        "carriers WHERE allocated > 0",
    ):
        assert await sql.fetchval(f"SELECT count(*) FROM {rows}") == 1, rows  # noqa: S608


async def test_of_two_sessions_that_move_the_same_carrier_one_wins(
    active_warehouse: Api, database_url: str
) -> None:
    """The second session waits for the first one and is rejected when that commits."""
    statement = """INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id,
                                      destination_id, requested_at, deadline_at)
                   VALUES ($1, 'WH-01', 'CAR-3', 'retrieve', 'requested', 'LANE-1', $2, now(), now())"""
    first, second = [await asyncpg.connect(database_url) for _ in range(2)]
    try:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(statement, "MOV-A", "PACK-1")
        blocked_insert = asyncio.ensure_future(second.execute(statement, "MOV-B", "PACK-2"))
        await _wait_until_blocked(first, second.get_server_pid())
        await transaction.commit()
        with pytest.raises(asyncpg.UniqueViolationError, match="moves_one_live_per_carrier"):
            await blocked_insert
    finally:
        await first.close()
        await second.close()


async def test_of_two_sessions_that_take_the_last_position_one_wins(
    active_warehouse: Api, database_url: str
) -> None:
    """Each update alone fits into the lane; both together exceed its capacity."""
    first, second = [await asyncpg.connect(database_url) for _ in range(2)]
    statement = "UPDATE lanes SET occupied = occupied + 1 WHERE lane_id = 'LANE-1'"
    try:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(statement)
        blocked_update = asyncio.ensure_future(second.execute(statement))
        await _wait_until_blocked(first, second.get_server_pid())
        await transaction.commit()
        with pytest.raises(asyncpg.CheckViolationError, match="lane_within_capacity"):
            await blocked_update
    finally:
        await first.close()
        await second.close()


async def _wait_until_blocked(connection: Any, pid: int) -> None:
    """Wait until the session with this backend pid waits for a lock."""
    await eventually(
        lambda: connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid), within=10
    )

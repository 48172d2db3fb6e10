"""The database makes the impossible impossible: a warehouse at work, attacked around the application.

`test_schema.py` tries each constraint on rows made for it; here the rows are those that calls and a cycle
made, and two sessions race.
"""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.support import books
from tests.support.api import Api
from tests.support.fulfillment import Fulfillment
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from tests.support.waiting import eventually

pytestmark = pytest.mark.every_postgres

#: What must never be, what would make it so, and the constraint that is in the way.
ATTACKS = [
    (
        "a carrier promised to orders of two destinations",
        """INSERT INTO allocations (order_id, line_number, carrier_id, quantity, status, target_id,
                                    created_at)
           SELECT order_id, line_number, carrier_id, 1, 'live', 'PACK-2', now() FROM allocations
            WHERE status = 'live'""",
        "promised_where_it_goes",
    ),
    (
        "a carrier that goes elsewhere than what is promised of it",
        "UPDATE carriers SET destination_id = 'PACK-2' WHERE allocated > 0",
        "promised_where_it_goes",
    ),
    (
        "a second live move of a carrier",
        """INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id, destination_id,
                              requested_at, deadline_at)
           SELECT 'MOV-2', warehouse_id, carrier_id, 'retrieve', 'requested', from_lane_id, 'PACK-2',
                  now(), now()
             FROM moves WHERE status = 'requested'""",
        "moves_live",
    ),
    (
        "more promised of a carrier than it holds",
        "UPDATE carriers SET allocated = quantity + 1 WHERE allocated > 0",
        "never_more_than_there_is",
    ),
    (
        "more taken from a carrier than it holds",
        "UPDATE carriers SET quantity = -1, allocated = -1 WHERE allocated > 0",
        "carriers_quantity_check",
    ),
    (
        "two carriers in one position",
        "UPDATE carriers SET lane_position = 1 WHERE lane_id = 'LANE-1'",
        "carriers_lane_id_lane_position_key",
    ),
    (
        "one carrier more than a lane has positions",
        "UPDATE lanes SET occupied = capacity + 1",
        "lane_within_capacity",
    ),
    (
        "a line that got more than was ordered",
        "UPDATE order_items SET delivered = quantity + 1, allocated = quantity + 1",
        "owed_or_delivered",
    ),
    (
        "a line that is owed what it got",
        "UPDATE order_items SET backordered = backordered + 1 WHERE delivered + backordered = quantity",
        "owed_or_delivered",
    ),
    ("a debt below nothing", "UPDATE order_items SET backordered = -1", "owed_or_delivered"),
    ("a backorder of nothing", "UPDATE backorders SET quantity = 0", "backorders_quantity_check"),
    (
        "a backorder that got more than is owed",
        "UPDATE backorders SET quantity_fulfilled = quantity + 1",
        "never_more_than_owed",
    ),
    (
        "a backorder that is open with all of it delivered",
        "UPDATE backorders SET quantity_fulfilled = quantity",
        "fulfilled_is_whole",
    ),
    (
        "a backorder that is fulfilled with nothing delivered",
        "UPDATE backorders SET status = 'fulfilled', closed_at = now()",
        "fulfilled_is_whole",
    ),
    ("a closed backorder without a time", "UPDATE backorders SET status = 'cancelled'", "closed_has_time"),
    (
        "a backorder for a reason that nobody knows",
        "UPDATE backorders SET reason = 'bad luck'",
        "backorders_reason_check",
    ),
    ("a backorder of no order", "UPDATE backorders SET order_id = 'O-9'", "backorders_order_id_fkey"),
    (
        "stock held for a backorder that is not there",
        "UPDATE allocations SET backorder_id = 'BO-9'",
        "allocations_backorder_id_fkey",
    ),
    (
        "nothing written off",
        """INSERT INTO write_offs (warehouse_id, sku, quantity, reason, actor, at)
           VALUES ('WH-01', 'SKU-001', 0, 'damaged', 'me', now())""",
        "write_offs_quantity_check",
    ),
]


@pytest.fixture
async def at_work(api: Api, fulfillment: Fulfillment) -> Api:
    """Give a warehouse that owes an order two of five units, and has asked for one of two carriers more."""
    await api.storage.PutLane(put_lane(capacity=3))
    for destination_id in ("PACK-1", "PACK-2"):
        await api.storage.PutDestination(put_destination(destination_id))
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 3)))
    await api.orders.CreateOrder(create_order(order_id="O-1", items=[item(quantity=5)]))
    await fulfillment.deliver(api)
    await api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-002", 4), ("CAR-3", "SKU-003", 1)))
    await api.orders.CreateOrder(create_order(order_id="O-2", items=[item("SKU-002", 2)]))
    await fulfillment.run()
    return api


async def refusal(connection: Any, statement: str) -> str | None:
    """Give the constraint that refuses a statement; nothing of it stays."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as error:
        return error.constraint_name
    finally:
        await attempt.rollback()
    return None


async def test_a_warehouse_at_work_can_not_be_made_impossible(at_work: Api, sql: Any) -> None:
    """Postgres itself refuses each attack, whoever makes it, and the books stay right."""
    refused = {name: await refusal(sql, statement) for name, statement, _ in ATTACKS}
    assert refused == {name: constraint for name, _, constraint in ATTACKS}
    assert await books.contradictions(sql) == []


async def test_every_attack_is_about_rows_that_are_there(at_work: Api, sql: Any) -> None:
    """An attack on nothing would be refused by nobody and prove nothing; each kind of row is there."""
    for rows in (
        "allocations WHERE status = 'live'",
        "moves WHERE status = 'requested'",
        "backorders WHERE status = 'open'",
        "carriers WHERE allocated > 0",
    ):
        assert await sql.fetchval(f"SELECT count(*) FROM {rows}") == 1, rows  # noqa: S608


async def test_of_two_sessions_that_move_one_carrier_one_wins(at_work: Api, database_url: str) -> None:
    """The second one waits for the first and is refused when that commits."""
    statement = """INSERT INTO moves (move_id, warehouse_id, carrier_id, kind, status, from_lane_id,
                                      destination_id, requested_at, deadline_at)
                   VALUES ($1, 'WH-01', 'CAR-3', 'retrieve', 'requested', 'LANE-1', $2, now(), now())"""
    first, second = [await asyncpg.connect(database_url) for _ in range(2)]
    try:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(statement, "MOV-A", "PACK-1")
        late = asyncio.ensure_future(second.execute(statement, "MOV-B", "PACK-2"))
        await _waiting(first, second.get_server_pid())
        await transaction.commit()
        with pytest.raises(asyncpg.UniqueViolationError, match="moves_live"):
            await late
    finally:
        await first.close()
        await second.close()


async def test_of_two_sessions_that_take_the_last_position_one_wins(at_work: Api, database_url: str) -> None:
    """Each alone would fit; the lane does not take both."""
    first, second = [await asyncpg.connect(database_url) for _ in range(2)]
    statement = "UPDATE lanes SET occupied = occupied + 1 WHERE lane_id = 'LANE-1'"
    try:
        transaction = first.transaction()
        await transaction.start()
        await first.execute(statement)
        late = asyncio.ensure_future(second.execute(statement))
        await _waiting(first, second.get_server_pid())
        await transaction.commit()
        with pytest.raises(asyncpg.CheckViolationError, match="lane_within_capacity"):
            await late
    finally:
        await first.close()
        await second.close()


async def _waiting(connection: Any, pid: int) -> None:
    """Wait until another session waits for a lock."""
    await eventually(
        lambda: connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid), within=10
    )

"""No order waits for ever for what can be done, on a real Postgres; and what can't be done is said."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support import books
from tests.support.api import Api
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.site import Site
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2
from wms_core.domain.allocation import StockAsked

URGENT = {"priority": order_pb2.ORDER_PRIORITY_SAME_DAY}


@pytest.fixture(autouse=True)
async def _sound(sql: Any) -> AsyncIterator[None]:
    """Whatever a test did, the books are right."""
    yield
    assert await books.contradictions(sql) == []


async def assign(site: Site, fulfillment: Fulfillment, order_id: str, to: str) -> None:
    """Put an order into a wave by hand."""
    await fulfillment.cycle().validate()
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=to)
    await site.api.orders.AssignOrdersToWave(request)


# Starvation


async def test_an_order_with_two_lines_is_served_while_younger_ones_stream_by(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Each of its two carriers is asked for elsewhere all the time, and never were both free at once."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.apart(("CAR-X", "SKU-X", 500), ("CAR-Y", "SKU-Y", 500))
    await assign(site, fulfillment, await site.order(("SKU-Y", 1)), "PACK-2")
    await fulfillment.run()
    old = await site.order(("SKU-X", 1), ("SKU-Y", 1))
    await assign(site, fulfillment, old, "PACK-1")
    claimed: list[storage_pb2.Move] = []
    for turn in ("CAR-X", "CAR-Y") * 8:
        for sku in ("SKU-X", "SKU-Y"):
            await assign(site, fulfillment, await site.order((sku, 1)), "PACK-2")
        await fulfillment.run()
        claimed += await site.claim()
        await site.complete([move for move in claimed if move.carrier_id == turn])
        claimed = [move for move in claimed if move.carrier_id != turn]
    assert await site.status(old) in ("PICKING", "PACKING")


async def test_orders_that_can_not_be_served_do_not_fill_the_window(
    site: Site, fulfillment: Fulfillment
) -> None:
    """However many wait, a later one is looked at; and they are again when the cause ends."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "SKU-001", 50), lane_id="LANE-1")
    await site.stock(("CAR-2", "SKU-002", 50), lane_id="LANE-2")
    await site.block("LANE-2")
    stuck = [await site.order(("SKU-002", 1), **URGENT) for _ in range(7)]
    later = await site.order(("SKU-001", 1))
    for _ in range(12):
        await fulfillment.run(batch=1, planned=2, rounds=2)
    assert await site.status(later) == "PICKING"
    assert {await site.why(one) for one in stuck} == {"LANE_BLOCKED"}
    await site.block("LANE-2", "OPEN")
    for _ in range(8):
        await fulfillment.run(batch=1, planned=2, rounds=2)
    assert {await site.status(one) for one in stuck} == {"PICKING"}


async def test_a_small_order_is_not_kept_waiting_by_large_ones_in_front_of_it(
    site: Site, fulfillment: Fulfillment
) -> None:
    """A unit that comes is of no use to those who need five, however many and urgent they are."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-2", "SKU-001", 500), lane_id="LANE-2")
    await site.block("LANE-2")
    large = [await site.order(("SKU-001", 5), allow_partial=False, **URGENT) for _ in range(20)]
    small = await site.order(("SKU-001", 1))
    await fulfillment.run()
    assert {await site.why(one) for one in (*large, small)} == {"LANE_BLOCKED"}
    await site.stock(("CAR-1", "SKU-001", 1), lane_id="LANE-1")
    for _ in range(60):
        await fulfillment.run()
        if await site.status(small) == "PICKING":
            break
    assert await site.status(small) == "PICKING"
    assert {await site.why(one) for one in large} == {"LANE_BLOCKED"}


async def test_orders_of_a_paused_destination_do_not_fill_the_window(
    site: Site, fulfillment: Fulfillment
) -> None:
    """They are not looked at while it is paused, and go on when it is not."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.stock(("CAR-1", "SKU-001", 50))
    waiting = [await site.order(("SKU-001", 1), **URGENT) for _ in range(5)]
    for order_id in waiting:
        await assign(site, fulfillment, order_id, "PACK-2")
    await site.destination("PACK-2", paused=True)
    later = await site.order(("SKU-001", 1))
    for _ in range(12):
        await fulfillment.run(batch=1, planned=2, rounds=2)
    assert await site.status(later) == "PICKING"
    assert {await site.why(one) for one in waiting} == {"DESTINATION_PAUSED"}


# Lanes


async def test_a_carrier_at_the_end_of_the_only_lane_comes_out_of_it(
    site: Site, fulfillment: Fulfillment
) -> None:
    """With no other lane those in front of it go to the end, also when the lane is full."""
    await site.open()
    await site.stock(*[(f"CAR-{number}", "OTHER", 1) for number in range(9)], ("CAR-9", "SKU-001", 2))
    order_id = await site.order(("SKU-001", 2))
    await fulfillment.deliver(site.api)
    assert await site.status(order_id) == "PACKING"
    (lane,) = (await site.api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert lane.occupied == 9


async def test_a_carrier_for_a_paused_destination_is_in_nobodys_way(
    site: Site, fulfillment: Fulfillment
) -> None:
    """It stands aside, keeps its destination, and goes there when that takes work again."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.stock(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    early, late = await site.order(("SKU-001", 1)), await site.order(("SKU-002", 1))
    await assign(site, fulfillment, early, "PACK-1")
    await fulfillment.cycle().allocate()
    await site.destination("PACK-1", paused=True)
    await assign(site, fulfillment, late, "PACK-2")
    await fulfillment.deliver(site.api)
    assert (await site.status(early), await site.status(late)) == ("ASSIGNED_TO_WAVE", "PACKING")
    assert await site.why(early) == "DESTINATION_PAUSED"
    await site.destination("PACK-1")
    await fulfillment.deliver(site.api)
    assert await site.status(early) == "PACKING"


async def test_a_turn_in_the_only_lane_that_fails_keeps_the_position(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The lane counts its carriers as before, and the carrier is where it was."""
    await site.lane(capacity=2)
    await site.destination()
    await site.stock(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    await site.order(("SKU-001", 2))
    await fulfillment.run()
    (move,) = await site.claim()
    assert (move.carrier_id, move.from_lane_id, move.to_lane_id) == ("CAR-1", "LANE-1", "LANE-1")
    await site.fail(move)
    assert await sql.fetchval("SELECT occupied FROM lanes") == 2
    assert (await site.carrier("CAR-1")).lane_position == 1


async def test_an_order_goes_to_the_destination_that_its_stock_can_go_to(
    site: Site, fulfillment: Fulfillment
) -> None:
    """A wave is planned for where there is a route, also when elsewhere fewer wait."""
    await site.open(lanes=("LANE-A",), destinations=())
    await site.lane("LANE-B", zone="B")
    await site.destination("PACK-1")
    await site.destination("PACK-2", zones=["B"])
    await site.stock(("CAR-B", "SKU-B", 9), lane_id="LANE-B")
    await site.stock(("CAR-A", "SKU-A", 9), lane_id="LANE-A")
    orders = [await site.order((sku, 1)) for sku in ("SKU-A", "SKU-B", "SKU-A", "SKU-B")]
    nowhere = await site.order(("SKU-A", 1), ("SKU-B", 1))
    await fulfillment.deliver(site.api)
    assert [await site.status(one) for one in orders] == ["PACKING"] * 4
    assert (await site.status(nowhere), await site.why(nowhere)) == ("ASSIGNED_TO_WAVE", "NO_ROUTE")


async def test_an_order_whose_carrier_stands_in_a_lane_blocked_since_says_so(
    site: Site, fulfillment: Fulfillment
) -> None:
    """It holds its stock, and does not look as if that were on its way."""
    await site.open()
    await site.stock(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    order_id = await site.order(("SKU-001", 2))
    await fulfillment.run()
    await site.block("LANE-1")
    assert await site.why(order_id) == "LANE_BLOCKED"


async def test_a_relocated_carrier_is_waited_for_and_not_called_blocked(
    site: Site, fulfillment: Fulfillment
) -> None:
    """What is on its way to another lane will be there."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    await site.order(("SKU-001", 2))
    await fulfillment.run()
    order_id = await site.order(("OTHER", 1))
    await fulfillment.run()
    assert await site.why(order_id) == "STOCK_ELSEWHERE"


# Held carriers


async def test_nothing_is_picked_from_a_carrier_that_is_held_where_it_is_waited_for(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Its order fails and finds another; the carrier goes back untouched."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 5))
    order_id = await site.order(("SKU-001", 2))
    await fulfillment.run()
    await site.complete(await site.claim())
    await site.hold("CAR-1")
    await fulfillment.run()
    order = await site.read(order_id)
    assert (order.status, order.items[0].quantity_delivered) == (order_pb2.ORDER_STATUS_PENDING_RETRY, 0)
    assert "held" in order.last_failure_reason
    await fulfillment.deliver(site.api)
    carrier = await site.carrier("CAR-1")
    assert (carrier.quantity, carrier.allocated_quantity) == (5, 0)


async def test_a_backorder_lets_go_of_a_carrier_that_is_held_where_it_is_waited_for(
    site: Site, fulfillment: Fulfillment
) -> None:
    """It is owed as before, and filled from the next carrier."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 3))
    order_id = await site.order(("SKU-001", 5))
    await fulfillment.deliver(site.api)
    await site.apart(("CAR-2", "SKU-001", 2))
    await fulfillment.run()
    await site.complete(await site.claim())
    await site.hold("CAR-2")
    await fulfillment.deliver(site.api)
    assert (await site.carrier("CAR-2")).quantity == 2
    await site.apart(("CAR-3", "SKU-001", 2))
    await fulfillment.deliver(site.api)
    assert (await site.read(order_id)).items[0].quantity_delivered == 5


# How much is read


ASKED = StockAsked("WH-01", "SKU-001", "PACK-1", 1, 3)


async def _many(api: Api, sql: Sql, blocked: int) -> None:
    site = Site(api)
    await site.lane("LANE-1", capacity=9_000)
    await site.lane("LANE-2", capacity=9_000)
    await site.block("LANE-2")
    await site.destination()
    await sql.execute(
        """INSERT INTO carriers (carrier_id, warehouse_id, sku, quantity, status, location, lane_id,
                                 lane_position, produced_at, received_at, updated_at)
           SELECT 'CAR-' || n, 'WH-01', 'SKU-001', 2, 'available', 'in_lane',
                  CASE WHEN n <= $1 THEN 'LANE-2' ELSE 'LANE-1' END, n, now() + n * interval '1 s',
                  now(), now()
             FROM generate_series(1, 2000) AS n""",
        blocked,
    )
    await sql.execute(
        """INSERT INTO audit_log (at, actor, action, subject, correlation_id, detail)
           SELECT now(), 'test', 'carrier.received', 'carrier/' || carrier_id, '',
                  json_build_object('sku', sku, 'quantity', quantity) FROM carriers"""
    )
    await sql.execute(
        "UPDATE lanes l SET occupied = (SELECT count(*) FROM carriers c WHERE c.lane_id = l.lane_id)"
    )


@pytest.mark.parametrize("blocked", [0, 500])
async def test_of_many_carriers_only_those_are_read_that_can_be_needed(
    api: Api, fulfillment: Fulfillment, sql: Sql, blocked: int
) -> None:
    """However many there are; and those within reach are found behind any number of others."""
    await _many(api, sql, blocked)
    found = await fulfillment.database.read(lambda t: t.cycle.free_carriers([ASKED], 5))
    usable = [one for one in found if one.reachable and not one.deep]
    assert [one.carrier_id for one in usable[:2]] == [f"CAR-{blocked + 1}", f"CAR-{blocked + 2}"]
    assert len(found) < 20

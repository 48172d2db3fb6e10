"""How goods travel on a real Postgres: the queue of a destination, the way there, the way back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.site import Site
from wms.orders.v1 import order_pb2, storage_pb2
from wms_core.clock import CLOCK
from wms_core.domain.storage import LaneTrip, MoveKind


@pytest.fixture(autouse=True)
async def _sound(sql: Sql) -> AsyncIterator[None]:
    """Whatever a test did, no promise that the database can be asked about is broken."""
    yield
    assert await breaches(sql) == []


# The queue


async def test_no_more_moves_are_requested_than_the_queue_has_places(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Carriers there and carriers on their way fill the queue; the longest allocated come first."""
    await site.open()
    await site.destination(queue_capacity=2)
    names = [f"CAR-{number}" for number in range(5)]
    for number, name in enumerate(names):
        await site.apart((name, "SKU-001", 2), produced=number)
        await site.order()
        await fulfillment.cycle().run() if number == 0 else None
    did = await fulfillment.run()
    assert did["request_moves"] == 1
    on_the_way = await site.claim()
    assert [move.carrier_id for move in on_the_way] == names[:2]
    assert (await fulfillment.run())["request_moves"] == 0
    await site.complete(on_the_way[:1])
    # What has arrived is picked off in the cycle that sees it; its place is free in the next.
    await fulfillment.run()
    assert (await fulfillment.run())["request_moves"] == 1
    assert [move.carrier_id for move in await site.claim()] == names[2:3]


async def test_one_full_queue_does_not_hold_up_another(site: Site, fulfillment: Fulfillment) -> None:
    """Each destination has a queue of its own."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.destination("PACK-1", queue_capacity=1)
    await site.apart(*[(f"CAR-{number}", "SKU-001", 2) for number in range(6)])
    await site.orders(6)
    await fulfillment.run(wave_size=1)
    moves = await site.claim()
    assert sorted(move.destination_id for move in moves) == ["PACK-1", "PACK-2", "PACK-2", "PACK-2"]


async def test_two_orders_that_need_each_others_carriers_both_get_them(
    site: Site, fulfillment: Fulfillment
) -> None:
    """No order holds a place in the queue while it waits for its other carriers: nothing locks up."""
    await site.open()
    await site.destination(queue_capacity=1)
    await site.apart(("CAR-1", "SKU-001", 4), ("CAR-2", "SKU-002", 4))
    orders = [await site.order(("SKU-001", 1), ("SKU-002", 1)) for _ in range(2)]
    orders.append(await site.order(("SKU-002", 1), ("SKU-001", 1)))
    await fulfillment.deliver(site.api)
    assert {await site.status(order_id) for order_id in orders} == {"PACKING"}


async def test_a_move_goes_to_one_caller_only(site: Site, fulfillment: Fulfillment) -> None:
    """Twenty control systems that claim at once share the moves between them."""
    await site.open()
    await site.apart(*[(f"CAR-{number}", "SKU-001", 2) for number in range(10)])
    await site.orders(10)
    await fulfillment.run()
    claims = await asyncio.gather(*(site.claim(limit=2) for _ in range(20)))
    claimed = [move.move_id for moves in claims for move in moves]
    assert len(claimed) == len(set(claimed)) == 10


async def test_a_carrier_held_after_its_allocation_is_not_asked_for(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """It stays in its lane, and its order fails for that reason; set free, it serves the retry."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    cycle = fulfillment.cycle()
    await cycle.validate()
    await cycle.plan_waves()
    await cycle.allocate()
    await site.hold("CAR-1")
    did = await fulfillment.run()
    assert (did["request_moves"], did["take_in_held_carriers"]) == (0, 1)
    assert await site.claim() == []
    order = await site.read(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PENDING_RETRY, 1)
    assert order.failed_status == order_pb2.ORDER_STATUS_ASSIGNED_TO_WAVE
    assert order.last_failure_reason == "Carrier CAR-1 is held: test"
    carrier = await site.carrier("CAR-1")
    assert (carrier.lane_id, carrier.allocated_quantity) == ("LANE-1", 0)
    await site.hold("CAR-1", "AVAILABLE")
    await sql.execute("UPDATE orders SET next_retry_at = now()")
    assert (await fulfillment.run())["request_moves"] == 1
    assert await site.status(order_id) == "PICKING"


async def test_a_lane_blocked_after_an_allocation_gives_its_carrier_when_it_opens(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Nothing is asked for out of a blocked lane."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    await site.order()
    cycle = fulfillment.cycle()
    await cycle.validate()
    await cycle.plan_waves()
    await cycle.allocate()
    await site.block("LANE-1")
    assert (await fulfillment.run())["request_moves"] == 0
    await site.block("LANE-1", "OPEN")
    assert (await fulfillment.run())["request_moves"] == 1


# The way there


async def test_an_order_is_packed_when_its_last_carrier_has_arrived(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Until then it is in PICKING, and what has arrived is picked off already."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2))
    order_id = await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    moves = await site.claim()
    await site.complete(moves[:1])
    await fulfillment.run()
    order = await site.read(order_id)
    assert sorted(line.quantity_delivered for line in order.items) == [0, 2]
    assert await site.status(order_id) == "PICKING"
    await site.complete(moves[1:])
    await fulfillment.run()
    assert await site.status(order_id) == "PACKING"


async def test_a_carrier_that_was_emptied_leaves(site: Site, fulfillment: Fulfillment) -> None:
    """It goes nowhere any more, and its row stays."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    await site.order()
    await fulfillment.deliver(site.api)
    carrier = await site.carrier("CAR-1")
    assert carrier.location == storage_pb2.CARRIER_LOCATION_LEFT
    assert (carrier.quantity, carrier.lane_id, carrier.destination_id) == (0, "", "")


async def test_a_report_that_comes_twice_counts_once(site: Site, fulfillment: Fulfillment) -> None:
    """The same move reported done again changes nothing; another caller may not report it."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    await site.order()
    await fulfillment.run()
    (move,) = await site.claim()
    stranger = storage_pb2.CompleteMoveRequest(move_id=move.move_id, claimed_by="stranger")
    assert (await failing(site.api.storage.CompleteMove(stranger))).reason == "MOVE_CLAIMED_BY_OTHER"
    await site.complete([move])
    await site.complete([move])
    await fulfillment.run()
    late = storage_pb2.FailMoveRequest(move_id=move.move_id, claimed_by="wcs-test", reason="late")
    assert (await failing(site.api.storage.FailMove(late))).reason == "MOVE_STATUS_CONFLICT"


# The way back


async def test_a_carrier_with_a_rest_goes_back_to_the_end_of_a_lane_with_room(
    site: Site, fulfillment: Fulfillment
) -> None:
    """A full lane, a blocked one and one of a foreign zone take no carrier; its units are free again."""
    await site.open()
    await site.lane("LANE-blocked", capacity=100)
    await site.block("LANE-blocked")
    await site.lane("LANE-foreign", capacity=100, zone="B")
    await site.lane("LANE-full", capacity=1)
    await site.stock(("CAR-9", "SKU-009", 1), lane_id="LANE-full")
    await site.stock(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    await site.order(("SKU-001", 2))
    await fulfillment.deliver(site.api)
    carrier = await site.carrier("CAR-1")
    assert (carrier.lane_id, carrier.lane_position, carrier.destination_id) == ("LANE-1", 2, "")
    assert (carrier.quantity, carrier.allocated_quantity) == (3, 0)
    await site.lane("LANE-full", capacity=2)  # Room for the one that is in front of it now.
    await site.order(("SKU-001", 3))
    await fulfillment.deliver(site.api)
    assert await site.location("CAR-1") == "LEFT"


async def test_a_place_in_a_lane_is_promised_to_one_carrier(site: Site, fulfillment: Fulfillment) -> None:
    """With one free position one of two carriers goes back; the other waits until there is room."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    await site.complete(await site.claim())
    for name in ("LANE-CAR-1", "LANE-CAR-2"):
        await site.block(name)
    await site.lane(capacity=1)
    await fulfillment.run()
    (first,) = await site.claim()
    assert (await fulfillment.run())["request_returns"] == 0
    await site.complete([first])
    assert (await fulfillment.run())["request_returns"] == 0
    await site.lane(capacity=2)
    await fulfillment.deliver(site.api)
    assert {one.lane_id for one in (await site.carriers()).values()} == {"LANE-1"}


async def test_a_lane_that_was_filled_since_it_was_read_takes_no_more_than_it_can(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Trips beyond its free positions, or asked for after it was blocked, wait for another cycle."""
    await site.lane("LANE-1", capacity=2)
    await site.apart(*((f"CAR-{number}", "SKU-001", 5) for number in range(4)))
    trips = [
        LaneTrip(f"CAR-{number}", "WH-01", MoveKind.RELOCATE, "LANE-1", from_lane_id=f"LANE-CAR-{number}")
        for number in range(4)
    ]

    async def request(*some: LaneTrip) -> int:
        now = CLOCK.now()
        return await fulfillment.database.transact(
            lambda t: t.cycle.request_trips(some, now + timedelta(minutes=1), now)
        )

    assert await request(*trips[:3]) == 2
    assert await request(trips[3]) == 0
    assert {move.carrier_id for move in await site.claim()} == {"CAR-0", "CAR-1"}
    await site.lane("LANE-1", capacity=10)
    await site.block("LANE-1")
    assert await request(trips[2]) == 0
    await site.block("LANE-1", "OPEN")
    assert await request(trips[2]) == 1


async def test_a_carrier_that_somebody_still_needs_stays_where_it_is(
    site: Site, fulfillment: Fulfillment
) -> None:
    """An order of the same destination takes the rest of a carrier that stands there: no second trip."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    await site.order(("SKU-001", 2))
    await fulfillment.run()
    await site.complete(await site.claim())
    await site.lane(capacity=10, status=storage_pb2.LANE_STATUS_BLOCKED)
    await fulfillment.run()
    late = await site.order(("SKU-001", 3))
    await fulfillment.run()
    await fulfillment.run()
    assert await site.status(late) == "PACKING"
    assert await site.claim() == []


# Giving up


async def test_a_cancelled_order_releases_its_stock_and_the_moves_nobody_claimed(
    site: Site, fulfillment: Fulfillment
) -> None:
    """The claimed carrier goes on and comes back; the other never leaves its lane."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    order_id = await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    (claimed,) = await site.claim(limit=1)
    await site.cancel(order_id)
    assert await site.claim() == []
    assert {one.allocated_quantity for one in (await site.carriers()).values()} == {0}
    (other,) = {"CAR-1", "CAR-2"} - {claimed.carrier_id}
    before = await site.carrier(other)
    assert before.lane_id == f"LANE-{other}"
    await site.complete([claimed])
    assert await site.location(claimed.carrier_id) == "AT_DESTINATION"
    await fulfillment.deliver(site.api)
    assert await site.location(claimed.carrier_id) == "IN_LANE"
    assert await site.carrier(other) == before
    assert {one.quantity for one in (await site.carriers()).values()} == {5}


async def test_a_cancelled_order_leaves_the_carrier_to_the_others_that_need_it(
    site: Site, fulfillment: Fulfillment
) -> None:
    """A move that another order waits for is not cancelled."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    cancelled, kept = await site.order(), await site.order()
    await fulfillment.run()
    await site.cancel(cancelled)
    await fulfillment.deliver(site.api)
    assert [await site.status(one) for one in (cancelled, kept)] == ["CANCELLED", "PACKING"]
    assert (await site.carrier("CAR-1")).quantity == 3


@pytest.mark.parametrize("status", ["PICKING", "PACKING"])
async def test_units_that_were_delivered_for_a_cancelled_order_are_stock_again(
    site: Site, fulfillment: Fulfillment, status: str
) -> None:
    """They become a carrier at that destination, which is brought back and serves the next order."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2))
    order_id = await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    moves = await site.claim()
    await site.complete(moves if status == "PACKING" else moves[:1])
    await fulfillment.run()
    assert await site.status(order_id) == status
    await site.cancel(order_id)
    await site.complete(moves)
    await fulfillment.deliver(site.api)
    again = await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.deliver(site.api)
    assert await site.status(again) == "PACKING"


async def test_cancel_and_the_cycle_at_once_leave_stock_that_adds_up(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Orders cancelled while cycles run and moves are done are cancelled or refused; nothing is lost."""
    await site.open()
    await site.apart(*[(f"CAR-{number}", "SKU-001", 30) for number in range(4)])
    orders = await site.orders(40)

    async def work() -> None:
        for _ in range(12):
            await fulfillment.run(batch=7, wave_size=5)
            await site.complete(await site.claim(limit=3))

    async def cancel(order_id: str, after: float) -> None:
        await asyncio.sleep(after)
        await site.cancel(order_id)

    await asyncio.gather(work(), *(cancel(one, number * 0.02) for number, one in enumerate(orders[::2])))
    await fulfillment.deliver(site.api)
    assert {await site.status(one) for one in orders[::2]} == {"CANCELLED"}
    assert {await site.status(one) for one in orders[1::2]} == {"PACKING"}
    assert await sql.fetchval("SELECT sum(quantity) FROM carriers") == 120 - 40

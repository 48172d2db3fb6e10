"""The worker's cycle on a real Postgres: from received to packing, when everything goes well.

What an order waits for is here too; what fails is in test_cycle_failures, how goods travel in test_moves.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.api import Api
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.site import Site
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain import events
from wms_core.domain.runs import Step
from wms_core.domain.storage import Allocation

pytestmark = pytest.mark.every_postgres


@pytest.fixture(autouse=True)
async def _sound(sql: Sql) -> AsyncIterator[None]:
    """Whatever a test did, no promise that the database can be asked about is broken."""
    yield
    assert await breaches(sql) == []


async def _assign(site: Site, fulfillment: Fulfillment, *order_ids: str, to: str = "PACK-1") -> None:
    """Validate what came in, and put some of it into one wave by hand."""
    await fulfillment.cycle().validate()
    await site.api.orders.AssignOrdersToWave(
        orders_pb2.AssignOrdersToWaveRequest(order_ids=order_ids, destination_id=to)
    )


# The whole way


async def test_an_order_with_stock_is_brought_to_packing(site: Site, fulfillment: Fulfillment) -> None:
    """Cycles and completed moves lead an order from RECEIVED to PACKING, all its units delivered."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    order_id = await site.order(("SKU-001", 2))
    await fulfillment.deliver(site.api)
    order = await site.read(order_id)
    assert order.status == order_pb2.ORDER_STATUS_PACKING
    assert [line.quantity_delivered for line in order.items] == [2]
    assert await site.events(order_id) == [
        "received", "validated", "wave-assigned", "picking-started", "packing-started",
    ]  # fmt: skip


async def test_what_the_database_tells_is_what_the_events_say(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The payloads that the cycle has the database write are those of the domain's events, to the letter."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    order_id = await site.order(("SKU-001", 2))
    await fulfillment.deliver(site.api)
    order = await site.read(order_id)
    place = {"wave_id": order.wave_id, "destination_id": order.destination_id}
    rows = await sql.fetch(
        "SELECT type, occurred_at, payload FROM order_events WHERE order_id = $1"
        " UNION ALL SELECT type, occurred_at, payload FROM outbox WHERE order_id = $1",
        order_id,
    )
    told = {row["type"]: row for row in rows}
    for event, facts in (
        (events.Validated, {}),
        (events.WaveAssigned, place),
        (events.PickingStarted, place),
        (events.PackingStarted, place),
    ):
        row = told[event.type]
        said = event(
            order_id=order_id, customer_id=order.customer_id, timestamp=row["occurred_at"], **facts
        ).payload()
        assert list(json.loads(row["payload"]).items()) == list(json.loads(said).items())


async def test_units_are_conserved_at_every_step(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """After each step of each cycle and each report of the control system all promises hold."""
    await site.open(lanes=("LANE-1", "LANE-2"), destinations=("PACK-1", "PACK-2"))
    for number in range(3):
        await site.stock((f"CAR-A{number}", "SKU-001", 3), lane_id="LANE-1")
        await site.stock((f"CAR-B{number}", "SKU-002", 4), lane_id="LANE-2")
    orders = [await site.order(("SKU-001", 1), ("SKU-002", 2)) for _ in range(6)]
    orders.append(await site.order(("SKU-001", 9)))
    for _ in range(6):
        cycle = fulfillment.cycle(wave_size=2)
        for step in Step:
            await getattr(cycle, step.value)()
            assert await breaches(sql) == []
        await site.complete(await site.claim(limit=2))
        assert await breaches(sql) == []
    reached = [await site.status(order_id) for order_id in orders]
    assert reached.count("PENDING_RETRY") == 1
    assert "PACKING" in reached


async def test_two_thousand_orders_are_served_in_several_batches(
    site: Site, fulfillment: Fulfillment
) -> None:
    """One cycle takes as many batches as the orders need; none is left out."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 4000))
    orders = await site.orders(2000)
    did = await fulfillment.run(batch=300)
    assert did == {
        "retry_due": 0, "validate": 2000, "plan_waves": 2000, "fill_backorders": 0, "allocate": 2000,
        "request_moves": 1, "request_relocations": 0, "start_picking": 2000, "take_in_arrivals": 0,
        "request_returns": 0, "fail_overdue_moves": 0, "take_in_failed_moves": 0, "take_in_held_carriers": 0,
    }  # fmt: skip
    await site.complete(await site.claim())
    assert (await fulfillment.run(batch=300))["take_in_arrivals"] == 2000
    assert await site.status(orders[-1]) == "PACKING"
    assert await site.location("CAR-1") == "LEFT"


async def test_orders_can_have_a_transaction_each(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """Then several are under way at once; what is planned is planned for all of them, so also their wave."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    await site.orders(20)
    await fulfillment.run(batch=1, at_once=8, planned=20)
    changed = "SELECT count(DISTINCT xmin::text) FROM orders WHERE status = 'picking'"
    assert await sql.fetchval(changed) == 20
    assert await sql.fetchval("SELECT count(*) FROM waves") == 1
    await site.complete(await site.claim())
    assert (await fulfillment.run(batch=1, at_once=8))["take_in_arrivals"] == 20
    assert await sql.fetchval("SELECT count(DISTINCT xmin::text) FROM orders WHERE status = 'packing'") == 20


async def test_a_promise_is_kept_only_to_orders_and_by_carriers_that_are_as_planned(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Who was changed since, or counts on a carrier that was held since, gets nothing; all others do."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    whole, late, changed = [
        await site.order(*lines)
        for lines in ([("SKU-001", 2)], [("SKU-001", 1), ("SKU-002", 1)], [("SKU-001", 1)])
    ]
    await _assign(site, fulfillment, whole, late, changed)
    database, fence, now = fulfillment.database, fulfillment.fence, datetime.now(UTC)
    found = await database.read(lambda t: t.orders.get([whole, late, changed]))
    orders = [found[whole], found[late], replace(found[changed], version=found[changed].version - 1)]
    planned = [
        Allocation(whole, 1, "CAR-1", "PACK-1", 2),
        Allocation(late, 1, "CAR-1", "PACK-1", 1),
        Allocation(late, 2, "CAR-2", "PACK-1", 1),
        Allocation(changed, 1, "CAR-1", "PACK-1", 1),
    ]
    await site.hold("CAR-2")
    kept = await database.transact(
        lambda t: t.cycle.promise(fence, orders, planned, now), fence=fence, whole=False
    )
    assert kept == [whole]
    held = await sql.fetch("SELECT order_id, carrier_id, quantity FROM allocations")
    assert [tuple(row) for row in held] == [(whole, "CAR-1", 2)]


async def test_a_cycle_stops_between_steps_when_it_is_told_to(site: Site, fulfillment: Fulfillment) -> None:
    """A cycle that has lost its role begins no further step."""
    await site.open()
    order_id = await site.order()
    cycle = fulfillment.cycle()
    cycle.stopping = lambda: True
    assert (await cycle.run()).steps == ()
    assert await site.status(order_id) == "RECEIVED"


async def test_a_second_cycle_with_nothing_to_do_changes_nothing(
    site: Site, fulfillment: Fulfillment
) -> None:
    """An order that waits gets no new version, and its etag stays good."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    await fulfillment.run()
    before = await site.read(order_id)
    assert not any((await fulfillment.run()).values())
    assert await site.read(order_id) == before


# Validation


async def test_the_worker_leaves_validation_to_others_when_told_to(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Without AUTO_VALIDATE an order waits for ValidateOrder, then goes on."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    await fulfillment.run(auto_validate=False)
    assert (await site.status(order_id), await site.why(order_id)) == ("RECEIVED", "AWAITING_VALIDATION")
    await site.api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id))
    await fulfillment.run(auto_validate=False)
    assert await site.status(order_id) == "PICKING"


# Waves


async def test_the_most_urgent_orders_get_the_first_wave(site: Site, fulfillment: Fulfillment) -> None:
    """Priority comes first, then the promised time, then age; an order without a promise comes after."""
    await site.open()
    now = datetime.now(UTC)
    late = await site.order(priority=order_pb2.ORDER_PRIORITY_STANDARD)
    never = await site.order(priority=order_pb2.ORDER_PRIORITY_NEXT_DAY)
    later = await site.order(
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY, promised_delivery_at=now + timedelta(days=2)
    )
    sooner = await site.order(
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY, promised_delivery_at=now + timedelta(days=1)
    )
    first = await site.order(
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY, promised_delivery_at=now + timedelta(days=9)
    )
    cycle = fulfillment.cycle(wave_size=1)
    await cycle.validate()
    await cycle.plan_waves()
    waves = {
        order_id: (await site.read(order_id)).wave_id for order_id in (late, never, later, sooner, first)
    }
    assert sorted(waves, key=lambda order_id: waves[order_id]) == [first, sooner, later, never, late]


async def test_waves_go_where_the_fewest_orders_wait(site: Site, fulfillment: Fulfillment) -> None:
    """Orders are balanced over the destinations of their warehouse, those that wait already counted."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    waiting = [await site.order() for _ in range(2)]
    await _assign(site, fulfillment, *waiting, to="PACK-1")
    orders = await site.orders(4)
    cycle = fulfillment.cycle(wave_size=1)
    await cycle.validate()
    await cycle.plan_waves()
    targets = [(await site.read(order_id)).destination_id for order_id in orders]
    assert sorted(targets) == ["PACK-1", "PACK-2", "PACK-2", "PACK-2"]


async def test_a_wave_holds_no_more_orders_than_allowed(site: Site, fulfillment: Fulfillment) -> None:
    """WAVE_SIZE is the most orders of one wave, and each order of a wave has the wave's destination."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    orders = [await site.read(order_id) for order_id in await site.orders(5)]
    cycle = fulfillment.cycle(wave_size=2)
    await cycle.validate()
    await cycle.plan_waves()
    waves: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for order in [await site.read(order.order_id) for order in orders]:
        waves.setdefault(order.wave_id, set()).add(order.destination_id)
        sizes[order.wave_id] = sizes.get(order.wave_id, 0) + 1
    assert sorted(sizes.values()) == [1, 2, 2]
    assert all(len(destinations) == 1 for destinations in waves.values())


async def test_no_wave_goes_to_a_paused_destination(site: Site, fulfillment: Fulfillment) -> None:
    """Orders wait, and say so, while every destination of their warehouse is paused."""
    await site.open()
    await site.destination(paused=True)
    order_id = await site.order()
    await fulfillment.run()
    assert (await site.status(order_id), await site.why(order_id)) == ("VALIDATED", "NO_DESTINATION")
    await site.destination("PACK-2")
    await fulfillment.cycle().plan_waves()
    assert (await site.read(order_id)).destination_id == "PACK-2"


async def test_a_warehouse_without_a_destination_holds_up_no_other(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Its orders wait for a destination, however many they are and however urgent."""
    await site.open()
    await site.lane("LANE-2", warehouse_id="WH-02")
    urgent = [
        await site.order(warehouse_id="WH-02", priority=order_pb2.ORDER_PRIORITY_SAME_DAY) for _ in range(3)
    ]
    order_id = await site.order()
    cycle = fulfillment.cycle(batch=2)
    await cycle.validate()
    assert await cycle.plan_waves() == 1
    assert await site.status(order_id) == "ASSIGNED_TO_WAVE"
    assert {await site.why(waiting) for waiting in urgent} == {"NO_DESTINATION"}


# Allocation


async def test_an_order_gets_everything_or_nothing(site: Site, fulfillment: Fulfillment) -> None:
    """When one line can't be served the others hold no stock either."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "SKU-001", 5))
    await site.stock(("CAR-2", "SKU-002", 5), lane_id="LANE-2")
    await site.block("LANE-2")
    order_id = await site.order(("SKU-001", 2), ("SKU-002", 1))
    await fulfillment.run()
    assert [line.quantity_allocated for line in (await site.read(order_id)).items] == [0, 0]
    assert (await site.carrier("CAR-1")).allocated_quantity == 0
    assert await site.why(order_id) == "LANE_BLOCKED"


async def test_an_order_that_waits_holds_up_no_other(site: Site, fulfillment: Fulfillment) -> None:
    """A more urgent order for a blocked SKU does not stop one that can be served."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "SKU-001", 5))
    await site.stock(("CAR-2", "SKU-002", 5), lane_id="LANE-2")
    await site.block("LANE-2")
    urgent = await site.order(("SKU-002", 1), priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    order_id = await site.order(("SKU-001", 1))
    await fulfillment.run(batch=1)
    assert await site.status(urgent) == "ASSIGNED_TO_WAVE"
    assert await site.status(order_id) == "PICKING"


async def test_the_oldest_carrier_is_used_first(site: Site, fulfillment: Fulfillment) -> None:
    """Age is when the goods were produced, not when they came."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2), produced=20)
    await site.stock(("CAR-2", "SKU-001", 2), produced=10)
    await site.stock(("CAR-3", "SKU-001", 2), produced=30)
    await site.order(("SKU-001", 3))
    await fulfillment.run()
    carriers = await site.carriers()
    assert {name: one.allocated_quantity for name, one in carriers.items()} == {
        "CAR-1": 1, "CAR-2": 2, "CAR-3": 0,
    }  # fmt: skip


async def test_a_carrier_that_goes_there_already_is_used_before_older_ones(
    site: Site, fulfillment: Fulfillment
) -> None:
    """What is on its way to the destination with units to spare saves a trip."""
    await site.open()
    await site.stock(("CAR-young", "SKU-001", 5), produced=20)
    await site.order(("SKU-001", 2))
    await fulfillment.run()
    await site.stock(("CAR-old", "SKU-001", 5), produced=10)
    await site.order(("SKU-001", 2))
    await fulfillment.run()
    carriers = await site.carriers()
    assert (carriers["CAR-young"].allocated_quantity, carriers["CAR-old"].allocated_quantity) == (4, 0)


async def test_several_orders_share_one_carrier_and_one_trip(site: Site, fulfillment: Fulfillment) -> None:
    """Orders of one destination draw on one carrier; it travels once and each gets its own units."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 10))
    orders = [await site.order(("SKU-001", quantity)) for quantity in (1, 2, 3)]
    did = await fulfillment.run()
    assert (did["allocate"], did["request_moves"]) == (3, 1)
    await site.complete(await site.claim())
    await fulfillment.run()
    assert [(await site.read(one)).items[0].quantity_delivered for one in orders] == [1, 2, 3]
    assert (await site.carrier("CAR-1")).quantity == 4


async def test_an_order_with_one_sku_on_two_lines_gets_both(site: Site, fulfillment: Fulfillment) -> None:
    """Each line has its own units, also when they come off one carrier."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 3), ("CAR-2", "SKU-001", 2))
    order_id = await site.order(("SKU-001", 2), ("SKU-001", 3))
    await fulfillment.deliver(site.api)
    order = await site.read(order_id)
    assert [line.quantity_delivered for line in order.items] == [2, 3]
    assert order.status == order_pb2.ORDER_STATUS_PACKING


@pytest.mark.parametrize("status", ["ON_HOLD", "INSPECTION_REQUIRED"])
async def test_a_carrier_that_is_held_serves_nobody(
    site: Site, fulfillment: Fulfillment, status: str
) -> None:
    """Only available carriers are used; set free again, they are."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    await site.hold("CAR-1", status)
    order_id = await site.order()
    await fulfillment.run()
    assert await site.status(order_id) == "PENDING_RETRY"
    assert (await site.carrier("CAR-1")).allocated_quantity == 0
    await site.hold("CAR-1", "AVAILABLE")
    served = await site.order()
    await fulfillment.run()
    assert await site.status(served) == "PICKING"


async def test_stock_of_another_warehouse_serves_nobody_here(site: Site, fulfillment: Fulfillment) -> None:
    """An order is served from its own warehouse only."""
    await site.open()
    await site.lane("LANE-2", warehouse_id="WH-02")
    await site.stock(("CAR-1", "SKU-001", 5), lane_id="LANE-2", warehouse_id="WH-02")
    order_id = await site.order()
    await fulfillment.run()
    assert (await site.read(order_id)).last_failure_reason == "Inventory unavailable"


# What an order waits for


async def test_an_order_waits_for_a_blocked_lane(site: Site, fulfillment: Fulfillment) -> None:
    """It is no failure, it is said, and it ends when the lane opens."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    await site.block("LANE-1")
    order_id = await site.order()
    await fulfillment.run()
    assert (await site.status(order_id), await site.why(order_id)) == ("ASSIGNED_TO_WAVE", "LANE_BLOCKED")
    await site.block("LANE-1", "OPEN")
    await fulfillment.run()
    assert await site.status(order_id) == "PICKING"


async def test_an_order_waits_for_a_route(site: Site, fulfillment: Fulfillment) -> None:
    """Stock in a zone that its destination is not served from is no stock for it, and no failure."""
    await site.open()
    await site.lane("LANE-2", zone="B")
    await site.stock(("CAR-1", "SKU-001", 5), lane_id="LANE-2")
    order_id = await site.order()
    await fulfillment.run()
    assert (await site.status(order_id), await site.why(order_id)) == ("ASSIGNED_TO_WAVE", "NO_ROUTE")
    await site.destination(zones=["A", "B"])
    await fulfillment.run()
    assert await site.status(order_id) == "PICKING"


async def test_an_order_waits_for_stock_that_is_at_another_destination(
    site: Site, fulfillment: Fulfillment
) -> None:
    """It gets the carrier when that is back in a lane."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.stock(("CAR-1", "SKU-001", 5))
    first, second = await site.order(), await site.order()
    await _assign(site, fulfillment, first, to="PACK-1")
    await fulfillment.cycle().allocate()
    await site.api.orders.AssignOrdersToWave(
        orders_pb2.AssignOrdersToWaveRequest(order_ids=[second], destination_id="PACK-2")
    )
    await fulfillment.run()
    assert await site.why(second) == "STOCK_ELSEWHERE"
    await site.complete(await site.claim())
    await fulfillment.run()
    assert await site.why(second) == "STOCK_ELSEWHERE"
    await site.complete(await site.claim())
    await fulfillment.run()
    assert await site.status(second) == "PICKING"


async def test_an_order_waits_for_its_paused_destination(site: Site, fulfillment: Fulfillment) -> None:
    """A destination that is paused after the wave was planned gets no carriers until it is opened."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    order_id = await site.order()
    await _assign(site, fulfillment, order_id)
    await site.destination(paused=True)
    await fulfillment.run()
    assert await site.why(order_id) == "DESTINATION_PAUSED"
    assert await site.claim() == []
    await site.destination(paused=False)
    await fulfillment.run()
    assert await site.status(order_id) == "PICKING"


async def test_an_order_waits_for_a_place_in_the_queue(site: Site, fulfillment: Fulfillment) -> None:
    """With its stock allocated it says that the queue is full; when there is room it goes on."""
    await site.open()
    await site.destination(queue_capacity=1)
    await site.apart(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-001", 2))
    orders = [await site.order(), await site.order()]
    await fulfillment.run()
    assert [await site.why(order_id) for order_id in orders] == ["AWAITING_MOVES", "QUEUE_FULL"]
    await site.complete(await site.claim())
    await fulfillment.run()
    await fulfillment.run()
    assert await site.status(orders[1]) == "PICKING"


async def test_every_status_has_a_reason_to_wait(
    api: Api, site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """ExplainOrder follows an order through its life, and names the missing worker."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    cycle = fulfillment.cycle()
    reasons = [await site.why(order_id)]
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate, fulfillment.run):
        await step()
        reasons.append(await site.why(order_id))
    await fulfillment.deliver(api)
    reasons.append(await site.why(order_id))
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="DHL", tracking_number="T-1")
    )
    reasons.append(await site.why(order_id))
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    reasons.append(await site.why(order_id))
    assert reasons == [
        "AWAITING_VALIDATION", "AWAITING_WAVE", "AWAITING_ALLOCATION", "AWAITING_MOVES", "AWAITING_MOVES",
        "AWAITING_SHIPMENT", "AWAITING_DELIVERY", "NOT_WAITING",
    ]  # fmt: skip
    other = await site.order()
    await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
    assert await site.why(other) == "NO_ACTIVE_WORKER"

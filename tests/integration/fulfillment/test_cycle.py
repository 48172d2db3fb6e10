"""The worker's cycle on a real Postgres without failures: from RECEIVED to PACKING, and waiting reasons.

Failures are in test_cycle_failures, moves of carriers in storage/test_moves.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.cycle_runs import CycleStep
from wms_core.domain.events import events
from wms_core.domain.stock.warehouse import Allocation

pytestmark = pytest.mark.every_postgres


@pytest.fixture(autouse=True)
async def _check_invariants(sql: SqlConnection) -> AsyncIterator[None]:
    """Check all database invariants after each test."""
    yield
    assert await find_violations(sql) == []


async def _assign(
    site: WarehouseDriver, fulfillment: Fulfillment, *order_ids: str, to: str = "PACK-1"
) -> None:
    """Validate all received orders, and assign the given ones to one wave by a call."""
    await fulfillment.cycle().validate()
    await site.api.orders.AssignOrdersToWave(
        orders_pb2.AssignOrdersToWaveRequest(order_ids=order_ids, destination_id=to)
    )


# From RECEIVED to PACKING


async def test_an_order_with_stock_reaches_packing(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Cycles and completed moves lead an order from RECEIVED to PACKING, with all its units delivered."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    order_id = await site.place_order(("SKU-001", 2))
    await fulfillment.deliver_all(site.api)
    order = await site.read_order(order_id)
    assert order.status == order_pb2.ORDER_STATUS_PACKING
    assert [line.quantity_delivered for line in order.items] == [2]
    assert await site.list_event_types(order_id) == [
        "received", "validated", "wave-assigned", "picking-started", "packing-started",
    ]  # fmt: skip


async def test_payloads_from_sql_equal_those_of_the_domain_events(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The payloads that the SQL of the cycle writes are identical to those that the domain events encode."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    order_id = await site.place_order(("SKU-001", 2))
    await fulfillment.deliver_all(site.api)
    order = await site.read_order(order_id)
    wave_fields = {"wave_id": order.wave_id, "destination_id": order.destination_id}
    rows = await sql.fetch(
        "SELECT type, occurred_at, payload FROM order_events WHERE order_id = $1"
        " UNION ALL SELECT type, occurred_at, payload FROM outbox WHERE order_id = $1",
        order_id,
    )
    rows_by_type = {row["type"]: row for row in rows}
    for event, fields in (
        (events.OrderValidated, {}),
        (events.WaveAssigned, wave_fields),
        (events.PickingStarted, wave_fields),
        (events.PackingStarted, wave_fields),
    ):
        row = rows_by_type[event.type]
        expected_payload = event(
            order_id=order_id, customer_id=order.customer_id, timestamp=row["occurred_at"], **fields
        ).encode_payload()
        assert list(json.loads(row["payload"]).items()) == list(json.loads(expected_payload).items())


async def test_units_are_conserved_at_every_step(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """All invariants hold after each step of each cycle and after each report of a move."""
    await site.open(lanes=("LANE-1", "LANE-2"), destinations=("PACK-1", "PACK-2"))
    for number in range(3):
        await site.receive_carriers((f"CAR-A{number}", "SKU-001", 3), lane_id="LANE-1")
        await site.receive_carriers((f"CAR-B{number}", "SKU-002", 4), lane_id="LANE-2")
    orders = [await site.place_order(("SKU-001", 1), ("SKU-002", 2)) for _ in range(6)]
    orders.append(await site.place_order(("SKU-001", 9)))
    for _ in range(6):
        cycle = fulfillment.cycle(wave_size=2)
        for step in CycleStep:
            await getattr(cycle, step.value)()
            assert await find_violations(sql) == []
        await site.complete_moves(await site.claim_moves(limit=2))
        assert await find_violations(sql) == []
    reached = [await site.read_status(order_id) for order_id in orders]
    assert reached.count("PENDING_RETRY") == 1
    assert "PACKING" in reached


async def test_two_thousand_orders_are_served_in_several_batches(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """One cycle runs as many batches as the orders need, and leaves out no order."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 4000))
    orders = await site.place_orders(2000)
    counts = await fulfillment.run(batch_size=300)
    assert counts == {
        "retry_due": 0, "validate": 2000, "plan_waves": 2000, "fill_backorders": 0, "allocate": 2000,
        "request_moves": 1, "request_relocations": 0, "start_picking": 2000, "take_in_arrivals": 0,
        "request_returns": 0, "fail_overdue_moves": 0, "take_in_failed_moves": 0, "take_in_held_carriers": 0,
    }  # fmt: skip
    await site.complete_moves(await site.claim_moves())
    assert (await fulfillment.run(batch_size=300))["take_in_arrivals"] == 2000
    assert await site.read_status(orders[-1]) == "PACKING"
    assert await site.get_location("CAR-1") == "LEFT"


async def test_each_order_can_have_its_own_transaction(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The transactions run concurrently. All orders share one allocation plan and one wave."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    await site.place_orders(20)
    await fulfillment.run(batch_size=1, concurrency=8, batches_per_plan=20)
    changed = "SELECT count(DISTINCT xmin::text) FROM orders WHERE status = 'picking'"
    assert await sql.fetchval(changed) == 20
    assert await sql.fetchval("SELECT count(*) FROM waves") == 1
    await site.complete_moves(await site.claim_moves())
    assert (await fulfillment.run(batch_size=1, concurrency=8))["take_in_arrivals"] == 20
    assert await sql.fetchval("SELECT count(DISTINCT xmin::text) FROM orders WHERE status = 'packing'") == 20


async def test_allocations_are_saved_only_for_unchanged_orders_and_carriers(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """An order that changed since the plan, or needs a carrier put on hold since, is skipped.

    All others are allocated.
    """
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    unchanged_id, held_id, changed_id = [
        await site.place_order(*lines)
        for lines in ([("SKU-001", 2)], [("SKU-001", 1), ("SKU-002", 1)], [("SKU-001", 1)])
    ]
    await _assign(site, fulfillment, unchanged_id, held_id, changed_id)
    database, fence, now = fulfillment.database, fulfillment.fence, datetime.now(UTC)
    orders_by_id = await database.read(lambda t: t.orders.get([unchanged_id, held_id, changed_id]))
    orders = [
        orders_by_id[unchanged_id],
        orders_by_id[held_id],
        replace(orders_by_id[changed_id], version=orders_by_id[changed_id].version - 1),
    ]
    allocations = [
        Allocation(unchanged_id, 1, "CAR-1", "PACK-1", 2),
        Allocation(held_id, 1, "CAR-1", "PACK-1", 1),
        Allocation(held_id, 2, "CAR-2", "PACK-1", 1),
        Allocation(changed_id, 1, "CAR-1", "PACK-1", 1),
    ]
    await site.set_carrier_status("CAR-2")
    allocated_ids = await database.run_in_transaction(
        lambda t: t.cycle_queries.allocate_if_unchanged(fence, orders, allocations, now),
        fence=fence,
        is_transactional=False,
    )
    assert allocated_ids == [unchanged_id]
    rows = await sql.fetch("SELECT order_id, carrier_id, quantity FROM allocations")
    assert [tuple(row) for row in rows] == [(unchanged_id, "CAR-1", 2)]


async def test_a_stopping_cycle_begins_no_further_step(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A replica that has lost its role stops its cycle between steps."""
    await site.open()
    order_id = await site.place_order()
    cycle = fulfillment.cycle()
    cycle.is_stopping = lambda: True
    assert (await cycle.run_steps()).step_outcomes == ()
    assert await site.read_status(order_id) == "RECEIVED"


async def test_a_cycle_without_work_changes_nothing(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """A waiting order gets no new version, and its etag stays valid."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    await fulfillment.run()
    before = await site.read_order(order_id)
    assert not any((await fulfillment.run()).values())
    assert await site.read_order(order_id) == before


# Validation


async def test_without_auto_validate_orders_wait_for_a_call(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Without AUTO_VALIDATE an order waits for ValidateOrder, then proceeds."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    await fulfillment.run(auto_validate=False)
    assert (await site.read_status(order_id), await site.explain_waiting(order_id)) == (
        "RECEIVED",
        "AWAITING_VALIDATION",
    )
    await site.api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id))
    await fulfillment.run(auto_validate=False)
    assert await site.read_status(order_id) == "PICKING"


# Waves


async def test_the_most_urgent_orders_get_the_first_wave(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Priority comes first, then the promised time, then age. Orders without a promised time come last."""
    await site.open()
    now = datetime.now(UTC)
    late = await site.place_order(priority=order_pb2.ORDER_PRIORITY_STANDARD)
    never = await site.place_order(priority=order_pb2.ORDER_PRIORITY_NEXT_DAY)
    later = await site.place_order(
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY, promised_delivery_at=now + timedelta(days=2)
    )
    sooner = await site.place_order(
        priority=order_pb2.ORDER_PRIORITY_NEXT_DAY, promised_delivery_at=now + timedelta(days=1)
    )
    first = await site.place_order(
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY, promised_delivery_at=now + timedelta(days=9)
    )
    cycle = fulfillment.cycle(wave_size=1)
    await cycle.validate()
    await cycle.plan_waves()
    waves = {
        order_id: (await site.read_order(order_id)).wave_id
        for order_id in (late, never, later, sooner, first)
    }
    assert sorted(waves, key=lambda order_id: waves[order_id]) == [first, sooner, later, never, late]


async def test_waves_go_to_the_destination_with_the_fewest_waiting_orders(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Orders are balanced over the destinations of their warehouse. Orders that already wait there count."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    waiting = [await site.place_order() for _ in range(2)]
    await _assign(site, fulfillment, *waiting, to="PACK-1")
    orders = await site.place_orders(4)
    cycle = fulfillment.cycle(wave_size=1)
    await cycle.validate()
    await cycle.plan_waves()
    targets = [(await site.read_order(order_id)).destination_id for order_id in orders]
    assert sorted(targets) == ["PACK-1", "PACK-2", "PACK-2", "PACK-2"]


async def test_wave_size_limits_the_orders_of_a_wave(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """WAVE_SIZE is the maximum number of orders, and each of them has the wave's destination."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    orders = [await site.read_order(order_id) for order_id in await site.place_orders(5)]
    cycle = fulfillment.cycle(wave_size=2)
    await cycle.validate()
    await cycle.plan_waves()
    waves: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for order in [await site.read_order(order.order_id) for order in orders]:
        waves.setdefault(order.wave_id, set()).add(order.destination_id)
        sizes[order.wave_id] = sizes.get(order.wave_id, 0) + 1
    assert sorted(sizes.values()) == [1, 2, 2]
    assert all(len(destinations) == 1 for destinations in waves.values())


async def test_no_wave_goes_to_a_paused_destination(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """While every destination of the warehouse is paused, orders wait with this reason."""
    await site.open()
    await site.put_destination(paused=True)
    order_id = await site.place_order()
    await fulfillment.run()
    assert (await site.read_status(order_id), await site.explain_waiting(order_id)) == (
        "VALIDATED",
        "NO_DESTINATION",
    )
    await site.put_destination("PACK-2")
    await fulfillment.cycle().plan_waves()
    assert (await site.read_order(order_id)).destination_id == "PACK-2"


async def test_a_warehouse_without_a_destination_does_not_delay_others(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Its orders wait for a destination, even when they are many and urgent."""
    await site.open()
    await site.put_lane("LANE-2", warehouse_id="WH-02")
    urgent = [
        await site.place_order(warehouse_id="WH-02", priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        for _ in range(3)
    ]
    order_id = await site.place_order()
    cycle = fulfillment.cycle(batch_size=2)
    await cycle.validate()
    assert await cycle.plan_waves() == 1
    assert await site.read_status(order_id) == "ASSIGNED_TO_WAVE"
    assert {await site.explain_waiting(waiting) for waiting in urgent} == {"NO_DESTINATION"}


# Allocation


async def test_an_order_is_allocated_completely_or_not_at_all(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """When one line cannot be allocated, the other lines get no stock either."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    await site.receive_carriers(("CAR-2", "SKU-002", 5), lane_id="LANE-2")
    await site.set_lane_status("LANE-2")
    order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 1))
    await fulfillment.run()
    assert [line.quantity_allocated for line in (await site.read_order(order_id)).items] == [0, 0]
    assert (await site.get_carrier("CAR-1")).allocated_quantity == 0
    assert await site.explain_waiting(order_id) == "LANE_BLOCKED"


async def test_a_waiting_order_does_not_delay_others(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """A more urgent order for a blocked SKU does not stop an order that can be served."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    await site.receive_carriers(("CAR-2", "SKU-002", 5), lane_id="LANE-2")
    await site.set_lane_status("LANE-2")
    urgent = await site.place_order(("SKU-002", 1), priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    order_id = await site.place_order(("SKU-001", 1))
    await fulfillment.run(batch_size=1)
    assert await site.read_status(urgent) == "ASSIGNED_TO_WAVE"
    assert await site.read_status(order_id) == "PICKING"


async def test_the_oldest_carrier_is_used_first(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """The age counts from the production of the goods, not from their receipt."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2), produced=20)
    await site.receive_carriers(("CAR-2", "SKU-001", 2), produced=10)
    await site.receive_carriers(("CAR-3", "SKU-001", 2), produced=30)
    await site.place_order(("SKU-001", 3))
    await fulfillment.run()
    carriers = await site.list_carriers()
    assert {name: carrier.allocated_quantity for name, carrier in carriers.items()} == {
        "CAR-1": 1, "CAR-2": 2, "CAR-3": 0,
    }  # fmt: skip


async def test_a_carrier_moving_to_the_destination_is_used_before_older_ones(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Its spare units save a move."""
    await site.open()
    await site.receive_carriers(("CAR-young", "SKU-001", 5), produced=20)
    await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    await site.receive_carriers(("CAR-old", "SKU-001", 5), produced=10)
    await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    carriers = await site.list_carriers()
    assert (carriers["CAR-young"].allocated_quantity, carriers["CAR-old"].allocated_quantity) == (4, 0)


async def test_several_orders_share_a_carrier_and_its_move(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Orders of one destination draw on the same carrier.

    It moves once, and each order gets its own units.
    """
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 10))
    orders = [await site.place_order(("SKU-001", quantity)) for quantity in (1, 2, 3)]
    counts = await fulfillment.run()
    assert (counts["allocate"], counts["request_moves"]) == (3, 1)
    await site.complete_moves(await site.claim_moves())
    await fulfillment.run()
    assert [(await site.read_order(order)).items[0].quantity_delivered for order in orders] == [1, 2, 3]
    assert (await site.get_carrier("CAR-1")).quantity == 4


async def test_an_order_with_the_same_sku_on_two_lines_gets_both(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Each line gets its own units, also when they come from the same carrier."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 3), ("CAR-2", "SKU-001", 2))
    order_id = await site.place_order(("SKU-001", 2), ("SKU-001", 3))
    await fulfillment.deliver_all(site.api)
    order = await site.read_order(order_id)
    assert [line.quantity_delivered for line in order.items] == [2, 3]
    assert order.status == order_pb2.ORDER_STATUS_PACKING


@pytest.mark.parametrize("status", ["ON_HOLD", "INSPECTION_REQUIRED"])
async def test_a_carrier_on_hold_is_not_allocated(
    site: WarehouseDriver, fulfillment: Fulfillment, status: str
) -> None:
    """Only available carriers are allocated. After its release it is."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    await site.set_carrier_status("CAR-1", status)
    order_id = await site.place_order()
    await fulfillment.run()
    assert await site.read_status(order_id) == "PENDING_RETRY"
    assert (await site.get_carrier("CAR-1")).allocated_quantity == 0
    await site.set_carrier_status("CAR-1", "AVAILABLE")
    served = await site.place_order()
    await fulfillment.run()
    assert await site.read_status(served) == "PICKING"


async def test_stock_of_another_warehouse_is_not_allocated(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """An order is served from its own warehouse only."""
    await site.open()
    await site.put_lane("LANE-2", warehouse_id="WH-02")
    await site.receive_carriers(("CAR-1", "SKU-001", 5), lane_id="LANE-2", warehouse_id="WH-02")
    order_id = await site.place_order()
    await fulfillment.run()
    assert (await site.read_order(order_id)).last_failure_reason == "Inventory unavailable"


# Waiting reasons


async def test_an_order_waits_for_a_blocked_lane(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """This is a waiting reason, not a failure. It ends when the lane is opened."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    await site.set_lane_status("LANE-1")
    order_id = await site.place_order()
    await fulfillment.run()
    assert (await site.read_status(order_id), await site.explain_waiting(order_id)) == (
        "ASSIGNED_TO_WAVE",
        "LANE_BLOCKED",
    )
    await site.set_lane_status("LANE-1", "OPEN")
    await fulfillment.run()
    assert await site.read_status(order_id) == "PICKING"


async def test_an_order_waits_for_a_route(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Stock in a zone without a route to the destination is not allocated. This is not a failure."""
    await site.open()
    await site.put_lane("LANE-2", zone="B")
    await site.receive_carriers(("CAR-1", "SKU-001", 5), lane_id="LANE-2")
    order_id = await site.place_order()
    await fulfillment.run()
    assert (await site.read_status(order_id), await site.explain_waiting(order_id)) == (
        "ASSIGNED_TO_WAVE",
        "NO_ROUTE",
    )
    await site.put_destination(zones=["A", "B"])
    await fulfillment.run()
    assert await site.read_status(order_id) == "PICKING"


async def test_an_order_waits_for_stock_at_another_destination(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """It gets the carrier when that is back in a lane."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    first, second = await site.place_order(), await site.place_order()
    await _assign(site, fulfillment, first, to="PACK-1")
    await fulfillment.cycle().allocate()
    await site.api.orders.AssignOrdersToWave(
        orders_pb2.AssignOrdersToWaveRequest(order_ids=[second], destination_id="PACK-2")
    )
    await fulfillment.run()
    assert await site.explain_waiting(second) == "STOCK_ELSEWHERE"
    await site.complete_moves(await site.claim_moves())
    await fulfillment.run()
    assert await site.explain_waiting(second) == "STOCK_ELSEWHERE"
    await site.complete_moves(await site.claim_moves())
    await fulfillment.run()
    assert await site.read_status(second) == "PICKING"


async def test_an_order_waits_for_its_paused_destination(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A destination that is paused after the wave was planned gets no carriers until it is reopened."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    order_id = await site.place_order()
    await _assign(site, fulfillment, order_id)
    await site.put_destination(paused=True)
    await fulfillment.run()
    assert await site.explain_waiting(order_id) == "DESTINATION_PAUSED"
    assert await site.claim_moves() == []
    await site.put_destination(paused=False)
    await fulfillment.run()
    assert await site.read_status(order_id) == "PICKING"


async def test_an_order_waits_for_a_place_in_the_queue(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Its stock is allocated, and its waiting reason is the full queue. It proceeds when there is room."""
    await site.open()
    await site.put_destination(queue_capacity=1)
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-001", 2))
    orders = [await site.place_order(), await site.place_order()]
    await fulfillment.run()
    assert [await site.explain_waiting(order_id) for order_id in orders] == ["AWAITING_MOVES", "QUEUE_FULL"]
    await site.complete_moves(await site.claim_moves())
    await fulfillment.run()
    await fulfillment.run()
    assert await site.read_status(orders[1]) == "PICKING"


async def test_every_status_has_a_waiting_reason(
    api: Api, site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """ExplainOrder reports a reason in each status of an order, and reports a missing active worker."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    cycle = fulfillment.cycle()
    reasons = [await site.explain_waiting(order_id)]
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate, fulfillment.run):
        await step()
        reasons.append(await site.explain_waiting(order_id))
    await fulfillment.deliver_all(api)
    reasons.append(await site.explain_waiting(order_id))
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="DHL", tracking_number="T-1")
    )
    reasons.append(await site.explain_waiting(order_id))
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    reasons.append(await site.explain_waiting(order_id))
    assert reasons == [
        "AWAITING_VALIDATION", "AWAITING_WAVE", "AWAITING_ALLOCATION", "AWAITING_MOVES", "AWAITING_MOVES",
        "AWAITING_SHIPMENT", "AWAITING_DELIVERY", "NOT_WAITING",
    ]  # fmt: skip
    other = await site.place_order()
    await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
    assert await site.explain_waiting(other) == "NO_ACTIVE_WORKER"

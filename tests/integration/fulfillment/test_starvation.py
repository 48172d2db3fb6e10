"""No starvation: an order that can be served is served eventually, and all others have a waiting reason."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.grpc_api import Api
from tests.support.invariants import stock
from tests.support.invariants.database import SqlConnection
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2
from wms_core.domain.stock.allocation import StockDemand

URGENT = {"priority": order_pb2.ORDER_PRIORITY_SAME_DAY}


@pytest.fixture(autouse=True)
async def _check_invariants(sql: Any) -> AsyncIterator[None]:
    """Check all database invariants after each test."""
    yield
    assert await stock.find_contradictions(sql) == []


async def assign(site: WarehouseDriver, fulfillment: Fulfillment, order_id: str, to: str) -> None:
    """Assign an order to a wave by a call."""
    await fulfillment.cycle().validate()
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=to)
    await site.api.orders.AssignOrdersToWave(request)


# Starvation


async def test_an_order_with_two_lines_is_served_before_a_stream_of_younger_ones(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Other orders want each of its two carriers all the time, and both are never free together."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.receive_in_separate_lanes(("CAR-X", "SKU-X", 500), ("CAR-Y", "SKU-Y", 500))
    await assign(site, fulfillment, await site.place_order(("SKU-Y", 1)), "PACK-2")
    await fulfillment.run()
    old = await site.place_order(("SKU-X", 1), ("SKU-Y", 1))
    await assign(site, fulfillment, old, "PACK-1")
    claimed: list[storage_pb2.Move] = []
    for turn in ("CAR-X", "CAR-Y") * 8:
        for sku in ("SKU-X", "SKU-Y"):
            await assign(site, fulfillment, await site.place_order((sku, 1)), "PACK-2")
        await fulfillment.run()
        claimed += await site.claim_moves()
        await site.complete_moves([move for move in claimed if move.carrier_id == turn])
        claimed = [move for move in claimed if move.carrier_id != turn]
    assert await site.read_status(old) in ("PICKING", "PACKING")


async def test_unservable_orders_do_not_fill_the_window(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Later orders are planned behind any number of them. They are planned again when the cause ends."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 50), lane_id="LANE-1")
    await site.receive_carriers(("CAR-2", "SKU-002", 50), lane_id="LANE-2")
    await site.set_lane_status("LANE-2")
    stuck = [await site.place_order(("SKU-002", 1), **URGENT) for _ in range(7)]
    later = await site.place_order(("SKU-001", 1))
    for _ in range(12):
        await fulfillment.run(batch_size=1, batches_per_plan=2, max_batches=2)
    assert await site.read_status(later) == "PICKING"
    assert {await site.explain_waiting(order) for order in stuck} == {"LANE_BLOCKED"}
    await site.set_lane_status("LANE-2", "OPEN")
    for _ in range(8):
        await fulfillment.run(batch_size=1, batches_per_plan=2, max_batches=2)
    assert {await site.read_status(order_id) for order_id in stuck} == {"PICKING"}


async def test_a_small_order_is_served_before_large_ones_that_lack_stock(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A received unit cannot serve orders of five units, however many and urgent they are."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-2", "SKU-001", 500), lane_id="LANE-2")
    await site.set_lane_status("LANE-2")
    large_ids = [await site.place_order(("SKU-001", 5), allow_partial=False, **URGENT) for _ in range(20)]
    small_id = await site.place_order(("SKU-001", 1))
    await fulfillment.run()
    assert {await site.explain_waiting(order) for order in (*large_ids, small_id)} == {"LANE_BLOCKED"}
    await site.receive_carriers(("CAR-1", "SKU-001", 1), lane_id="LANE-1")
    for _ in range(60):
        await fulfillment.run()
        if await site.read_status(small_id) == "PICKING":
            break
    assert await site.read_status(small_id) == "PICKING"
    assert {await site.explain_waiting(order) for order in large_ids} == {"LANE_BLOCKED"}


async def test_orders_of_a_paused_destination_do_not_fill_the_window(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """They are not planned while it is paused, and proceed afterwards."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 50))
    waiting = [await site.place_order(("SKU-001", 1), **URGENT) for _ in range(5)]
    for order_id in waiting:
        await assign(site, fulfillment, order_id, "PACK-2")
    await site.put_destination("PACK-2", paused=True)
    later = await site.place_order(("SKU-001", 1))
    for _ in range(12):
        await fulfillment.run(batch_size=1, batches_per_plan=2, max_batches=2)
    assert await site.read_status(later) == "PICKING"
    assert {await site.explain_waiting(order) for order in waiting} == {"DESTINATION_PAUSED"}


# Lanes


async def test_a_carrier_at_the_end_of_the_only_lane_can_leave(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Without another lane the blocking carriers move to the end, also when the lane is full."""
    await site.open()
    await site.receive_carriers(
        *[(f"CAR-{number}", "OTHER", 1) for number in range(9)], ("CAR-9", "SKU-001", 2)
    )
    order_id = await site.place_order(("SKU-001", 2))
    await fulfillment.deliver_all(site.api)
    assert await site.read_status(order_id) == "PACKING"
    (lane,) = (await site.api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert lane.occupied == 9


async def test_a_carrier_for_a_paused_destination_blocks_no_other(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """It is relocated, keeps its destination, and moves there when the destination is reopened."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    paused_id, open_id = await site.place_order(("SKU-001", 1)), await site.place_order(("SKU-002", 1))
    await assign(site, fulfillment, paused_id, "PACK-1")
    await fulfillment.cycle().allocate()
    await site.put_destination("PACK-1", paused=True)
    await assign(site, fulfillment, open_id, "PACK-2")
    await fulfillment.deliver_all(site.api)
    assert (await site.read_status(paused_id), await site.read_status(open_id)) == (
        "ASSIGNED_TO_WAVE",
        "PACKING",
    )
    assert await site.explain_waiting(paused_id) == "DESTINATION_PAUSED"
    await site.put_destination("PACK-1")
    await fulfillment.deliver_all(site.api)
    assert await site.read_status(paused_id) == "PACKING"


async def test_a_failed_relocation_within_the_only_lane_keeps_the_position(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The occupancy of the lane and the position of the carrier are unchanged."""
    await site.put_lane(capacity=2)
    await site.put_destination()
    await site.receive_carriers(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    (move,) = await site.claim_moves()
    assert (move.carrier_id, move.from_lane_id, move.to_lane_id) == ("CAR-1", "LANE-1", "LANE-1")
    await site.fail_move(move)
    assert await sql.fetchval("SELECT occupied FROM lanes") == 2
    assert (await site.get_carrier("CAR-1")).lane_position == 1


async def test_a_wave_goes_to_a_destination_with_a_route_from_the_stock(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """It goes there even when fewer orders wait at another destination."""
    await site.open(lanes=("LANE-A",), destinations=())
    await site.put_lane("LANE-B", zone="B")
    await site.put_destination("PACK-1")
    await site.put_destination("PACK-2", zones=["B"])
    await site.receive_carriers(("CAR-B", "SKU-B", 9), lane_id="LANE-B")
    await site.receive_carriers(("CAR-A", "SKU-A", 9), lane_id="LANE-A")
    orders = [await site.place_order((sku, 1)) for sku in ("SKU-A", "SKU-B", "SKU-A", "SKU-B")]
    nowhere = await site.place_order(("SKU-A", 1), ("SKU-B", 1))
    await fulfillment.deliver_all(site.api)
    assert [await site.read_status(order_id) for order_id in orders] == ["PACKING"] * 4
    assert (await site.read_status(nowhere), await site.explain_waiting(nowhere)) == (
        "ASSIGNED_TO_WAVE",
        "NO_ROUTE",
    )


async def test_an_order_with_a_carrier_in_a_blocked_lane_has_that_reason(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Its stock is allocated, but its waiting reason is not that the carrier is moving."""
    await site.open()
    await site.receive_carriers(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    order_id = await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    await site.set_lane_status("LANE-1")
    assert await site.explain_waiting(order_id) == "LANE_BLOCKED"


async def test_an_order_with_a_relocated_carrier_waits_for_its_move(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A carrier that moves to another lane does not count as blocked."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "OTHER", 1), ("CAR-2", "SKU-001", 2))
    await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    order_id = await site.place_order(("OTHER", 1))
    await fulfillment.run()
    assert await site.explain_waiting(order_id) == "STOCK_ELSEWHERE"


# Carriers on hold


async def test_no_units_are_picked_from_a_carrier_on_hold_at_its_destination(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Its order fails and gets another carrier. The carrier returns with all its units."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 5))
    order_id = await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    await site.complete_moves(await site.claim_moves())
    await site.set_carrier_status("CAR-1")
    await fulfillment.run()
    order = await site.read_order(order_id)
    assert (order.status, order.items[0].quantity_delivered) == (order_pb2.ORDER_STATUS_PENDING_RETRY, 0)
    assert "held" in order.last_failure_reason
    await fulfillment.deliver_all(site.api)
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.quantity, carrier.allocated_quantity) == (5, 0)


async def test_a_backorder_releases_a_carrier_put_on_hold_at_its_destination(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The backorder is open again, and filled from the next carrier."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 3))
    order_id = await site.place_order(("SKU-001", 5))
    await fulfillment.deliver_all(site.api)
    await site.receive_in_separate_lanes(("CAR-2", "SKU-001", 2))
    await fulfillment.run()
    await site.complete_moves(await site.claim_moves())
    await site.set_carrier_status("CAR-2")
    await fulfillment.deliver_all(site.api)
    assert (await site.get_carrier("CAR-2")).quantity == 2
    await site.receive_in_separate_lanes(("CAR-3", "SKU-001", 2))
    await fulfillment.deliver_all(site.api)
    assert (await site.read_order(order_id)).items[0].quantity_delivered == 5


# Number of rows read


DEMAND = StockDemand("WH-01", "SKU-001", "PACK-1", 1, 3)


async def _insert_carriers(api: Api, sql: SqlConnection, blocked: int) -> None:
    site = WarehouseDriver(api)
    await site.put_lane("LANE-1", capacity=9_000)
    await site.put_lane("LANE-2", capacity=9_000)
    await site.set_lane_status("LANE-2")
    await site.put_destination()
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
async def test_few_carriers_are_read_of_many(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection, blocked: int
) -> None:
    """Fewer than 20 of 2,000. Reachable carriers are found behind any number of blocked ones."""
    await _insert_carriers(api, sql, blocked)
    free_carriers = await fulfillment.database.read(lambda t: t.cycle_queries.list_free_carriers([DEMAND], 5))
    usable = [carrier for carrier in free_carriers if carrier.is_reachable and not carrier.is_deep]
    assert [carrier.carrier_id for carrier in usable[:2]] == [f"CAR-{blocked + 1}", f"CAR-{blocked + 2}"]
    assert len(free_carriers) < 20

"""Moves of carriers on a real Postgres: destination queues, retrieval, return and cancellation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import expect_failure
from tests.support.invariants.database import SqlConnection, find_violations
from wms.orders.v1 import order_pb2, storage_pb2
from wms_core.domain.stock.warehouse import LaneMove, MoveKind
from wms_core.runtime.clock import DATABASE_CLOCK


@pytest.fixture(autouse=True)
async def _check_invariants(sql: SqlConnection) -> AsyncIterator[None]:
    """Check all database invariants after each test."""
    yield
    assert await find_violations(sql) == []


# Destination queues


async def test_requested_moves_are_limited_by_the_queue_capacity(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Carriers at the destination and moving carriers count as queued.

    The longest allocated ones come first.
    """
    await site.open()
    await site.put_destination(queue_capacity=2)
    names = [f"CAR-{number}" for number in range(5)]
    for number, name in enumerate(names):
        await site.receive_in_separate_lanes((name, "SKU-001", 2), produced=number)
        await site.place_order()
        await fulfillment.cycle().run_steps() if number == 0 else None
    counts = await fulfillment.run()
    assert counts["request_moves"] == 1
    moves = await site.claim_moves()
    assert [move.carrier_id for move in moves] == names[:2]
    assert (await fulfillment.run())["request_moves"] == 0
    await site.complete_moves(moves[:1])
    # The cycle that sees the arrival picks its units; the place in the queue is free in the next cycle.
    await fulfillment.run()
    assert (await fulfillment.run())["request_moves"] == 1
    assert [move.carrier_id for move in await site.claim_moves()] == names[2:3]


async def test_a_full_queue_does_not_block_another(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Each destination has its own queue."""
    await site.open(destinations=("PACK-1", "PACK-2"))
    await site.put_destination("PACK-1", queue_capacity=1)
    await site.receive_in_separate_lanes(*[(f"CAR-{number}", "SKU-001", 2) for number in range(6)])
    await site.place_orders(6)
    await fulfillment.run(wave_size=1)
    moves = await site.claim_moves()
    assert sorted(move.destination_id for move in moves) == ["PACK-1", "PACK-2", "PACK-2", "PACK-2"]


async def test_two_orders_that_need_each_others_carriers_both_get_them(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """No deadlock: an order occupies no place in the queue while it waits for its other carriers."""
    await site.open()
    await site.put_destination(queue_capacity=1)
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 4), ("CAR-2", "SKU-002", 4))
    orders = [await site.place_order(("SKU-001", 1), ("SKU-002", 1)) for _ in range(2)]
    orders.append(await site.place_order(("SKU-002", 1), ("SKU-001", 1)))
    await fulfillment.deliver_all(site.api)
    assert {await site.read_status(order_id) for order_id in orders} == {"PACKING"}


async def test_a_move_is_claimed_by_one_caller_only(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Twenty concurrent control systems share the moves between them."""
    await site.open()
    await site.receive_in_separate_lanes(*[(f"CAR-{number}", "SKU-001", 2) for number in range(10)])
    await site.place_orders(10)
    await fulfillment.run()
    claims = await asyncio.gather(*(site.claim_moves(limit=2) for _ in range(20)))
    claimed = [move.move_id for moves in claims for move in moves]
    assert len(claimed) == len(set(claimed)) == 10


async def test_a_carrier_put_on_hold_after_its_allocation_is_not_requested(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """It stays in its lane, and its order fails for that reason.

    When it is available again, it serves the retry.
    """
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    cycle = fulfillment.cycle()
    await cycle.validate()
    await cycle.plan_waves()
    await cycle.allocate()
    await site.set_carrier_status("CAR-1")
    counts = await fulfillment.run()
    assert (counts["request_moves"], counts["take_in_held_carriers"]) == (0, 1)
    assert await site.claim_moves() == []
    order = await site.read_order(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PENDING_RETRY, 1)
    assert order.failed_status == order_pb2.ORDER_STATUS_ASSIGNED_TO_WAVE
    assert order.last_failure_reason == "Carrier CAR-1 is held: test"
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.lane_id, carrier.allocated_quantity) == ("LANE-1", 0)
    await site.set_carrier_status("CAR-1", "AVAILABLE")
    await sql.execute("UPDATE orders SET next_retry_at = now()")
    assert (await fulfillment.run())["request_moves"] == 1
    assert await site.read_status(order_id) == "PICKING"


async def test_a_lane_blocked_after_an_allocation_releases_its_carrier_when_it_opens(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """No move is requested out of a blocked lane."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    await site.place_order()
    cycle = fulfillment.cycle()
    await cycle.validate()
    await cycle.plan_waves()
    await cycle.allocate()
    await site.set_lane_status("LANE-1")
    assert (await fulfillment.run())["request_moves"] == 0
    await site.set_lane_status("LANE-1", "OPEN")
    assert (await fulfillment.run())["request_moves"] == 1


# Retrieval


async def test_an_order_is_packed_when_its_last_carrier_has_arrived(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Until then it is in PICKING, and the units of arrived carriers are already picked."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2))
    order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    moves = await site.claim_moves()
    await site.complete_moves(moves[:1])
    await fulfillment.run()
    order = await site.read_order(order_id)
    assert sorted(line.quantity_delivered for line in order.items) == [0, 2]
    assert await site.read_status(order_id) == "PICKING"
    await site.complete_moves(moves[1:])
    await fulfillment.run()
    assert await site.read_status(order_id) == "PACKING"


async def test_an_empty_carrier_leaves(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """It is in no lane and has no destination, and its row stays."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    await site.place_order()
    await fulfillment.deliver_all(site.api)
    carrier = await site.get_carrier("CAR-1")
    assert carrier.location == storage_pb2.CARRIER_LOCATION_LEFT
    assert (carrier.quantity, carrier.lane_id, carrier.destination_id) == (0, "", "")


async def test_a_repeated_report_counts_once(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Completing a completed move again changes nothing. Another caller may not report it."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    await site.place_order()
    await fulfillment.run()
    (move,) = await site.claim_moves()
    other_caller = storage_pb2.CompleteMoveRequest(move_id=move.move_id, claimed_by="stranger")
    assert (
        await expect_failure(site.api.storage.CompleteMove(other_caller))
    ).reason == "MOVE_CLAIMED_BY_OTHER"
    await site.complete_moves([move])
    await site.complete_moves([move])
    await fulfillment.run()
    late_failure = storage_pb2.FailMoveRequest(move_id=move.move_id, claimed_by="wcs-test", reason="late")
    assert (await expect_failure(site.api.storage.FailMove(late_failure))).reason == "MOVE_STATUS_CONFLICT"


# Return


async def test_a_carrier_with_remaining_units_returns_to_the_end_of_a_lane_with_room(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Full lanes, blocked lanes and lanes of other zones take no carrier. Its units are available again."""
    await site.open()
    await site.put_lane("LANE-blocked", capacity=100)
    await site.set_lane_status("LANE-blocked")
    await site.put_lane("LANE-foreign", capacity=100, zone="B")
    await site.put_lane("LANE-full", capacity=1)
    await site.receive_carriers(("CAR-9", "SKU-009", 1), lane_id="LANE-full")
    await site.receive_carriers(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    await site.place_order(("SKU-001", 2))
    await fulfillment.deliver_all(site.api)
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.lane_id, carrier.lane_position, carrier.destination_id) == ("LANE-1", 2, "")
    assert (carrier.quantity, carrier.allocated_quantity) == (3, 0)
    await site.put_lane("LANE-full", capacity=2)
    await site.place_order(("SKU-001", 3))
    await fulfillment.deliver_all(site.api)
    assert await site.get_location("CAR-1") == "LEFT"


async def test_a_lane_position_is_reserved_for_one_carrier(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """With one free position, one of two carriers returns. The other one waits until there is room."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    await site.complete_moves(await site.claim_moves())
    for name in ("LANE-CAR-1", "LANE-CAR-2"):
        await site.set_lane_status(name)
    await site.put_lane(capacity=1)
    await fulfillment.run()
    (first,) = await site.claim_moves()
    assert (await fulfillment.run())["request_returns"] == 0
    await site.complete_moves([first])
    assert (await fulfillment.run())["request_returns"] == 0
    await site.put_lane(capacity=2)
    await fulfillment.deliver_all(site.api)
    assert {carrier.lane_id for carrier in (await site.list_carriers()).values()} == {"LANE-1"}


async def test_moves_beyond_the_free_positions_of_a_lane_are_not_requested(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A lane may be filled or blocked after it was read. The other moves wait for another cycle."""
    await site.put_lane("LANE-1", capacity=2)
    await site.receive_in_separate_lanes(*((f"CAR-{number}", "SKU-001", 5) for number in range(4)))
    lane_moves = [
        LaneMove(f"CAR-{number}", "WH-01", MoveKind.RELOCATE, "LANE-1", from_lane_id=f"LANE-CAR-{number}")
        for number in range(4)
    ]

    async def request(*requested: LaneMove) -> int:
        now = DATABASE_CLOCK.now()
        return await fulfillment.database.run_in_transaction(
            lambda transaction: transaction.cycle_queries.request_lane_moves(
                requested, now + timedelta(minutes=1), now
            )
        )

    assert await request(*lane_moves[:3]) == 2
    assert await request(lane_moves[3]) == 0
    assert {move.carrier_id for move in await site.claim_moves()} == {"CAR-0", "CAR-1"}
    await site.put_lane("LANE-1", capacity=10)
    await site.set_lane_status("LANE-1")
    assert await request(lane_moves[2]) == 0
    await site.set_lane_status("LANE-1", "OPEN")
    assert await request(lane_moves[2]) == 1


async def test_a_carrier_that_another_order_needs_stays_at_its_destination(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """An order of the same destination gets the remaining units without a second move."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    await site.place_order(("SKU-001", 2))
    await fulfillment.run()
    await site.complete_moves(await site.claim_moves())
    await site.put_lane(capacity=10, status=storage_pb2.LANE_STATUS_BLOCKED)
    await fulfillment.run()
    order_id = await site.place_order(("SKU-001", 3))
    await fulfillment.run()
    await fulfillment.run()
    assert await site.read_status(order_id) == "PACKING"
    assert await site.claim_moves() == []


# Cancellation


async def test_a_cancelled_order_releases_its_stock_and_its_unclaimed_moves(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The claimed carrier moves on and returns. The other one never leaves its lane."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 5))
    order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    (claimed,) = await site.claim_moves(limit=1)
    await site.cancel_order(order_id)
    assert await site.claim_moves() == []
    assert {carrier.allocated_quantity for carrier in (await site.list_carriers()).values()} == {0}
    (other,) = {"CAR-1", "CAR-2"} - {claimed.carrier_id}
    before = await site.get_carrier(other)
    assert before.lane_id == f"LANE-{other}"
    await site.complete_moves([claimed])
    assert await site.get_location(claimed.carrier_id) == "AT_DESTINATION"
    await fulfillment.deliver_all(site.api)
    assert await site.get_location(claimed.carrier_id) == "IN_LANE"
    assert await site.get_carrier(other) == before
    assert {carrier.quantity for carrier in (await site.list_carriers()).values()} == {5}


async def test_a_cancelled_order_does_not_cancel_a_move_of_another_order(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The carrier is allocated to both orders."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    cancelled, remaining = await site.place_order(), await site.place_order()
    await fulfillment.run()
    await site.cancel_order(cancelled)
    await fulfillment.deliver_all(site.api)
    assert [await site.read_status(order_id) for order_id in (cancelled, remaining)] == [
        "CANCELLED",
        "PACKING",
    ]
    assert (await site.get_carrier("CAR-1")).quantity == 3


@pytest.mark.parametrize("status", ["PICKING", "PACKING"])
async def test_delivered_units_of_a_cancelled_order_are_stock_again(
    site: WarehouseDriver, fulfillment: Fulfillment, status: str
) -> None:
    """They become a carrier at that destination, which returns to a lane and serves the next order."""
    await site.open()
    await site.receive_in_separate_lanes(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2))
    order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run()
    moves = await site.claim_moves()
    await site.complete_moves(moves if status == "PACKING" else moves[:1])
    await fulfillment.run()
    assert await site.read_status(order_id) == status
    await site.cancel_order(order_id)
    await site.complete_moves(moves)
    await fulfillment.deliver_all(site.api)
    next_order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.deliver_all(site.api)
    assert await site.read_status(next_order_id) == "PACKING"


async def test_stock_reconciles_after_concurrent_cancellations_and_cycles(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """No unit is lost when orders are cancelled while cycles run and moves complete."""
    await site.open()
    await site.receive_in_separate_lanes(*[(f"CAR-{number}", "SKU-001", 30) for number in range(4)])
    orders = await site.place_orders(40)

    async def run_cycles() -> None:
        for _ in range(12):
            await fulfillment.run(batch_size=7, wave_size=5)
            await site.complete_moves(await site.claim_moves(limit=3))

    async def cancel(order_id: str, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        await site.cancel_order(order_id)

    await asyncio.gather(
        run_cycles(), *(cancel(order_id, number * 0.02) for number, order_id in enumerate(orders[::2]))
    )
    await fulfillment.deliver_all(site.api)
    assert {await site.read_status(order_id) for order_id in orders[::2]} == {"CANCELLED"}
    assert {await site.read_status(order_id) for order_id in orders[1::2]} == {"PACKING"}
    assert await sql.fetchval("SELECT sum(quantity) FROM carriers") == 120 - 40

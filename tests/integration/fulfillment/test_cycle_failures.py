"""Failures in the cycle: retries, dead letters, poison orders and failing steps."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import expect_failure
from tests.support.invariants.database import SqlConnection, find_violations
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain.cycle_runs import RunStatus
from wms_core.domain.events import events
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.database import PoolOptions, open_database

RETRY_IMMEDIATELY = RetryPolicy(base_delay=timedelta(0))


@pytest.fixture
def policy() -> RetryPolicy:
    """Return the retry policy of a test's cycles: a failed order is retried in the next cycle."""
    return RETRY_IMMEDIATELY


@pytest.fixture(autouse=True)
async def _check_invariants(sql: SqlConnection, policy: RetryPolicy) -> AsyncIterator[None]:
    """Check all database invariants after each test."""
    yield
    assert await find_violations(sql, policy) == []


async def poison(sql: SqlConnection, table: str, event: str, condition: str) -> None:
    """Create a trigger that makes every change of matching rows fail."""
    await sql.execute(f"""
        CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
        CREATE TRIGGER poison BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition})
            EXECUTE FUNCTION poison();
    """)


async def read_dead_letter(site: WarehouseDriver, order_id: str) -> tuple[list[str], str, int]:
    """Return the reasons of all attempts, the failure status, and the number of attempts."""
    entry = (
        await site.api.dead_letters.GetDeadLetterEntry(
            dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order_id)
        )
    ).entry
    status = order_pb2.OrderStatus.Name(entry.final_failure_status).removeprefix("ORDER_STATUS_")
    return [attempt.reason for attempt in entry.attempts], status, entry.total_retry_attempts


# Missing stock


async def test_an_order_without_stock_waits_for_its_retry(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The failure is counted in the current status, and the retry has a time."""
    await site.open()
    order_id = await site.place_order()
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    order = await site.read_order(order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert order.failed_status == order_pb2.ORDER_STATUS_ASSIGNED_TO_WAVE
    assert (order.retry_count, order.last_failure_reason) == (1, "Inventory unavailable")
    assert order.next_retry_at.ToDatetime() == order.last_failed_at.ToDatetime()


@pytest.mark.parametrize("policy", [RetryPolicy()])
async def test_a_retry_is_made_when_it_is_due_and_not_before(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """With the default policy the first retry is due after 15 minutes."""
    await site.open()
    order_id = await site.place_order()
    await fulfillment.run()
    assert (await fulfillment.run())["retry_due"] == 0
    assert await site.explain_waiting(order_id) == "RETRY_NOT_DUE"
    order = await site.read_order(order_id)
    assert order.next_retry_at.ToDatetime() - order.last_failed_at.ToDatetime() == timedelta(minutes=15)
    await sql.execute("""UPDATE orders SET next_retry_at = next_retry_at - interval '15 min',
                                           last_failed_at = last_failed_at - interval '15 min'""")
    assert await site.explain_waiting(order_id) == "RETRY_DUE"
    assert await fulfillment.cycle().retry_due() == 1
    order = await site.read_order(order_id)
    assert (order.status, order.retry_count, order.wave_id) == (order_pb2.ORDER_STATUS_RECEIVED, 1, "")


async def test_a_retry_succeeds_when_stock_has_arrived(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The order proceeds and keeps its number of failures."""
    await site.open()
    order_id = await site.place_order()
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    order = await site.read_order(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PACKING, 1)
    assert await site.list_event_types(order_id) == [
        "received", "validated", "wave-assigned", "retry-scheduled", "retry-started", "validated",
        "wave-assigned", "picking-started", "packing-started",
    ]  # fmt: skip


async def test_the_fifth_failure_moves_the_order_to_the_dead_letter_queue(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """After four retries the order waits for a decision. Its entry has every attempt."""
    await site.open()
    order_id = await site.place_order()
    for _ in range(6):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert (await site.read_status(order_id), await site.explain_waiting(order_id)) == (
        "DEAD_LETTER",
        "DEAD_LETTERED",
    )
    assert await read_dead_letter(site, order_id) == (["Inventory unavailable"] * 5, "ASSIGNED_TO_WAVE", 5)
    event_types = await site.list_event_types(order_id)
    assert (event_types.count("retry-scheduled"), event_types.count("moved-to-dlq"), event_types[-1]) == (
        4,
        1,
        "moved-to-dlq",
    )


async def test_a_manual_retry_starts_with_zero_failures(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """A second dead-lettering creates a second entry."""
    await site.open()
    order_id = await site.place_order()
    for _ in range(5):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id,
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
            resolved_by="ann",
        )
    )
    assert (await site.read_order(order_id)).retry_count == 0
    for _ in range(5):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert await read_dead_letter(site, order_id) == (["Inventory unavailable"] * 5, "ASSIGNED_TO_WAVE", 5)


async def test_an_order_too_large_for_the_stock_does_not_starve_a_smaller_one(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The failing order allocates no units that other orders could get."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    large = await site.place_order(
        ("SKU-001", 9), priority=order_pb2.ORDER_PRIORITY_SAME_DAY, allow_partial=False
    )
    small_id = await site.place_order(("SKU-001", 5))
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert [await site.read_status(order_id) for order_id in (large, small_id)] == [
        "PENDING_RETRY",
        "PICKING",
    ]


# Moves


async def test_a_failed_move_is_a_failure_of_each_of_its_orders(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """They are retried without the carrier, which stays in its lane and requires inspection."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 10))
    orders = [await site.place_order(), await site.place_order()]
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    (move,) = await site.claim_moves()
    await site.fail_move(move, "crane stuck")
    assert (await fulfillment.run(retry_policy=RETRY_IMMEDIATELY))["take_in_failed_moves"] == len(orders)
    for order_id in orders:
        order = await site.read_order(order_id)
        assert order.last_failure_reason == "Move failed: crane stuck"
        assert order.failed_status == order_pb2.ORDER_STATUS_PICKING
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.allocated_quantity, carrier.lane_id) == (0, "LANE-1")
    assert carrier.status_reason == "Move failed: crane stuck"
    await site.set_carrier_status("CAR-1", "AVAILABLE")
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    assert {await site.read_status(order_id) for order_id in orders} == {"PACKING"}


async def test_a_failed_move_returns_the_delivered_units_of_its_order(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """These units are stock again, and serve the retry."""
    await site.open()
    await site.receive_in_separate_lanes(
        ("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-002", 2)
    )
    order_id = await site.place_order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    moves = {move.carrier_id: move for move in await site.claim_moves()}
    await site.complete_moves([moves["CAR-1"]])
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.fail_move(moves["CAR-2"])
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    order = await site.read_order(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PACKING, 1)


async def test_a_move_fails_at_its_deadline(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Its orders are retried without it. A later report is rejected."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    (move,) = await site.claim_moves()
    await sql.execute("UPDATE moves SET deadline_at = now()")
    counts = await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert (counts["fail_overdue_moves"], counts["take_in_failed_moves"]) == (1, 1)
    assert (await site.read_order(order_id)).last_failure_reason == "Move failed: overdue"
    late_report = storage_pb2.CompleteMoveRequest(move_id=move.move_id)
    assert (await expect_failure(site.api.storage.CompleteMove(late_report))).reason == "MOVE_STATUS_CONFLICT"


async def test_an_unclaimed_move_that_expires_keeps_its_carrier_available(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """A control system that is down is a failure of the orders, but its carriers need no inspection."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await sql.execute("UPDATE moves SET deadline_at = now()")
    counts = await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert (counts["fail_overdue_moves"], counts["take_in_failed_moves"]) == (1, 1)
    assert (await site.read_order(order_id)).last_failure_reason == "Move failed: overdue"
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.status, carrier.status_reason) == (storage_pb2.CARRIER_STATUS_AVAILABLE, "")
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    assert await site.read_status(order_id) == "PACKING"


async def test_a_failed_move_keeps_the_hold_of_its_carrier(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The failure does not replace the reason of the hold."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.receive_carriers(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), lane_id="LANE-1")
    await site.set_carrier_status("CAR-1")
    before = (await site.get_carrier("CAR-1")).status_reason
    await site.place_order(("SKU-002", 1))
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    (move,) = await site.claim_moves()
    assert (move.kind, move.carrier_id) == (storage_pb2.MOVE_KIND_RELOCATE, "CAR-1")
    await site.fail_move(move)
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.status, carrier.status_reason) == (storage_pb2.CARRIER_STATUS_ON_HOLD, before)


async def test_a_failed_return_move_is_requested_again(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The carrier returns to its lane and requires inspection. No order fails."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 5))
    order_id = await site.place_order()
    await fulfillment.run()
    await site.complete_moves(await site.claim_moves())
    await fulfillment.run()
    (back,) = await site.claim_moves()
    await site.fail_move(back)
    await fulfillment.deliver_all(site.api)
    carrier = await site.get_carrier("CAR-1")
    assert (carrier.lane_id, carrier.quantity) == ("LANE-1", 3)
    assert (await site.read_order(order_id)).retry_count == 0


async def test_a_failed_move_does_not_change_a_cancelled_order(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The order stays cancelled."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 2))
    order_id = await site.place_order()
    await fulfillment.run()
    (move,) = await site.claim_moves()
    await site.cancel_order(order_id)
    await site.fail_move(move)
    await fulfillment.run()
    assert (await site.read_status(order_id), (await site.read_order(order_id)).retry_count) == (
        "CANCELLED",
        0,
    )


# Poison orders

_ARROWS = {
    "validated": ("orders", "UPDATE", "NEW.status = 'validated'", "RECEIVED"),
    "assigned to a wave": ("orders", "UPDATE", "NEW.status = 'assigned_to_wave'", "VALIDATED"),
    "allocated": ("allocations", "INSERT", "true", "ASSIGNED_TO_WAVE"),
    "moved to picking": ("orders", "UPDATE", "NEW.status = 'picking'", "ASSIGNED_TO_WAVE"),
    "picked": ("order_items", "UPDATE", "NEW.delivered > 0", "PICKING"),
    "moved to packing": ("orders", "UPDATE", "NEW.status = 'packing'", "PICKING"),
}


@pytest.mark.parametrize("arrow", _ARROWS)
async def test_a_poison_order_stops_no_other(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, arrow: str
) -> None:
    """Its batch is bisected until it is alone. It becomes a dead letter, and all others are served."""
    table, event, condition, status = _ARROWS[arrow]
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    orders = await site.place_orders(9)
    await poison(sql, table, event, f"NEW.order_id = '{orders[4]}' AND {condition}")
    for _ in range(12):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
        await site.complete_moves(await site.claim_moves())
    reached = [await site.read_status(order_id) for order_id in orders]
    assert reached == ["PACKING"] * 4 + ["DEAD_LETTER"] + ["PACKING"] * 4
    reasons, failed_in, count = await read_dead_letter(site, orders[4])
    assert (set(reasons), failed_in, count) == ({"cannot be processed: RaiseError"}, status, 5)


async def test_a_failing_retry_counts_as_a_failure(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """An order that cannot be reset becomes a dead letter, as after any other failure."""
    await site.open()
    orders = [await site.place_order(("SKU-001", 2)), await site.place_order(("SKU-002", 2))]
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{orders[0]}' AND NEW.status = 'received'")
    for _ in range(5):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert [await site.read_status(order_id) for order_id in orders] == ["DEAD_LETTER", "DEAD_LETTER"]


async def test_an_order_whose_failure_cannot_be_counted_stops_no_other(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """It is unchanged. The orders before and after it are served."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    orders = await site.place_orders(9)
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{orders[4]}'")
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    reached = [await site.read_status(order_id) for order_id in orders]
    assert reached == ["PACKING"] * 4 + ["RECEIVED"] + ["PACKING"] * 4


async def test_a_move_whose_failure_cannot_be_counted_stops_no_other(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Two moves failed, and one of their orders cannot be changed. The other order is retried."""
    await site.open()
    await site.receive_in_separate_lanes(
        ("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-002", 2)
    )
    broken, sane = await site.place_order(("SKU-001", 2)), await site.place_order(("SKU-002", 2))
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    for move in await site.claim_moves():
        await site.fail_move(move)
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{broken}' AND NEW.status = 'pending_retry'")
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert await site.read_status(sane) == "PENDING_RETRY"
    for _ in range(3):
        await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
        await site.complete_moves(await site.claim_moves())
    assert await site.read_status(sane) == "PACKING"


# Steps that fail


@pytest.mark.parametrize(
    ("step", "event", "condition"),
    [
        ("request_moves", "INSERT", "NEW.kind = 'retrieve'"),
        ("request_returns", "INSERT", "NEW.kind = 'return'"),
        ("fail_overdue_moves", "UPDATE", "NEW.status = 'failed'"),
    ],
)
async def test_one_failing_step_does_not_stop_the_others(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, step: str, event: str, condition: str
) -> None:
    """Independent steps run. The first cycle after the repair catches up."""
    await site.open()
    await site.receive_in_separate_lanes(
        ("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-003", 2)
    )
    orders = [await site.place_order((f"SKU-00{number}", 2)) for number in (1, 2)]
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.complete_moves([move for move in await site.claim_moves() if move.carrier_id == "CAR-1"])
    await sql.execute("UPDATE moves SET deadline_at = now() WHERE carrier_id = 'CAR-2'")
    orders.append(await site.place_order(("SKU-003", 2)))
    await poison(sql, "moves", event, condition)
    run = await fulfillment.cycle(retry_policy=RETRY_IMMEDIATELY).run_steps()
    assert (run.status, run.step_errors) == (RunStatus.FAILED, (f"{step}: RaiseError",))
    counts = {outcome.cycle_step.value: outcome.count for outcome in run.step_outcomes}
    works = ("request_moves", "request_returns", "fail_overdue_moves")
    assert {name: counts[name] for name in works} == {name: int(name != step) for name in works}
    await sql.execute("DROP TRIGGER poison ON moves")
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.set_carrier_status("CAR-2", "AVAILABLE")
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    assert {await site.read_status(order_id) for order_id in orders} == {"PACKING"}


async def test_a_locked_order_stops_no_other_order(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, database_url: str
) -> None:
    """An order that an open transaction has locked is left for a later cycle. All others proceed."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    locked, due = await site.place_order(("SKU-002", 1)), await site.place_order(("SKU-002", 1))
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert [await site.read_status(order_id) for order_id in (locked, due)] == ["PENDING_RETRY"] * 2
    await site.receive_in_separate_lanes(("CAR-2", "SKU-002", 2))
    fresh = await site.place_order(("SKU-001", 1))
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", locked)
            await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
            assert [await site.read_status(order_id) for order_id in (due, fresh)] == ["PICKING", "PICKING"]
    finally:
        await other.close()
    await fulfillment.deliver_all(site.api, retry_policy=RETRY_IMMEDIATELY)
    assert await site.read_status(locked) == "PACKING"


async def test_a_locked_carrier_stops_no_other_step(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, database_url: str
) -> None:
    """Allocation fails without counting a failure of any order. The steps after it run."""
    await site.open()
    await site.receive_carriers(("CAR-1", "SKU-001", 100))
    first = await site.place_order()
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    await site.complete_moves(await site.claim_moves())
    await site.receive_carriers(("CAR-2", "SKU-002", 2))
    second = await site.place_order(("SKU-002", 2))
    async with open_database(
        database_url, PoolOptions(statement_timeout_seconds=0.2)
    ) as short_timeout_database:
        async with sql.transaction():
            await sql.execute("SELECT FROM carriers WHERE carrier_id = 'CAR-2' FOR UPDATE")
            counts = await Fulfillment(short_timeout_database, fulfillment.fence).run(
                retry_policy=RETRY_IMMEDIATELY
            )
        assert counts["allocate"] == 0
        assert await site.read_status(first) == "PACKING"
        assert (await site.read_order(second)).retry_count == 0
    await fulfillment.run(retry_policy=RETRY_IMMEDIATELY)
    assert await site.read_status(second) == "PICKING"


async def test_an_order_cancelled_after_the_read_is_skipped(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The cycle checks each order again under its lock."""
    await site.open()
    orders = await site.place_orders(3)
    cycle = fulfillment.cycle()

    await site.cancel_order(orders[0])
    assert (
        await cycle.advance_orders(orders, OrderStatus.RECEIVED, OrderStatus.VALIDATED, events.OrderValidated)
        == 2
    )
    assert await site.read_status(orders[0]) == "CANCELLED"
    assert await site.list_event_types(orders[0]) == ["received", "cancelled"]
    await site.api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=orders[0], reason="again"))

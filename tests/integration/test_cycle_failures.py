"""What the cycle does when something fails: retries, the dead letter queue, poison, broken steps."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.site import Site
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain import events
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.retries import RetryPolicy
from wms_core.domain.runs import RunStatus
from wms_core.postgres.database import PoolOptions, open_database

AT_ONCE = RetryPolicy(base=timedelta(0))


@pytest.fixture
def policy() -> RetryPolicy:
    """Give the policy that a test's cycles run with: a failed order is tried again in the next cycle."""
    return AT_ONCE


@pytest.fixture(autouse=True)
async def _sound(sql: Sql, policy: RetryPolicy) -> AsyncIterator[None]:
    """Whatever a test did, no promise that the database can be asked about is broken."""
    yield
    assert await breaches(sql, policy) == []


async def poison(sql: Sql, table: str, event: str, condition: str) -> None:
    """Make every change of rows that meet a condition fail."""
    await sql.execute(f"""
        CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
        CREATE TRIGGER poison BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition})
            EXECUTE FUNCTION poison();
    """)


async def dead_letter(site: Site, order_id: str) -> tuple[list[str], str, int]:
    """Give the reasons of a dead letter's attempts, the status it failed in, and their number."""
    entry = (
        await site.api.dead_letters.GetDeadLetterEntry(
            dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order_id)
        )
    ).entry
    status = order_pb2.OrderStatus.Name(entry.final_failure_status).removeprefix("ORDER_STATUS_")
    return [attempt.reason for attempt in entry.attempts], status, entry.total_retry_attempts


# No stock


async def test_an_order_without_stock_waits_for_its_retry(site: Site, fulfillment: Fulfillment) -> None:
    """The failure is counted in the status it happened in, and its retry has a time."""
    await site.open()
    order_id = await site.order()
    await fulfillment.run(retry_policy=AT_ONCE)
    order = await site.read(order_id)
    assert order.status == order_pb2.ORDER_STATUS_PENDING_RETRY
    assert order.failed_status == order_pb2.ORDER_STATUS_ASSIGNED_TO_WAVE
    assert (order.retry_count, order.last_failure_reason) == (1, "Inventory unavailable")
    assert order.next_retry_at.ToDatetime() == order.last_failed_at.ToDatetime()


@pytest.mark.parametrize("policy", [RetryPolicy()])
async def test_a_retry_is_made_when_it_is_due_and_not_before(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """With the default policy the first retry comes after 15 minutes."""
    await site.open()
    order_id = await site.order()
    await fulfillment.run()
    assert (await fulfillment.run())["retry_due"] == 0
    assert await site.why(order_id) == "RETRY_NOT_DUE"
    order = await site.read(order_id)
    assert order.next_retry_at.ToDatetime() - order.last_failed_at.ToDatetime() == timedelta(minutes=15)
    await sql.execute("""UPDATE orders SET next_retry_at = next_retry_at - interval '15 min',
                                           last_failed_at = last_failed_at - interval '15 min'""")
    assert await site.why(order_id) == "RETRY_DUE"
    assert await fulfillment.cycle().retry_due() == 1
    order = await site.read(order_id)
    assert (order.status, order.retry_count, order.wave_id) == (order_pb2.ORDER_STATUS_RECEIVED, 1, "")


async def test_a_retry_succeeds_when_stock_has_come_meanwhile(site: Site, fulfillment: Fulfillment) -> None:
    """The order goes on, and its count of failures stays."""
    await site.open()
    order_id = await site.order()
    await fulfillment.run(retry_policy=AT_ONCE)
    await site.stock(("CAR-1", "SKU-001", 2))
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    order = await site.read(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PACKING, 1)
    assert await site.events(order_id) == [
        "received", "validated", "wave-assigned", "retry-scheduled", "retry-started", "validated",
        "wave-assigned", "picking-started", "packing-started",
    ]  # fmt: skip


async def test_the_fifth_failure_goes_to_the_dead_letter_queue(site: Site, fulfillment: Fulfillment) -> None:
    """Four retries are scheduled, then the order waits for a person, with every attempt in its entry."""
    await site.open()
    order_id = await site.order()
    for _ in range(6):
        await fulfillment.run(retry_policy=AT_ONCE)
    assert (await site.status(order_id), await site.why(order_id)) == ("DEAD_LETTER", "DEAD_LETTERED")
    assert await dead_letter(site, order_id) == (["Inventory unavailable"] * 5, "ASSIGNED_TO_WAVE", 5)
    told = await site.events(order_id)
    assert (told.count("retry-scheduled"), told.count("moved-to-dlq"), told[-1]) == (4, 1, "moved-to-dlq")


async def test_a_dead_letter_that_is_retried_by_hand_starts_anew(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Its count begins at 0 again; a second time in the queue is a second entry."""
    await site.open()
    order_id = await site.order()
    for _ in range(5):
        await fulfillment.run(retry_policy=AT_ONCE)
    await site.api.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id,
            resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
            resolved_by="ann",
        )
    )
    assert (await site.read(order_id)).retry_count == 0
    for _ in range(5):
        await fulfillment.run(retry_policy=AT_ONCE)
    assert await dead_letter(site, order_id) == (["Inventory unavailable"] * 5, "ASSIGNED_TO_WAVE", 5)


async def test_an_order_too_large_for_the_stock_does_not_starve_a_smaller_one(
    site: Site, fulfillment: Fulfillment
) -> None:
    """The failing order takes nothing that others could have."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    large = await site.order(("SKU-001", 9), priority=order_pb2.ORDER_PRIORITY_SAME_DAY, allow_partial=False)
    small = await site.order(("SKU-001", 5))
    await fulfillment.run(retry_policy=AT_ONCE)
    assert [await site.status(one) for one in (large, small)] == ["PENDING_RETRY", "PICKING"]


# Moves


async def test_a_failed_move_is_a_failure_of_every_order_that_waits_for_it(
    site: Site, fulfillment: Fulfillment
) -> None:
    """They are tried again without the carrier, which stays where it was, to be inspected."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 10))
    orders = [await site.order(), await site.order()]
    await fulfillment.run(retry_policy=AT_ONCE)
    (move,) = await site.claim()
    await site.fail(move, "crane stuck")
    assert (await fulfillment.run(retry_policy=AT_ONCE))["take_in_failed_moves"] == len(orders)
    for order_id in orders:
        order = await site.read(order_id)
        assert order.last_failure_reason == "Move failed: crane stuck"
        assert order.failed_status == order_pb2.ORDER_STATUS_PICKING
    carrier = await site.carrier("CAR-1")
    assert (carrier.allocated_quantity, carrier.lane_id) == (0, "LANE-1")
    assert carrier.status_reason == "Move failed: crane stuck"
    await site.hold("CAR-1", "AVAILABLE")
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    assert {await site.status(order_id) for order_id in orders} == {"PACKING"}


async def test_a_failed_move_gives_back_what_the_order_had_already(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Units that were delivered before are stock again, and serve the retry."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-002", 2))
    order_id = await site.order(("SKU-001", 2), ("SKU-002", 2))
    await fulfillment.run(retry_policy=AT_ONCE)
    moves = {move.carrier_id: move for move in await site.claim()}
    await site.complete([moves["CAR-1"]])
    await fulfillment.run(retry_policy=AT_ONCE)
    await site.fail(moves["CAR-2"])
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    order = await site.read(order_id)
    assert (order.status, order.retry_count) == (order_pb2.ORDER_STATUS_PACKING, 1)


async def test_a_move_that_takes_too_long_has_failed(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """Its orders go on without it; a report that comes afterwards is refused."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    await fulfillment.run(retry_policy=AT_ONCE)
    (move,) = await site.claim()
    await sql.execute("UPDATE moves SET deadline_at = now()")
    did = await fulfillment.run(retry_policy=AT_ONCE)
    assert (did["fail_overdue_moves"], did["take_in_failed_moves"]) == (1, 1)
    assert (await site.read(order_id)).last_failure_reason == "Move failed: overdue"
    late = storage_pb2.CompleteMoveRequest(move_id=move.move_id)
    assert (await failing(site.api.storage.CompleteMove(late))).reason == "MOVE_STATUS_CONFLICT"


async def test_a_carrier_that_nobody_came_for_is_not_suspect(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """A control system that is down counts as a failure of its orders, and spoils no stock."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    await fulfillment.run(retry_policy=AT_ONCE)
    await sql.execute("UPDATE moves SET deadline_at = now()")
    did = await fulfillment.run(retry_policy=AT_ONCE)
    assert (did["fail_overdue_moves"], did["take_in_failed_moves"]) == (1, 1)
    assert (await site.read(order_id)).last_failure_reason == "Move failed: overdue"
    carrier = await site.carrier("CAR-1")
    assert (carrier.status, carrier.status_reason) == (storage_pb2.CARRIER_STATUS_AVAILABLE, "")
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    assert await site.status(order_id) == "PACKING"


async def test_a_hold_outlives_a_move_that_failed(site: Site, fulfillment: Fulfillment) -> None:
    """What was held for a reason is not given another one by a crane that broke down."""
    await site.open(lanes=("LANE-1", "LANE-2"))
    await site.stock(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), lane_id="LANE-1")
    await site.hold("CAR-1")
    before = (await site.carrier("CAR-1")).status_reason
    await site.order(("SKU-002", 1))
    await fulfillment.run(retry_policy=AT_ONCE)
    (move,) = await site.claim()
    assert (move.kind, move.carrier_id) == (storage_pb2.MOVE_KIND_RELOCATE, "CAR-1")
    await site.fail(move)
    carrier = await site.carrier("CAR-1")
    assert (carrier.status, carrier.status_reason) == (storage_pb2.CARRIER_STATUS_ON_HOLD, before)


async def test_a_way_back_that_failed_is_asked_for_again(site: Site, fulfillment: Fulfillment) -> None:
    """The carrier comes back to its lane, held for inspection; no order failed."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 5))
    order_id = await site.order()
    await fulfillment.run()
    await site.complete(await site.claim())
    await fulfillment.run()
    (back,) = await site.claim()
    await site.fail(back)
    await fulfillment.deliver(site.api)
    carrier = await site.carrier("CAR-1")
    assert (carrier.lane_id, carrier.quantity) == ("LANE-1", 3)
    assert (await site.read(order_id)).retry_count == 0


async def test_a_failed_move_of_an_order_cancelled_meanwhile_is_no_failure_of_it(
    site: Site, fulfillment: Fulfillment
) -> None:
    """A cancelled order stays cancelled."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 2))
    order_id = await site.order()
    await fulfillment.run()
    (move,) = await site.claim()
    await site.cancel(order_id)
    await site.fail(move)
    await fulfillment.run()
    assert (await site.status(order_id), (await site.read(order_id)).retry_count) == ("CANCELLED", 0)


# Orders that can't be processed

_ARROWS = {
    "validated": ("orders", "UPDATE", "NEW.status = 'validated'", "RECEIVED"),
    "assigned to a wave": ("orders", "UPDATE", "NEW.status = 'assigned_to_wave'", "VALIDATED"),
    "allocated": ("allocations", "INSERT", "true", "ASSIGNED_TO_WAVE"),
    "moved to picking": ("orders", "UPDATE", "NEW.status = 'picking'", "ASSIGNED_TO_WAVE"),
    "picked": ("order_items", "UPDATE", "NEW.delivered > 0", "PICKING"),
    "moved to packing": ("orders", "UPDATE", "NEW.status = 'packing'", "PICKING"),
}


@pytest.mark.parametrize("arrow", _ARROWS)
async def test_an_order_that_cannot_be_processed_stops_no_other(
    site: Site, fulfillment: Fulfillment, sql: Sql, arrow: str
) -> None:
    """Its batch is halved until it is alone; it is dead-lettered at last, and all others are served."""
    table, event, condition, status = _ARROWS[arrow]
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    orders = await site.orders(9)
    await poison(sql, table, event, f"NEW.order_id = '{orders[4]}' AND {condition}")
    for _ in range(12):
        await fulfillment.run(retry_policy=AT_ONCE)
        await site.complete(await site.claim())
    reached = [await site.status(order_id) for order_id in orders]
    assert reached == ["PACKING"] * 4 + ["DEAD_LETTER"] + ["PACKING"] * 4
    reasons, failed_in, count = await dead_letter(site, orders[4])
    assert (set(reasons), failed_in, count) == ({"cannot be processed: RaiseError"}, status, 5)


async def test_a_retry_that_cannot_be_made_counts_as_a_failure(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """An order that can't be put back is dead-lettered like any other that fails."""
    await site.open()
    orders = [await site.order(("SKU-001", 2)), await site.order(("SKU-002", 2))]
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{orders[0]}' AND NEW.status = 'received'")
    for _ in range(5):
        await fulfillment.run(retry_policy=AT_ONCE)
    assert [await site.status(one) for one in orders] == ["DEAD_LETTER", "DEAD_LETTER"]


async def test_an_order_whose_failure_cannot_be_counted_stops_no_other(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """It stays where it is; the others are served, whatever comes before or after it."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    orders = await site.orders(9)
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{orders[4]}'")
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    reached = [await site.status(order_id) for order_id in orders]
    assert reached == ["PACKING"] * 4 + ["RECEIVED"] + ["PACKING"] * 4


async def test_a_move_whose_failure_cannot_be_counted_stops_no_other(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Two moves failed and one of their orders can't be changed: the other is tried again all the same."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 2), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-002", 2))
    broken, sane = await site.order(("SKU-001", 2)), await site.order(("SKU-002", 2))
    await fulfillment.run(retry_policy=AT_ONCE)
    for move in await site.claim():
        await site.fail(move)
    await poison(sql, "orders", "UPDATE", f"NEW.order_id = '{broken}' AND NEW.status = 'pending_retry'")
    await fulfillment.run(retry_policy=AT_ONCE)
    assert await site.status(sane) == "PENDING_RETRY"
    for _ in range(3):
        await fulfillment.run(retry_policy=AT_ONCE)
        await site.complete(await site.claim())
    assert await site.status(sane) == "PACKING"


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
    site: Site, fulfillment: Fulfillment, sql: Sql, step: str, event: str, condition: str
) -> None:
    """What does not depend on the broken step goes on, and the cycle after the repair catches up."""
    await site.open()
    await site.apart(("CAR-1", "SKU-001", 5), ("CAR-2", "SKU-002", 2), ("CAR-3", "SKU-003", 2))
    orders = [await site.order((f"SKU-00{number}", 2)) for number in (1, 2)]
    await fulfillment.run(retry_policy=AT_ONCE)
    await site.complete([move for move in await site.claim() if move.carrier_id == "CAR-1"])
    await sql.execute("UPDATE moves SET deadline_at = now() WHERE carrier_id = 'CAR-2'")
    orders.append(await site.order(("SKU-003", 2)))
    await poison(sql, "moves", event, condition)
    run = await fulfillment.cycle(retry_policy=AT_ONCE).run()
    assert (run.status, run.errors) == (RunStatus.FAILED, (f"{step}: RaiseError",))
    did = {one.step.value: one.count for one in run.steps}
    works = ("request_moves", "request_returns", "fail_overdue_moves")
    assert {name: did[name] for name in works} == {name: int(name != step) for name in works}
    await sql.execute("DROP TRIGGER poison ON moves")
    await fulfillment.run(retry_policy=AT_ONCE)
    await site.hold("CAR-2", "AVAILABLE")
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    assert {await site.status(one) for one in orders} == {"PACKING"}


async def test_a_row_that_somebody_else_holds_on_to_stops_no_other_order(
    site: Site, fulfillment: Fulfillment, sql: Sql, database_url: str
) -> None:
    """An order locked by an open transaction is left for a later cycle; all others go on at once."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    held, due = await site.order(("SKU-002", 1)), await site.order(("SKU-002", 1))
    await fulfillment.run(retry_policy=AT_ONCE)
    assert [await site.status(one) for one in (held, due)] == ["PENDING_RETRY"] * 2
    await site.apart(("CAR-2", "SKU-002", 2))
    fresh = await site.order(("SKU-001", 1))
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", held)
            await fulfillment.run(retry_policy=AT_ONCE)
            assert [await site.status(one) for one in (due, fresh)] == ["PICKING", "PICKING"]
    finally:
        await other.close()
    await fulfillment.deliver(site.api, retry_policy=AT_ONCE)
    assert await site.status(held) == "PACKING"


async def test_a_carrier_that_somebody_else_holds_on_to_stops_no_other_step(
    site: Site, fulfillment: Fulfillment, sql: Sql, database_url: str
) -> None:
    """Allocation can't go on without it, and blames no order for that; what comes after does go on."""
    await site.open()
    await site.stock(("CAR-1", "SKU-001", 100))
    first = await site.order()
    await fulfillment.run(retry_policy=AT_ONCE)
    await site.complete(await site.claim())
    await site.stock(("CAR-2", "SKU-002", 2))
    second = await site.order(("SKU-002", 2))
    async with open_database(database_url, PoolOptions(statement_timeout=0.2)) as impatient:
        async with sql.transaction():
            await sql.execute("SELECT FROM carriers WHERE carrier_id = 'CAR-2' FOR UPDATE")
            did = await Fulfillment(impatient, fulfillment.fence).run(retry_policy=AT_ONCE)
        assert did["allocate"] == 0
        assert await site.status(first) == "PACKING"
        assert (await site.read(second)).retry_count == 0
    await fulfillment.run(retry_policy=AT_ONCE)
    assert await site.status(second) == "PICKING"


async def test_an_order_cancelled_between_look_and_work_is_passed_over(
    site: Site, fulfillment: Fulfillment
) -> None:
    """What the cycle found a moment ago it checks again under its lock."""
    await site.open()
    orders = await site.orders(3)
    cycle = fulfillment.cycle()

    await site.cancel(orders[0])
    assert await cycle.advance(orders, OrderStatus.RECEIVED, OrderStatus.VALIDATED, events.Validated) == 2
    assert await site.status(orders[0]) == "CANCELLED"
    assert await site.events(orders[0]) == ["received", "cancelled"]
    await site.api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=orders[0], reason="again"))

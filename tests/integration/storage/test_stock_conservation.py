"""All calls and cycles in random order on a real Postgres: the stock reconciles after each of them.

`WMS_CONSERVATION_EXAMPLES=500` runs longer, with new random steps each time. Without it the same steps are
repeated, so that a change is judged by the same evidence.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.support.builders.fulfillment import Fulfillment, open_fulfillment
from tests.support.builders.requests import address, create_order, item, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants import stock
from tests.support.waiting import eventually
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.errors import OperationAborted
from wms_core.postgres.database import PoolOptions, open_database

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

LONG = int(os.environ.get("WMS_CONSERVATION_EXAMPLES", "0"))
EXAMPLES, LENGTH = LONG or 12, 50

SKUS = ("SKU-1", "SKU-2", "SKU-3")
LANES = {"A-1": ("A", 6), "A-2": ("A", 5), "B-1": ("B", 4)}
DESTINATIONS: dict[str, tuple[list[str], int]] = {"PACK-1": (["A", "B"], 2), "PACK-2": (["A"], 3)}

WORKED_ON = ("assigned_to_wave", "picking", "packing", "pending_retry")

# Codes that a call at the wrong time may return. Any other code fails the test.
ALLOWED_CODES = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})

_EMPTY = """
    SELECT pg_advisory_xact_lock(7302, 0);
    TRUNCATE outbox, order_events, parked_events, order_failures, dead_letter_resolutions, shipments,
             dead_letter_entries, allocations, backorders, write_offs, order_items, moves, carriers, orders,
             waves, lanes, destinations, audit_log, request_answers, fulfillment_runs, fulfillment_pauses"""


Lines = list[tuple[str, int]]  # SKU and units


@dataclass
class Site:
    """A small, crowded warehouse and all operations on it.

    An operation selects its subject (an order, a move) by a number, from the existing rows. Most subjects
    have a suitable status; one in ten has any status.
    """

    api: Api
    fulfillment: Fulfillment
    sql: "asyncpg.Pool[asyncpg.Record]"
    orders: int = 0
    carriers: int = 0
    allowed_codes: frozenset[grpc.StatusCode] = ALLOWED_CODES
    cycle_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """Empty the database, and create lanes, destinations and some stock."""
        await self.sql.execute(_EMPTY)
        self.orders = self.carriers = 0
        for lane_id, (zone, capacity) in LANES.items():
            await self.api.storage.PutLane(put_lane(lane_id, zone=zone, capacity=capacity))
        for destination_id in DESTINATIONS:
            await self.put_destination(destination_id, False)
        for lane_id, sku in zip(LANES, SKUS, strict=True):
            await self.receive(lane_id, [(sku, 8), (SKUS[0], 3)])

    async def call(self, name: str, call: Awaitable[Any]) -> None:
        """Make a call that may come at the wrong time.

        Raises an AssertionError for a code that is not allowed.
        """
        try:
            await call
        except grpc.aio.AioRpcError as error:
            if error.code() not in self.allowed_codes:
                raise AssertionError(f"{name}: {error.code()} {error.details()}") from error

    async def pick_order(self, number: int, *statuses: str) -> str:
        """Return the id of an order.

        One in ten has any status, the others one of `statuses` if there are any.
        """
        query = """SELECT order_id FROM orders WHERE cardinality($1::text[]) = 0 OR status = ANY ($1)
                    ORDER BY created_at, order_id"""
        status_filter = [] if number % 10 == 9 else list(statuses)
        rows = await self.sql.fetch(query, status_filter) or await self.sql.fetch(query, [])
        return rows[number // 10 % len(rows)]["order_id"] if rows else "none"

    async def create(self, lines: Lines, priority: int, allow_partial: bool) -> None:
        """Create an order."""
        self.orders += 1
        request = create_order(
            order_id=f"O-{self.orders}",
            items=[item(sku, units) for sku, units in lines],
            priority=priority,
            allow_partial=allow_partial,
        )
        await self.call("CreateOrder", self.api.orders.CreateOrder(request))

    async def receive(self, lane_id: str, contents: Lines) -> None:
        """Receive carriers into a lane. The server rejects them if the lane is full."""
        carriers = []
        for sku, units in contents:
            self.carriers += 1
            carriers.append((f"C-{self.carriers}", sku, units))
        request = receive(*carriers, lane_id=lane_id)
        await self.call("ReceiveCarriers", self.api.storage.ReceiveCarriers(request))

    async def cycle(self) -> None:
        """Run a cycle; a step that fails, fails the test."""
        async with self.cycle_lock:
            await self.fulfillment.run()

    async def claim(self, limit: int) -> None:
        """Claim moves."""
        request = storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=limit, claimed_by="crane")
        await self.call("ClaimMoves", self.api.storage.ClaimMoves(request))

    async def pick_move(self, number: int) -> str:
        """Return the id of a move: one in ten of any status, the others claimed."""
        query = """SELECT move_id FROM moves WHERE status = $1 OR $1 = ''
                    ORDER BY requested_at, carrier_id, kind"""
        rows = await self.sql.fetch(query, "" if number % 10 == 9 else "claimed")
        return rows[number // 10 % len(rows)]["move_id"] if rows else "none"

    async def complete_move(self, number: int) -> None:
        """Complete a move."""
        request = storage_pb2.CompleteMoveRequest(move_id=await self.pick_move(number), claimed_by="crane")
        await self.call("CompleteMove", self.api.storage.CompleteMove(request))

    async def complete_moves(self) -> None:
        """Complete all claimed moves at once."""
        rows = await self.sql.fetch(
            "SELECT move_id FROM moves WHERE status = 'claimed' ORDER BY requested_at"
        )
        if rows:
            request = storage_pb2.BatchCompleteMovesRequest(
                move_ids=[row["move_id"] for row in rows], claimed_by="crane"
            )
            await self.call("BatchCompleteMoves", self.api.storage.BatchCompleteMoves(request))

    async def fail_move(self, number: int) -> None:
        """Fail a move."""
        request = storage_pb2.FailMoveRequest(
            move_id=await self.pick_move(number), claimed_by="crane", reason="jam"
        )
        await self.call("FailMove", self.api.storage.FailMove(request))

    async def wait(self) -> None:
        """Let seven hours pass: every deadline is over, every retry is due."""
        await self.sql.execute(
            """UPDATE orders SET last_failed_at = last_failed_at - interval '7 h',
                                 next_retry_at = next_retry_at - interval '7 h'
                WHERE status = 'pending_retry';
               UPDATE moves SET deadline_at = deadline_at - interval '7 h'
                WHERE status IN ('requested', 'claimed')"""
        )

    async def ship(self, number: int) -> None:
        """Ship the delivered units of an order."""
        request = orders_pb2.ShipOrderRequest(
            order_id=await self.pick_order(number, "packing", "shipped"),
            carrier_code="UPS",
            tracking_number="1Z",
        )
        await self.call("ShipOrder", self.api.orders.ShipOrder(request))

    async def complete(self, number: int) -> None:
        """Confirm a delivery."""
        request = orders_pb2.CompleteOrderRequest(order_id=await self.pick_order(number, "shipped"))
        await self.call("CompleteOrder", self.api.orders.CompleteOrder(request))

    async def cancel(self, number: int) -> None:
        """Cancel an order."""
        order_id = await self.pick_order(number, *WORKED_ON, "dead_letter")
        request = orders_pb2.CancelOrderRequest(order_id=order_id, reason="changed mind")
        await self.call("CancelOrder", self.api.orders.CancelOrder(request))

    async def update(self, number: int, lines: Lines) -> None:
        """Change the lines and the priority of an order."""
        changed = order_pb2.Order(
            items=[item(sku, units) for sku, units in lines],
            priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
            shipping_address=address(),
        )
        request = orders_pb2.UpdateOrderRequest(
            order_id=await self.pick_order(number, "received", "validated", "assigned_to_wave"),
            order=changed,
        )
        request.update_mask.paths.extend(["items", "priority"] if lines else ["priority"])
        await self.call("UpdateOrder", self.api.orders.UpdateOrder(request))

    async def plan(self, number: int, destination_id: str) -> None:
        """Validate an order and assign it to a wave by calls."""
        order_id = await self.pick_order(number, "received", "validated")
        await self.call(
            "ValidateOrder",
            self.api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id)),
        )
        request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=destination_id)
        await self.call("AssignOrdersToWave", self.api.orders.AssignOrdersToWave(request))

    async def increment(self, number: int) -> None:
        """Record a failure that an external orchestrator reports."""
        request = reprocessing_pb2.IncrementRetryCountRequest(
            order_id=await self.pick_order(number, *WORKED_ON),
            failure_reason="printer on fire",
            failed_at=_now(),
        )
        await self.call("IncrementRetryCount", self.api.reprocessing.IncrementRetryCount(request))

    async def reset(self, number: int) -> None:
        """Reset an order before its retry is due."""
        request = reprocessing_pb2.ResetOrderRequest(order_id=await self.pick_order(number, "pending_retry"))
        await self.call("ResetOrder", self.api.reprocessing.ResetOrder(request))

    async def dead_letter(self, number: int) -> None:
        """Move an order to the dead letter queue."""
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=await self.pick_order(number, *WORKED_ON), failure_reason="looks odd"
        )
        await self.call("MoveToDeadLetterQueue", self.api.reprocessing.MoveToDeadLetterQueue(request))

    async def resolve(self, number: int, resolution: int) -> None:
        """Resolve a dead letter."""
        request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=await self.pick_order(number, "dead_letter"),
            resolution=resolution,  # type: ignore[arg-type]
            resolved_by="supervisor",
        )
        await self.call("ResolveDeadLetterEntry", self.api.dead_letters.ResolveDeadLetterEntry(request))

    async def short_pick(self, number: int, units: int) -> None:
        """Report units of a line that a picker did not find."""
        order_id = await self.pick_order(number, "packing", "picking")
        skus = await self.sql.fetch(
            "SELECT sku FROM order_items WHERE order_id = $1 ORDER BY delivered - shipped DESC, line_number",
            order_id,
        )
        request = storage_pb2.ReportShortPickRequest(
            order_id=order_id,
            sku=skus[0]["sku"] if skus else SKUS[0],
            missing_quantity=units,
            reason=storage_pb2.SHORT_PICK_REASON_DAMAGED,
        )
        await self.call("ReportShortPick", self.api.storage.ReportShortPick(request))

    async def cancel_backorder(self, number: int) -> None:
        """Cancel a backorder."""
        rows = await self.sql.fetch(
            """SELECT backorder_id FROM backorders WHERE $1 OR status IN ('open', 'in_progress')
                ORDER BY created_at, order_id, line_number""",
            number % 10 == 9,
        )
        name = rows[number // 10 % len(rows)]["backorder_id"] if rows else "none"
        request = storage_pb2.CancelBackorderRequest(backorder_id=name, reason="discontinued")
        await self.call("CancelBackorder", self.api.storage.CancelBackorder(request))

    async def hold_carrier(self, number: int) -> None:
        """Put a carrier on hold, in any location."""
        rows = await self.sql.fetch(
            "SELECT carrier_id FROM carriers WHERE location <> 'left' ORDER BY received_at, carrier_id"
        )
        request = storage_pb2.SetCarrierStatusRequest(
            carrier_id=rows[number % len(rows)]["carrier_id"] if rows else "none",
            status=storage_pb2.CARRIER_STATUS_ON_HOLD,
            reason="recall",
        )
        await self.call("SetCarrierStatus", self.api.storage.SetCarrierStatus(request))

    async def free_carriers(self) -> None:
        """Make all carriers on hold or under inspection available."""
        rows = await self.sql.fetch("SELECT carrier_id FROM carriers WHERE status <> 'available'")
        for row in rows:
            request = storage_pb2.SetCarrierStatusRequest(
                carrier_id=row["carrier_id"], status=storage_pb2.CARRIER_STATUS_AVAILABLE
            )
            await self.call("SetCarrierStatus", self.api.storage.SetCarrierStatus(request))

    async def set_lane_status(self, lane_id: str, is_open: bool) -> None:
        """Block a lane, or open it."""
        status = storage_pb2.LANE_STATUS_OPEN if is_open else storage_pb2.LANE_STATUS_BLOCKED
        request = storage_pb2.SetLaneStatusRequest(lane_id=lane_id, status=status)
        await self.call("SetLaneStatus", self.api.storage.SetLaneStatus(request))

    async def put_destination(self, destination_id: str, paused: bool) -> None:
        """Pause a destination, or reopen it."""
        zones, capacity = DESTINATIONS[destination_id]
        request = put_destination(destination_id, zones=zones, queue_capacity=capacity, paused=paused)
        await self.call("PutDestination", self.api.storage.PutDestination(request))

    async def cycle_and_claim(self) -> None:
        """Run a cycle, and claim some of the requested moves."""
        await self.cycle()
        await self.claim(3)

    async def cycle_and_complete(self) -> None:
        """Run a cycle, and claim and complete the requested moves."""
        await self.cycle()
        await self.claim(10)
        await self.complete_moves()


def _now() -> Timestamp:
    now = Timestamp()
    now.FromDatetime(datetime.now(UTC))
    return now


def draw_lines(rng: random.Random, min_units: int = 1, max_units: int = 5, max_lines: int = 3) -> Lines:
    """Draw units of SKUs, some SKUs twice."""
    return [(rng.choice(SKUS), rng.randint(min_units, max_units)) for _ in range(rng.randint(1, max_lines))]


def draw_number(rng: random.Random) -> tuple[int]:
    """Draw the number that selects the subject of an operation."""
    return (rng.randrange(100),)


def draw_no_arguments(rng: random.Random) -> tuple[()]:
    """Draw no arguments."""
    return ()


PRIORITIES = (
    order_pb2.ORDER_PRIORITY_SAME_DAY,
    order_pb2.ORDER_PRIORITY_NEXT_DAY,
    order_pb2.ORDER_PRIORITY_STANDARD,
)
DECISIONS = (
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED,
)

#: Weight of each step, and the function that draws its arguments.
STEPS: dict[str, tuple[int, Callable[[random.Random], tuple[Any, ...]]]] = {
    "create": (7, lambda rng: (draw_lines(rng), rng.choice(PRIORITIES), rng.random() < 0.8)),
    "receive": (4, lambda rng: (rng.choice(sorted(LANES)), draw_lines(rng, 2, 9, 2))),
    "cycle": (3, draw_no_arguments),
    "cycle_and_claim": (5, draw_no_arguments),
    "cycle_and_complete": (9, draw_no_arguments),
    "wait": (2, draw_no_arguments),
    "complete_move": (4, draw_number),
    "fail_move": (2, draw_number),
    "ship": (4, draw_number),
    "complete": (2, draw_number),
    "cancel": (1, draw_number),
    "increment": (1, draw_number),
    "dead_letter": (1, draw_number),
    "reset": (1, draw_number),
    "resolve": (2, lambda rng: (*draw_number(rng), rng.choice(DECISIONS))),
    "update": (1, lambda rng: (*draw_number(rng), draw_lines(rng) if rng.random() < 0.7 else [])),
    "plan": (1, lambda rng: (*draw_number(rng), rng.choice(sorted(DESTINATIONS)))),
    "short_pick": (3, lambda rng: (*draw_number(rng), rng.randint(1, 3))),
    "cancel_backorder": (1, draw_number),
    "hold_carrier": (1, draw_number),
    "free_carriers": (3, draw_no_arguments),
    "set_lane_status": (2, lambda rng: (rng.choice(sorted(LANES)), rng.random() < 0.7)),
    "put_destination": (2, lambda rng: (rng.choice(sorted(DESTINATIONS)), rng.random() < 0.3)),
}


def draw_step(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Draw the next step."""
    (name,) = rng.choices(list(STEPS), [weight for weight, _ in STEPS.values()])
    return name, STEPS[name][1](rng)


class WarehouseMachine(RuleBasedStateMachine):
    """The site under random steps, with the stock checks after each of them.

    There is a single rule, because Hypothesis leaves some rules out of each history. A warehouse without
    orders or without cycles would test nothing.
    """

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], site: Site) -> None:
        super().__init__()
        self._run = run
        self.site = site

    @initialize()
    def start_empty(self) -> None:
        """Begin with an empty database."""
        self._run(self.site.open())

    @rule(chance=st.randoms(use_true_random=True))
    def take_step(self, rng: random.Random) -> None:
        """Take one step."""
        name, arguments = draw_step(rng)
        note(f"{name}{arguments}")
        self._run(getattr(self.site, name)(*arguments))

    @invariant()
    def stock_reconciles(self) -> None:
        """Run the stock checks."""
        assert not (contradictions := self._run(stock.find_contradictions(self.site.sql))), "\n".join(
            contradictions
        )


@asynccontextmanager
async def open_site(url: str) -> AsyncIterator[Site]:
    """Yield a site on the database with this URL."""
    async with (
        open_database(url, PoolOptions(max_connections=10)) as database,
        open_api(url) as api,
        open_fulfillment(database) as fulfillment,
        asyncpg.create_pool(url, min_size=1, max_size=5) as sql,
    ):
        yield Site(api, fulfillment, sql)


@pytest.mark.one_postgres
@pytest.mark.timeout(3600 if LONG else 120)
def test_stock_reconciles_after_any_sequence_of_calls(database_url: str) -> None:
    """Units, allocations, positions, statuses and events reconcile after every step of every history."""
    with asyncio.Runner() as runner:
        site_context = open_site(database_url)
        site = runner.run(site_context.__aenter__())
        try:
            run_state_machine_as_test(
                partial(WarehouseMachine, runner.run, site),  # type: ignore[arg-type] # any factory is accepted
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=LENGTH,
                    derandomize=not LONG,
                    database=None,
                    deadline=None,
                    phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
                ),
            )
        finally:
            runner.run(site_context.__aexit__(None, None, None))


class ConcurrentSite(Site):
    """The site with several concurrent callers, which may also receive ABORTED."""

    async def cycle(self) -> None:
        """Run a cycle, unless one is running. The fence is not under test here."""
        if self.cycle_lock.locked():
            return
        with contextlib.suppress(OperationAborted):
            await super().cycle()


@pytest.mark.one_postgres
@pytest.mark.parametrize("seed", range(LONG or 2))
async def test_stock_reconciles_after_concurrent_calls(seed: int, database_url: str) -> None:
    """Concurrent cycles and calls on the same orders and carriers neither lose nor invent units."""
    rng = random.Random(seed)
    async with open_site(database_url) as sequential_site:
        site = ConcurrentSite(
            sequential_site.api,
            sequential_site.fulfillment,
            sequential_site.sql,
            allowed_codes=ALLOWED_CODES | {grpc.StatusCode.ABORTED},
        )
        await site.open()
        for _ in range(100):
            steps = [draw_step(rng) for _ in range(rng.randint(1, 6))]
            await asyncio.gather(*(getattr(site, name)(*arguments) for name, arguments in steps))
            assert not (contradictions := await stock.find_contradictions(site.sql)), (
                f"after {steps}: {contradictions}"
            )


async def test_a_carrier_without_an_order_is_free_after_its_move_failed(
    database_url: str,
) -> None:
    """Its order was cancelled while it moved. Back in its lane it can serve any destination."""
    async with open_site(database_url) as site:
        await site.open()
        await site.create([("SKU-2", 8)], PRIORITIES[0], True)
        await site.cycle_and_claim()
        await site.cancel(0)
        await site.fail_move(0)
        assert await stock.find_contradictions(site.sql) == []
        row = await site.sql.fetchrow(
            "SELECT status, location, destination_id FROM carriers WHERE carrier_id = 'C-3'"
        )
        assert row is not None
        assert tuple(row) == ("inspection_required", "in_lane", None)


#: Statements that falsify rows for each check, with foreign keys disabled.
BREAKAGES: list[tuple[stock.StockCheck, str]] = [
    (stock.UNITS_CONSERVED, "UPDATE carriers SET quantity = quantity + 1 WHERE carrier_id = 'C-6'"),
    (stock.UNITS_CONSERVED, "INSERT INTO write_offs (warehouse_id, sku, quantity, reason, actor, at)"
                  " VALUES ('WH-01', 'SKU-1', 1, 'damaged', 'tester', now())"),
    (stock.UNITS_CONSERVED, "DELETE FROM carriers WHERE carrier_id = 'C-6'"),
    (stock.PICKED_UNITS, "UPDATE allocations SET quantity = quantity + 1 WHERE status = 'picked'"),
    (stock.NOT_NEGATIVE, "UPDATE carriers SET allocated = -1 WHERE carrier_id = 'C-6'"),
    (stock.CARRIER_ALLOCATIONS, "UPDATE carriers SET allocated = allocated - 1 WHERE allocated > 0"),
    (stock.LINE_ALLOCATIONS, "UPDATE order_items SET allocated = allocated - 1 WHERE allocated > delivered"),
    (stock.LINE_BACKORDERS, "UPDATE order_items SET backordered = backordered - 1 WHERE backordered > 0"),
    (stock.BACKORDER_STATUS, "UPDATE backorders SET status = 'open'"),
    (stock.SINGLE_DESTINATION, "UPDATE carriers SET destination_id = 'PACK-2'"
                       " WHERE destination_id = 'PACK-1';"
                       " UPDATE carriers SET destination_id = 'PACK-1' WHERE allocated = 0"
                       " AND destination_id = 'PACK-2'"),
    (stock.SINGLE_DESTINATION, "UPDATE orders SET destination_id = 'PACK-2' WHERE order_id = 'O-1'"),
    (stock.NO_STALE_DESTINATION, "UPDATE carriers SET destination_id = 'PACK-1' WHERE carrier_id = 'C-6'"),
    (stock.LANE_OCCUPANCY, "UPDATE lanes SET occupied = occupied + 1 WHERE lane_id = 'B-1'"),
    (stock.LANE_HEADS, "UPDATE carriers SET lane_position = 1000000 WHERE location = 'moving'"),
    (stock.LIVE_MOVES, "UPDATE moves SET status = 'requested' WHERE status = 'claimed'"),
    (stock.EVENT_SEQUENCES, "UPDATE orders SET sequence = sequence + 1"),
    (stock.EVENT_SEQUENCES, "UPDATE order_events SET sequence = 9 WHERE order_id = 'O-2' AND sequence = 2"),
    (stock.EVENT_SEQUENCES, "DELETE FROM order_events WHERE order_id = 'O-2' AND sequence = 1"),
    (stock.UNIQUE_EVENTS, "UPDATE order_events SET event_id = (SELECT min(event_id::text)"
                  " FROM order_events)::uuid"),
    (stock.UNIQUE_EVENTS, "UPDATE order_events SET order_id = 'O-9' WHERE order_id = 'O-2'"),
    (stock.STATUS_HISTORIES, "UPDATE order_events SET to_status = 'packing' WHERE to_status = 'picking'"),
    (stock.STATUS_HISTORIES, "DELETE FROM order_events WHERE to_status = 'validated'"),
    (stock.STATUS_HISTORIES, "UPDATE orders SET status = 'validated' WHERE order_id = 'O-2'"),
    (stock.OPEN_DEAD_LETTERS, "UPDATE dead_letter_entries SET resolution = 'cancelled', resolved_at = now()"),
    (stock.OPEN_DEAD_LETTERS, "DELETE FROM dead_letter_entries"),
    (stock.RETRY_TIMES, "UPDATE orders SET next_retry_at = next_retry_at + interval '1 s'"),
    (stock.FAILURE_COUNTS, "DELETE FROM order_failures"),
    (stock.RELEASED_ALLOCATIONS, "UPDATE order_items SET allocated = 1 WHERE order_id = 'O-3'"),
    (stock.RELEASED_ALLOCATIONS, "UPDATE allocations SET order_id = 'O-3' WHERE status = 'live'"),
    (stock.RELEASED_ALLOCATIONS, "UPDATE backorders SET order_id = 'O-3'"),
    (stock.STATUS_BY_UNITS, "UPDATE allocations SET backorder_id = NULL WHERE status = 'live'"),
    (stock.SHIPMENT_TOTALS, "UPDATE order_items SET shipped = shipped - 1 WHERE shipped > 0"),
    (stock.SHIPMENT_TOTALS, "UPDATE shipments SET shipment_number = 2"),
    (stock.HOLDS_STOCK_FLAG, "UPDATE orders SET status = 'assigned_to_wave', holds_stock = false"
                     " WHERE order_id IN (SELECT order_id FROM allocations WHERE status = 'live')"),
    (stock.WAITING_REASONS, "UPDATE orders SET status = 'lost' WHERE order_id = 'O-2'"),
]  # fmt: skip


async def test_every_stock_check_can_fail(database_url: str) -> None:
    """A check without a statement that makes it fail proves nothing."""
    assert {check.name for check, _ in BREAKAGES} == {check.name for check in stock.STOCK_CHECKS}
    async with open_site(database_url) as site:
        await _prepare_rows(site)
        assert await stock.find_contradictions(site.sql) == []
        async with site.sql.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(_DISABLE_CONSTRAINTS)
            undetected = [
                f"{check.name}: {statement}"
                for check, statement in BREAKAGES
                if not await _detects(connection, check, statement)
            ]
            await transaction.rollback()
        assert undetected == []


_DISABLE_CONSTRAINTS = """
    SET LOCAL session_replication_role = replica;
    DO $$ DECLARE item record; BEGIN
        FOR item IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conislocal LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.place, item.conname);
        END LOOP;
    END $$"""


async def _prepare_rows(site: Site) -> None:
    """Create a partly shipped order whose rest is moving, an order in PENDING_RETRY and a dead letter."""
    await site.open()
    await site.create([("SKU-2", 10)], PRIORITIES[0], True)
    for _ in range(3):
        await site.cycle_and_complete()
    await site.ship(0)
    await site.create([("SKU-3", 1)], PRIORITIES[0], True)
    await site.api.reprocessing.IncrementRetryCount(
        reprocessing_pb2.IncrementRetryCountRequest(order_id="O-2", failure_reason="printer on fire")
    )
    await site.create([("SKU-3", 1)], PRIORITIES[0], True)
    await site.api.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id="O-3", failure_reason="looks odd")
    )
    await site.receive("A-2", [("SKU-2", 5), ("SKU-3", 1)])
    await site.cycle_and_complete()
    await site.cycle_and_claim()
    await eventually(lambda: site.sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))


async def _detects(
    connection: "PoolConnectionProxy[asyncpg.Record]", check: stock.StockCheck, statement: str
) -> bool:
    """Return whether the check detects the falsified rows. The statement is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
        return bool(await connection.fetch(check.sql))
    finally:
        await transaction.rollback()

"""All calls and cycles in random order on a real Postgres: whatever happens, the books are right after it.

`WMS_CONSERVATION_EXAMPLES=500` looks longer, and elsewhere each time; without it the same steps are tried
again, so that a change is judged by the same evidence.
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

from tests.support import books
from tests.support.api import Api, open_api
from tests.support.fulfillment import Fulfillment, open_fulfillment
from tests.support.requests import address, create_order, item, put_destination, put_lane, receive
from tests.support.waiting import eventually
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.errors import Aborted
from wms_core.postgres.database import PoolOptions, open_database

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

LONG = int(os.environ.get("WMS_CONSERVATION_EXAMPLES", "0"))
EXAMPLES, LENGTH = LONG or 12, 50

SKUS = ("SKU-1", "SKU-2", "SKU-3")
LANES = {"A-1": ("A", 6), "A-2": ("A", 5), "B-1": ("B", 4)}
DESTINATIONS: dict[str, tuple[list[str], int]] = {"PACK-1": (["A", "B"], 2), "PACK-2": (["A"], 3)}

WORKED_ON = ("assigned_to_wave", "picking", "packing", "pending_retry")

# What a call that comes at the wrong time may answer; anything else is a fault.
REFUSALS = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})

_EMPTY = """
    SELECT pg_advisory_xact_lock(7302, 0);
    TRUNCATE outbox, order_events, parked_events, order_failures, dead_letter_resolutions, shipments,
             dead_letter_entries, allocations, backorders, write_offs, order_items, moves, carriers, orders,
             waves, lanes, destinations, audit_log, request_answers, fulfillment_runs, fulfillment_pauses"""


Lines = list[tuple[str, int]]  # SKU and units


@dataclass
class Site:
    """A small, crowded warehouse and everything that can be done to it.

    A call picks what it is about by a number, from what is there; most are about what the call is for, some
    about anything.
    """

    api: Api
    fulfillment: Fulfillment
    sql: "asyncpg.Pool[asyncpg.Record]"
    orders: int = 0
    carriers: int = 0
    refusals: frozenset[grpc.StatusCode] = REFUSALS
    cycling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self) -> None:
        """Empty the database, and put lanes, destinations and some stock into it."""
        await self.sql.execute(_EMPTY)
        self.orders = self.carriers = 0
        for lane_id, (zone, capacity) in LANES.items():
            await self.api.storage.PutLane(put_lane(lane_id, zone=zone, capacity=capacity))
        for destination_id in DESTINATIONS:
            await self.put_destination(destination_id, False)
        for lane_id, sku in zip(LANES, SKUS, strict=True):
            await self.receive(lane_id, [(sku, 8), (SKUS[0], 3)])

    async def call(self, name: str, call: Awaitable[Any]) -> None:
        """Make a call that may come at the wrong time."""
        try:
            await call
        except grpc.aio.AioRpcError as error:
            if error.code() not in self.refusals:
                raise AssertionError(f"{name}: {error.code()} {error.details()}") from error

    async def an_order(self, number: int, *statuses: str) -> str:
        """Pick an order, one in ten of any status, the others of these if there are any."""
        query = """SELECT order_id FROM orders WHERE cardinality($1::text[]) = 0 OR status = ANY ($1)
                    ORDER BY created_at, order_id"""
        wanted = [] if number % 10 == 9 else list(statuses)
        found = await self.sql.fetch(query, wanted) or await self.sql.fetch(query, [])
        return found[number // 10 % len(found)]["order_id"] if found else "none"

    async def create(self, lines: Lines, priority: int, allow_partial: bool) -> None:
        """Order units of SKUs."""
        self.orders += 1
        request = create_order(
            order_id=f"O-{self.orders}",
            items=[item(sku, units) for sku, units in lines],
            priority=priority,
            allow_partial=allow_partial,
        )
        await self.call("CreateOrder", self.api.orders.CreateOrder(request))

    async def receive(self, lane_id: str, contents: Lines) -> None:
        """Put carriers into a lane, if it has room."""
        carriers = []
        for sku, units in contents:
            self.carriers += 1
            carriers.append((f"C-{self.carriers}", sku, units))
        request = receive(*carriers, lane_id=lane_id)
        await self.call("ReceiveCarriers", self.api.storage.ReceiveCarriers(request))

    async def cycle(self) -> None:
        """Run a cycle; a step that breaks is a fault."""
        async with self.cycling:
            await self.fulfillment.run()

    async def claim(self, most: int) -> None:
        """Claim moves."""
        request = storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=most, claimed_by="crane")
        await self.call("ClaimMoves", self.api.storage.ClaimMoves(request))

    async def a_move(self, number: int) -> str:
        """Pick a move, mostly a claimed one."""
        query = """SELECT move_id FROM moves WHERE status = $1 OR $1 = ''
                    ORDER BY requested_at, carrier_id, kind"""
        found = await self.sql.fetch(query, "" if number % 10 == 9 else "claimed")
        return found[number // 10 % len(found)]["move_id"] if found else "none"

    async def complete_move(self, number: int) -> None:
        """Complete a move."""
        request = storage_pb2.CompleteMoveRequest(move_id=await self.a_move(number), claimed_by="crane")
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
            move_id=await self.a_move(number), claimed_by="crane", reason="jam"
        )
        await self.call("FailMove", self.api.storage.FailMove(request))

    async def wait(self) -> None:
        """Let a night pass: every deadline is over, every retry is due."""
        await self.sql.execute(
            """UPDATE orders SET last_failed_at = last_failed_at - interval '7 h',
                                 next_retry_at = next_retry_at - interval '7 h'
                WHERE status = 'pending_retry';
               UPDATE moves SET deadline_at = deadline_at - interval '7 h'
                WHERE status IN ('requested', 'claimed')"""
        )

    async def ship(self, number: int) -> None:
        """Ship what has been delivered for an order."""
        request = orders_pb2.ShipOrderRequest(
            order_id=await self.an_order(number, "packing", "shipped"),
            carrier_code="UPS",
            tracking_number="1Z",
        )
        await self.call("ShipOrder", self.api.orders.ShipOrder(request))

    async def complete(self, number: int) -> None:
        """Confirm a delivery."""
        request = orders_pb2.CompleteOrderRequest(order_id=await self.an_order(number, "shipped"))
        await self.call("CompleteOrder", self.api.orders.CompleteOrder(request))

    async def cancel(self, number: int) -> None:
        """Cancel an order."""
        order_id = await self.an_order(number, *WORKED_ON, "dead_letter")
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
            order_id=await self.an_order(number, "received", "validated", "assigned_to_wave"), order=changed
        )
        request.update_mask.paths.extend(["items", "priority"] if lines else ["priority"])
        await self.call("UpdateOrder", self.api.orders.UpdateOrder(request))

    async def plan(self, number: int, destination_id: str) -> None:
        """Validate an order and put it into a wave by hand."""
        order_id = await self.an_order(number, "received", "validated")
        await self.call(
            "ValidateOrder",
            self.api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id)),
        )
        request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=destination_id)
        await self.call("AssignOrdersToWave", self.api.orders.AssignOrdersToWave(request))

    async def increment(self, number: int) -> None:
        """Count a failure that an orchestrator saw."""
        request = reprocessing_pb2.IncrementRetryCountRequest(
            order_id=await self.an_order(number, *WORKED_ON),
            failure_reason="printer on fire",
            failed_at=_now(),
        )
        await self.call("IncrementRetryCount", self.api.reprocessing.IncrementRetryCount(request))

    async def reset(self, number: int) -> None:
        """Put an order back before its retry is due."""
        request = reprocessing_pb2.ResetOrderRequest(order_id=await self.an_order(number, "pending_retry"))
        await self.call("ResetOrder", self.api.reprocessing.ResetOrder(request))

    async def dead_letter(self, number: int) -> None:
        """Give an order to a person."""
        request = reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=await self.an_order(number, *WORKED_ON), failure_reason="looks odd"
        )
        await self.call("MoveToDeadLetterQueue", self.api.reprocessing.MoveToDeadLetterQueue(request))

    async def resolve(self, number: int, resolution: int) -> None:
        """Decide about a dead letter."""
        request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=await self.an_order(number, "dead_letter"),
            resolution=resolution,  # type: ignore[arg-type]
            resolved_by="supervisor",
        )
        await self.call("ResolveDeadLetterEntry", self.api.dead_letters.ResolveDeadLetterEntry(request))

    async def short_pick(self, number: int, units: int) -> None:
        """Report units of a line that a picker did not find."""
        order_id = await self.an_order(number, "packing", "picking")
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
        """Give a backorder up."""
        rows = await self.sql.fetch(
            """SELECT backorder_id FROM backorders WHERE $1 OR status IN ('open', 'in_progress')
                ORDER BY created_at, order_id, line_number""",
            number % 10 == 9,
        )
        name = rows[number // 10 % len(rows)]["backorder_id"] if rows else "none"
        request = storage_pb2.CancelBackorderRequest(backorder_id=name, reason="discontinued")
        await self.call("CancelBackorder", self.api.storage.CancelBackorder(request))

    async def hold_carrier(self, number: int) -> None:
        """Hold a carrier, wherever it is."""
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
        """Inspect all carriers and set them free."""
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
        """Pause a destination, or let it go on."""
        zones, capacity = DESTINATIONS[destination_id]
        request = put_destination(destination_id, zones=zones, queue_capacity=capacity, paused=paused)
        await self.call("PutDestination", self.api.storage.PutDestination(request))

    async def ask(self) -> None:
        """Run a cycle, and claim some of what it asks for."""
        await self.cycle()
        await self.claim(3)

    async def work(self) -> None:
        """Let the warehouse go on: a cycle, and what it asks for is done."""
        await self.cycle()
        await self.claim(10)
        await self.complete_moves()


def _now() -> Timestamp:
    now = Timestamp()
    now.FromDatetime(datetime.now(UTC))
    return now


def wanted(chance: random.Random, least: int = 1, most: int = 5, longest: int = 3) -> Lines:
    """Draw units of SKUs, some SKUs twice."""
    return [(chance.choice(SKUS), chance.randint(least, most)) for _ in range(chance.randint(1, longest))]


def number(chance: random.Random) -> tuple[int]:
    """Draw the number that picks what a call is about."""
    return (chance.randrange(100),)


def nothing(chance: random.Random) -> tuple[()]:
    """Draw nothing."""
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

#: How often each step comes beside the others, and what it is given.
STEPS: dict[str, tuple[int, Callable[[random.Random], tuple[Any, ...]]]] = {
    "create": (7, lambda chance: (wanted(chance), chance.choice(PRIORITIES), chance.random() < 0.8)),
    "receive": (4, lambda chance: (chance.choice(sorted(LANES)), wanted(chance, 2, 9, 2))),
    "cycle": (3, nothing),
    "ask": (5, nothing),
    "work": (9, nothing),
    "wait": (2, nothing),
    "complete_move": (4, number),
    "fail_move": (2, number),
    "ship": (4, number),
    "complete": (2, number),
    "cancel": (1, number),
    "increment": (1, number),
    "dead_letter": (1, number),
    "reset": (1, number),
    "resolve": (2, lambda chance: (*number(chance), chance.choice(DECISIONS))),
    "update": (1, lambda chance: (*number(chance), wanted(chance) if chance.random() < 0.7 else [])),
    "plan": (1, lambda chance: (*number(chance), chance.choice(sorted(DESTINATIONS)))),
    "short_pick": (3, lambda chance: (*number(chance), chance.randint(1, 3))),
    "cancel_backorder": (1, number),
    "hold_carrier": (1, number),
    "free_carriers": (3, nothing),
    "set_lane_status": (2, lambda chance: (chance.choice(sorted(LANES)), chance.random() < 0.7)),
    "put_destination": (2, lambda chance: (chance.choice(sorted(DESTINATIONS)), chance.random() < 0.3)),
}


def a_step(chance: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Draw what comes next."""
    (name,) = chance.choices(list(STEPS), [weight for weight, _ in STEPS.values()])
    return name, STEPS[name][1](chance)


class WarehouseMachine(RuleBasedStateMachine):
    """The site under random steps; after each of them the books are read.

    There is one rule, because Hypothesis leaves some rules out of each history, and a warehouse without
    orders or without work has nothing to tell.
    """

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], site: Site) -> None:
        """Use a site on the loop that `run` runs."""
        super().__init__()
        self._run = run
        self.site = site

    @initialize()
    def opens(self) -> None:
        """Begin with an empty database."""
        self._run(self.site.open())

    @rule(chance=st.randoms(use_true_random=True))
    def comes(self, chance: random.Random) -> None:
        """Take one step."""
        name, facts = a_step(chance)
        note(f"{name}{facts}")
        self._run(getattr(self.site, name)(*facts))

    @invariant()
    def the_books_are_right(self) -> None:
        """Read them."""
        assert not (found := self._run(books.contradictions(self.site.sql))), "\n".join(found)


@asynccontextmanager
async def open_site(url: str) -> AsyncIterator[Site]:
    """Give a site on a database."""
    async with (
        open_database(url, PoolOptions(max_size=10)) as database,
        open_api(url) as api,
        open_fulfillment(database) as fulfillment,
        asyncpg.create_pool(url, min_size=1, max_size=5) as sql,
    ):
        yield Site(api, fulfillment, sql)


@pytest.mark.one_postgres
@pytest.mark.timeout(3600 if LONG else 120)
def test_whatever_is_called_in_whatever_order_the_books_are_right(database_url: str) -> None:
    """Units, promises, positions, statuses and events add up after every step of every history."""
    with asyncio.Runner() as runner:
        opened = open_site(database_url)
        site = runner.run(opened.__aenter__())
        try:
            run_state_machine_as_test(
                partial(WarehouseMachine, runner.run, site),  # type: ignore[arg-type] # any factory will do
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
            runner.run(opened.__aexit__(None, None, None))


class Crowd(Site):
    """The site with several callers at a time, who may be told that somebody else was faster."""

    async def cycle(self) -> None:
        """Run a cycle, unless one is running; the fence is not what is tried here."""
        if self.cycling.locked():
            return
        with contextlib.suppress(Aborted):
            await super().cycle()


@pytest.mark.one_postgres
@pytest.mark.parametrize("seed", range(LONG or 2))
async def test_the_books_are_right_when_everybody_calls_at_once(seed: int, database_url: str) -> None:
    """Cycles and calls at the same time, about the same orders and carriers, lose and invent nothing."""
    chance = random.Random(seed)
    async with open_site(database_url) as alone:
        site = Crowd(alone.api, alone.fulfillment, alone.sql, refusals=REFUSALS | {grpc.StatusCode.ABORTED})
        await site.open()
        for _ in range(100):
            steps = [a_step(chance) for _ in range(chance.randint(1, 6))]
            await asyncio.gather(*(getattr(site, name)(*facts) for name, facts in steps))
            assert not (found := await books.contradictions(site.sql)), f"after {steps}: {found}"


async def test_a_carrier_that_nobody_waits_for_and_whose_move_fails_is_free_for_all(
    database_url: str,
) -> None:
    """It was on its way when its order was cancelled; back in its lane it serves any destination."""
    async with open_site(database_url) as site:
        await site.open()
        await site.create([("SKU-2", 8)], PRIORITIES[0], True)
        await site.ask()
        await site.cancel(0)
        await site.fail_move(0)
        assert await books.contradictions(site.sql) == []
        row = await site.sql.fetchrow(
            "SELECT status, location, destination_id FROM carriers WHERE carrier_id = 'C-3'"
        )
        assert row is not None
        assert tuple(row) == ("inspection_required", "in_lane", None)


#: What breaks each check, behind the application's back; foreign keys are off while it is done.
BREAKAGES: list[tuple[books.Check, str]] = [
    (books.UNITS, "UPDATE carriers SET quantity = quantity + 1 WHERE carrier_id = 'C-6'"),
    (books.UNITS, "INSERT INTO write_offs (warehouse_id, sku, quantity, reason, actor, at)"
                  " VALUES ('WH-01', 'SKU-1', 1, 'damaged', 'nobody', now())"),
    (books.UNITS, "DELETE FROM carriers WHERE carrier_id = 'C-6'"),
    (books.PICKED, "UPDATE allocations SET quantity = quantity + 1 WHERE status = 'picked'"),
    (books.NOT_NEGATIVE, "UPDATE carriers SET allocated = -1 WHERE carrier_id = 'C-6'"),
    (books.CARRIERS, "UPDATE carriers SET allocated = allocated - 1 WHERE allocated > 0"),
    (books.LINES, "UPDATE order_items SET allocated = allocated - 1 WHERE allocated > delivered"),
    (books.OWED, "UPDATE order_items SET backordered = backordered - 1 WHERE backordered > 0"),
    (books.BACKORDERS, "UPDATE backorders SET status = 'open'"),
    (books.ONE_TARGET, "UPDATE carriers SET destination_id = 'PACK-2' WHERE destination_id = 'PACK-1';"
                       " UPDATE carriers SET destination_id = 'PACK-1' WHERE allocated = 0"
                       " AND destination_id = 'PACK-2'"),
    (books.ONE_TARGET, "UPDATE orders SET destination_id = 'PACK-2' WHERE order_id = 'O-1'"),
    (books.NO_OLD_TARGET, "UPDATE carriers SET destination_id = 'PACK-1' WHERE carrier_id = 'C-6'"),
    (books.LANES, "UPDATE lanes SET occupied = occupied + 1 WHERE lane_id = 'B-1'"),
    (books.HEADS, "UPDATE carriers SET lane_position = 1000000 WHERE location = 'moving'"),
    (books.MOVES, "UPDATE moves SET status = 'requested' WHERE status = 'claimed'"),
    (books.SEQUENCES, "UPDATE orders SET sequence = sequence + 1"),
    (books.SEQUENCES, "UPDATE order_events SET sequence = 9 WHERE order_id = 'O-2' AND sequence = 2"),
    (books.SEQUENCES, "DELETE FROM order_events WHERE order_id = 'O-2' AND sequence = 1"),
    (books.EVENTS, "UPDATE order_events SET event_id = (SELECT min(event_id::text) FROM order_events)::uuid"),
    (books.EVENTS, "UPDATE order_events SET order_id = 'O-9' WHERE order_id = 'O-2'"),
    (books.HISTORIES, "UPDATE order_events SET to_status = 'packing' WHERE to_status = 'picking'"),
    (books.HISTORIES, "DELETE FROM order_events WHERE to_status = 'validated'"),
    (books.HISTORIES, "UPDATE orders SET status = 'validated' WHERE order_id = 'O-2'"),
    (books.DEAD_LETTERS, "UPDATE dead_letter_entries SET resolution = 'cancelled', resolved_at = now()"),
    (books.DEAD_LETTERS, "DELETE FROM dead_letter_entries"),
    (books.RETRIES, "UPDATE orders SET next_retry_at = next_retry_at + interval '1 s'"),
    (books.FAILURES, "DELETE FROM order_failures"),
    (books.LET_GO, "UPDATE order_items SET allocated = 1 WHERE order_id = 'O-3'"),
    (books.LET_GO, "UPDATE allocations SET order_id = 'O-3' WHERE status = 'live'"),
    (books.LET_GO, "UPDATE backorders SET order_id = 'O-3'"),
    (books.ADVANCED, "UPDATE allocations SET backorder_id = NULL WHERE status = 'live'"),
    (books.SHIPMENTS, "UPDATE order_items SET shipped = shipped - 1 WHERE shipped > 0"),
    (books.SHIPMENTS, "UPDATE shipments SET shipment_number = 2"),
    (books.PROMISED, "UPDATE orders SET status = 'assigned_to_wave', holds_stock = false"
                     " WHERE order_id IN (SELECT order_id FROM allocations WHERE status = 'live')"),
    (books.REASONS, "UPDATE orders SET status = 'lost' WHERE order_id = 'O-2'"),
]  # fmt: skip


async def test_every_check_of_the_books_can_fail(database_url: str) -> None:
    """Books that were falsified contradict the check that is there for it; a blind check proves nothing."""
    assert {check.name for check, _ in BREAKAGES} == {check.name for check in books.CHECKS}
    async with open_site(database_url) as site:
        await _busy(site)
        assert await books.contradictions(site.sql) == []
        async with site.sql.acquire() as connection:
            outer = connection.transaction()
            await outer.start()
            await connection.execute(_UNPROTECTED)
            blind = [
                f"{check.name}: {statement}"
                for check, statement in BREAKAGES
                if not await _found(connection, check, statement)
            ]
            await outer.rollback()
        assert blind == []


_UNPROTECTED = """
    SET LOCAL session_replication_role = replica;
    DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conislocal LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname);
        END LOOP;
    END $$"""


async def _busy(site: Site) -> None:
    """Have an order shipped in part whose rest is on its way, one that waits and a dead letter."""
    await site.open()
    await site.create([("SKU-2", 10)], PRIORITIES[0], True)
    for _ in range(3):
        await site.work()
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
    await site.work()
    await site.ask()
    await eventually(lambda: site.sql.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))


async def _found(
    connection: "PoolConnectionProxy[asyncpg.Record]", check: books.Check, statement: str
) -> bool:
    """Say whether the check sees what the statement falsifies; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
        return bool(await connection.fetch(check.sql))
    finally:
        await transaction.rollback()

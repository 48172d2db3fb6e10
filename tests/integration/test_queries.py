"""The queries: each named, used and explained, each valid SQL, and the hot reads served by their indexes."""

import ast
import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.event_log import connected
from tests.support.invariants import Sql
from tests.support.plans import faults, pages_touched, plans
from tests.support.postgres import TEMPLATE, database_named
from wms_core.application.ports import (
    BackorderFilter,
    DeadLetterFilter,
    EventFilter,
    OrderFilter,
    Page,
    RunFilter,
)
from wms_core.domain.backorders import BackorderStatus
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Priority
from wms_core.postgres import backorder_store, dead_letter_store, event_log_store, fulfillment_store
from wms_core.postgres.order_pages import order_page, orders_within
from wms_core.postgres.queries import queries, query

CORE = Path(__file__).parents[2] / "core" / "wms_core"
FILES = sorted(path.stem for path in (CORE / "postgres" / "sql").glob("*.sql"))
NAMES = [f"{file}.{name}" for file in FILES for name in queries(file)]

#: The crowd is made within the time of the first test that asks for it.
pytestmark = [pytest.mark.every_postgres, pytest.mark.timeout(300)]

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CROWD = Path(__file__).parents[1] / "support" / "crowd.sql"
DEEP = (NOW - timedelta(minutes=15_000), "ORD-015000")


@cache
def used_names() -> frozenset[str]:
    """Give the names of queries that the code asks for: `query("file.name")`, `self._ids("name")`."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="query"), args=[ast.Constant(value=str(name)), *_]):
                    found.add(name)
                case ast.Call(func=ast.Attribute(attr="_ids"), args=[ast.Constant(value=str(name)), *_]):
                    found.add(f"cycle.{name}")
    return frozenset(found)


@pytest.mark.parametrize("name", NAMES)
def test_every_query_says_what_it_is_for_and_is_used(name: str) -> None:
    """A comment right under the name, and a line of the code that asks for it."""
    file, _, short = name.partition(".")
    assert re.match(r"-- [A-Z].*\w", queries(file)[short])
    assert name in used_names()


def test_every_query_that_the_code_asks_for_is_there() -> None:
    """A misspelt name is found here, not in production."""
    assert used_names() <= set(NAMES)
    assert len(used_names()) > 40


def test_an_unknown_query_is_an_error() -> None:
    """There is no silent default."""
    with pytest.raises(KeyError):
        query("orders.nonsense")


async def test_postgres_understands_every_query(sql: Sql) -> None:
    """Tables, columns and types are right in all of them, also in those that a test does not reach."""
    wrong = {}
    for name in NAMES:
        try:
            await sql.prepare(query(name))
        except asyncpg.PostgresError as error:
            wrong[name] = str(error)
    assert wrong == {}


@pytest.fixture(scope="module")
def crowded(postgres: str) -> Iterator[str]:
    """Give the URL of a database with 100,000 orders of all statuses, events, dead letters and moves."""
    name = "crowded"

    async def make() -> None:
        async with connected(postgres) as sql:
            await sql.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
        async with connected(database_named(postgres, name)) as sql:
            await sql.execute("SET statement_timeout = 0")
            await sql.execute(CROWD.read_text(encoding="utf-8"))
            await sql.execute("VACUUM ANALYZE")

    async def drop() -> None:
        async with connected(postgres) as sql:
            await sql.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    asyncio.run(make())
    yield database_named(postgres, name)
    asyncio.run(drop())


@dataclass(frozen=True)
class Read:
    """A hot read: its query or the name of it, sample values, its index, and whether it may have to sort."""

    query: str
    arguments: tuple[Any, ...]
    index: str
    may_sort: bool = False

    @property
    def text(self) -> str:
        """The SQL."""
        return self.query if " " in self.query else query(self.query)


def _named(name: str, *arguments: Any, index: str, may_sort: bool = False) -> Read:
    return Read(name, arguments, index, may_sort)


def _orders(index: str, page: Page | None = None, **wanted: Any) -> Read:
    text, arguments = order_page(OrderFilter(**wanted), page or Page(size=20))
    return Read(text, tuple(arguments), index, may_sort=True)


def _dead_letters(index: str, page: Page | None = None, **wanted: Any) -> Read:
    text, arguments = dead_letter_store._page(DeadLetterFilter(**wanted), page or Page(size=20))
    return Read(text, tuple(arguments), index, may_sort=True)


def _backorders(index: str, page: Page | None = None, *, may_sort: bool = False, **wanted: Any) -> Read:
    text, arguments = backorder_store._page(BackorderFilter(**wanted), page or Page(size=20))
    return Read(text, tuple(arguments), index, may_sort)


def _runs(index: str, page: Page | None = None, **wanted: Any) -> Read:
    text, arguments = fulfillment_store._page(RunFilter(**wanted), page or Page(size=20))
    return Read(text, tuple(arguments), index)


def _events(
    index: str,
    after: int,
    until: int | None = None,
    *,
    wanted: EventFilter | None = None,
    may_sort: bool = False,
) -> Read:
    text, arguments = event_log_store._page(after, 200, 256 * 1024, until, wanted or EventFilter())
    return Read(text, tuple(arguments), index, may_sort)


_S = OrderStatus
READS = {
    "GetOrder": _named("orders.get", ["ORD-000100"], index="orders_pkey"),
    "GetOrder, many": _named("orders.get", [f"ORD-{n:06}" for n in range(1, 101)], index="orders_pkey"),
    "locking orders": _named("orders.lock", ["ORD-000100", "ORD-000200"], index="orders_pkey", may_sort=True),
    "ListOrders": _orders("orders_newest"),
    "ListOrders, a deep page by token": _orders("orders_newest", Page(size=20, after=DEEP)),
    "ListOrders, a deep page by offset": _orders("orders_newest", Page(size=20, offset=5_000)),
    "ListOrders by customer": _orders("orders_by_customer", customer_id="CUST-007"),
    "ListOrders by customer, deep": _orders(
        "orders_by_customer", Page(size=20, after=DEEP), customer_id="CUST-007"
    ),
    "ListOrders by a rare status": _orders("orders_by_status", statuses=(_S.DEAD_LETTER,)),
    "ListOrders by the commonest status": _orders("orders_by_status", statuses=(_S.COMPLETED,)),
    "ListOrders by two statuses": _orders("orders_by_status", statuses=(_S.RECEIVED, _S.PACKING)),
    "ListOrders by status, deep": _orders(
        "orders_by_status", Page(size=20, after=DEEP), statuses=(_S.COMPLETED,)
    ),
    "ListOrders by wave": _orders("orders_by_wave", wave_id="WAVE-2024-00007"),
    "ListOrders by priority": _orders("orders_newest", priorities=(Priority.SAME_DAY,)),
    "ListOrders, overdue": _orders("orders_by_status", overdue_at=NOW),
    "ListOrders, overdue, deep": _orders("orders_by_status", Page(size=20, after=DEEP), overdue_at=NOW),
    "ListOrders by customer and status": _orders(
        "orders_by_customer", customer_id="CUST-007", statuses=(_S.COMPLETED,)
    ),
    "ListOrders by time": _orders(
        "orders_newest", created_after=NOW - timedelta(days=2), created_before=NOW - timedelta(days=1)
    ),
    "BatchGetOrders": Read(
        orders_within(), (["ORD-000100", "ORD-000200"], 3_500_000), "orders_pkey", may_sort=True
    ),
    "due retries": _named("cycle.due_retries", NOW, 100, index="orders_by_retry"),
    "ListEligibleOrders": _named(
        "orders.eligible", 5, [], 100, 3_500_000, index="orders_by_retry", may_sort=True
    ),
    "received": _named("cycle.received", 100, index="orders_by_status"),
    # What was read of each warehouse in the order of the index is put together.
    "validated": _named("cycle.validated", 100, index="orders_by_urgency", may_sort=True),
    "to allocate": _named("cycle.to_allocate", 100, index="orders_by_urgency", may_sort=True),
    "GetOrderHistory": _named(
        "orders.history", "ORD-000100", 0, 100, 3_500_000, index="order_events_p000000_order_id_sequence_idx",
        may_sort=True,
    ),
    "WatchOrders, what is new": _events("order_events_p000000_pkey", 19_000),
    "WatchOrders, a page of the past": _events(
        "order_events_p000000_pkey", 5_000, until=10_000,
        wanted=EventFilter(types=frozenset({"wms.order.shipped"}), customer_id="CUST-007"),
    ),
    "WatchOrders, all of two orders": _events(
        "order_events_p000000_order_id_sequence_idx", 5, until=40_000, may_sort=True,
        wanted=EventFilter(order_ids=frozenset({"ORD-000100", "ORD-000200"})),
    ),
    "WatchOrders, where the log ends": _named("events.bounds", index="order_events_p000000_pkey"),
    "attempts": _named("orders.attempts", "ORD-000100", 0, index="order_failures_pkey", may_sort=True),
    "GetDeadLetterEntry": _named(
        "dead_letters.newest", "ORD-000089", index="dead_letters_by_order", may_sort=True
    ),
    "ListDeadLetterEntries": _dead_letters("dead_letters_newest"),
    "ListDeadLetterEntries, deep": _dead_letters("dead_letters_newest", Page(size=20, after=DEEP)),
    "ListDeadLetterEntries, a deep page by offset": _dead_letters(
        "dead_letters_newest", Page(size=20, offset=5_000)
    ),
    "ListDeadLetterEntries by customer": _dead_letters("dead_letters_by_customer", customer_id="CUST-007"),
    "ListDeadLetterEntries, unresolved": _dead_letters("dead_letters_unresolved", resolved=False),
    "ListDeadLetterEntries, old": _dead_letters("dead_letters_newest", created_before=DEEP[0]),
    "out of reach": _named(
        "cycle.out_of_reach", [f"ORD-{n:06}" for n in range(100, 200)], index="carriers_by_sku", may_sort=True
    ),
    "free carriers": _named(
        "cycle.free_carriers", ["WH-01", "WH-01"], ["SKU-0001", "SKU-0002"], ["PACK-1", "PACK-2"], [1, 2],
        [2, 4], 5, 1, index="carriers_by_sku", may_sort=True,
    ),
    "ClaimMoves": _named(
        "storage.claim_moves", "WH-01", 10, "wcs", NOW, index="moves_to_claim", may_sort=True
    ),
    "WatchMoves, what is live": _named(
        "storage.live_moves", ["WH-01", "WH-02"], index="moves_live", may_sort=True
    ),
    "WatchMoves, what changed": _named(
        "storage.get_moves", [f"MOV-{n}" for n in range(1, 200)], index="moves_pkey", may_sort=True
    ),
    "overdue moves": _named("cycle.overdue_moves", NOW, 100, index="moves_live", may_sort=True),
    "old answers": _named("requests.forget", timedelta(days=2), 100, index="request_answers_by_age"),
    "open destinations": _named("cycle.open_destinations", index="orders_by_status", may_sort=True),
    "ListDestinations": _named(
        "storage.destinations", "WH-01", "", 50, "", index="orders_by_status", may_sort=True
    ),
    "moves to request": _named(
        "cycle.request_moves", NOW, NOW, 500, index="carriers_at_destination", may_sort=True
    ),
    "arrived": _named("cycle.arrived_for", 100, index="carriers_at_destination", may_sort=True),
    "to return": _named("cycle.to_return", 100, index="carriers_at_destination", may_sort=True),
    "failed moves": _named("cycle.waiting_for_failed_moves", 100, index="moves_failed", may_sort=True),
    "what an order lets go of": _named(
        "orders.lock_released_carriers", ["ORD-000100"], ["BO-100"], index="allocations_by_order",
        may_sort=True,
    ),
    "orders of a wave": _named("storage.count_wave", "WAVE-2024-00007", index="orders_by_wave"),
    "ListBackorders": _backorders("backorders_oldest"),
    "ListBackorders, deep": _backorders("backorders_oldest", Page(size=20, after=(DEEP[0], "BO-15000"))),
    "ListBackorders of an order": _backorders("backorders_by_order", may_sort=True, order_id="ORD-000100"),
    "ListBackorders, owed": _backorders(
        "backorders_owed", statuses=(BackorderStatus.OPEN, BackorderStatus.IN_PROGRESS), may_sort=True
    ),
    "what is owed to an order": _named(
        "backorders.live_of_order", "ORD-000100", index="backorders_by_order", may_sort=True
    ),
    "orders that are owed": _named("backorders.owed", 100, index="backorders_owed", may_sort=True),
    "what orders are owed": _named(
        "backorders.owed_to", ["ORD-000100", "ORD-000300"], index="backorders_by_order", may_sort=True
    ),
    "what a backorder holds": _named("backorders.held", "BO-100", index="allocations_by_backorder"),
    "ListFulfillmentRuns": _runs("fulfillment_runs_newest"),
    "ListFulfillmentRuns, deep": _runs("fulfillment_runs_newest", Page(size=20, after=(NOW, "RUN-015000"))),
    "requested runs": _named("fulfillment.run_is_requested", index="fulfillment_runs_live"),
    "old runs": _named(
        "fulfillment.forget_runs", timedelta(days=1), 100, index="fulfillment_runs_newest"
    ),
    "what the relay reads next": _named(
        "relay.after", 30_000, 4_000, 2_000_000, index="order_events_p000000_pkey"
    ),
    "what a parked event holds up": _named(
        "relay.of_order", "ORD-000100", 1, 60_000, 50, index="order_events_p000000_order_id_sequence_idx",
        may_sort=True,
    ),
    "released events": _named("relay.released", 100, index="parked_events_released"),
    "ListParkedEvents": _named("relay.parked", 0, "", 21, 1_500_000, index="parked_events_pkey"),
    "ListParkedEvents, deep": _named("relay.parked", 50_000, "", 21, 1_500_000, index="parked_events_pkey"),
    "why an order waits": _named("fulfillment.waiting_reason", "ORD-000100", index="orders_pkey"),
}  # fmt: skip
#: What may be read from end to end: it is short, always.
SHORT = {
    "outbox",
    "warehouses",
    "destinations",
    "lanes",
    "fulfillment_pauses",
    "order_events_p000001",
    "order_events_p000002",
}


@pytest.mark.parametrize("name", READS)
async def test_a_hot_read_uses_its_index(crowded: str, name: str) -> None:
    """The first time and the seventh, and without reading a table that grows from end to end."""
    read = READS[name]
    async with connected(crowded) as sql:
        for plan in await plans(sql, read.text, *read.arguments):
            assert read.index in plan.indexes, plan.text
            assert plan.scanned <= SHORT, plan.text
            assert read.may_sort or not plan.sorted, plan.text


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"customer_id": "CUST-007"},
        {"warehouse_id": "WH-01"},
        {"statuses": (_S.COMPLETED,)},
        {"statuses": (_S.RECEIVED, _S.PACKING)},
        {"priorities": (Priority.SAME_DAY,)},
        {"wave_id": "WAVE-2024-00007"},
        {"overdue_at": NOW},
        {"created_after": NOW - timedelta(minutes=99_000)},
        {"created_before": NOW - timedelta(minutes=10)},
        {"customer_id": "CUST-007", "statuses": (_S.COMPLETED,)},
    ],
    ids=lambda wanted: "+".join(wanted) or "all",
)
async def test_a_deep_page_costs_what_the_first_one_costs(crowded: str, wanted: dict[str, Any]) -> None:
    """Behind ninety thousand orders a page looks into no more of the database, whatever is filtered."""
    deep = (NOW - timedelta(minutes=90_000), "ORD-090000")
    async with connected(crowded) as sql:
        first, last = [
            await pages_touched(sql, text, *arguments)
            for text, arguments in (
                order_page(OrderFilter(**wanted), Page(size=20, after=after)) for after in (None, deep)
            )
        ]
    assert last <= 1.5 * first


@pytest.mark.parametrize("name", ["fulfillment.waiting_stats", "fulfillment.warehouse_stats"])
async def test_statistics_of_what_waits_read_no_finished_order(crowded: str, name: str) -> None:
    """Neither orders nor lines are read from end to end, and shipped ones are counted in an index."""
    arguments = ("",) if name.endswith("waiting_stats") else ("", NOW)
    async with connected(crowded) as sql:
        for plan in await plans(sql, query(name), *arguments):
            assert not plan.scanned & {"orders", "order_items", "shipments"}, plan.scanned
            assert name.endswith("warehouse_stats") or "orders_shipped" in plan.indexes, plan.indexes


#: Queries that do more than `faults` allows, each with its reason.
ALLOWED = {
    "cycle.waiting_for_failed_moves": "Moves that failed since the last cycle: few, which no estimate knows.",
    "fulfillment.waiting_stats": "Of shipped orders those with a backorder are looked at, so these are read.",
    "metrics.waiting": "It sums up all that waits, and nothing that is done.",
    "metrics.tally": "It groups a stretch of the log, of 5,000 events at most, which no estimate knows.",
    "metrics.queues": "It counts the parked events, of which there are few.",
    "relay.held": "The relay knows all orders that parked events hold up: one for each.",
}
#: What has no plan.
COMMANDS = {"events.close_outbox", "events.empty_outbox", "readiness.clear_space_probe"}


async def test_no_named_query_reads_or_sorts_more_than_it_has_to(crowded: str) -> None:
    """By the plan made without its values, among a hundred thousand orders; a new one is tried too."""
    async with connected(crowded) as sql:
        found = {name: await faults(sql, query(name)) for name in NAMES if name not in COMMANDS}
    assert {name: found[name] for name in found if found[name] and name not in ALLOWED} == {}
    assert {name for name in ALLOWED if found[name]} == set(ALLOWED)


@pytest.mark.parametrize(
    ("wasteful", "fault"),
    [
        ("SELECT * FROM orders WHERE cancel_reason = $1", "reads the whole of orders"),
        ("SELECT * FROM orders ORDER BY updated_at LIMIT 20", "sorts "),
        (
            "SELECT * FROM orders WHERE next_retry_at < $1",
            "reads the whole of orders",
        ),
        ("SELECT DISTINCT customer_id FROM orders", "reads the whole of orders_by_customer"),
        ("SELECT * FROM order_items i JOIN shipments s USING (order_id)", "reads the whole of"),
    ],
)
async def test_the_check_of_named_queries_sees_waste(crowded: str, wasteful: str, fault: str) -> None:
    """No index, an order that none has, a partial index that is hidden, a join of all with all."""
    async with connected(crowded) as sql:
        assert any(fault in one for one in await faults(sql, wasteful))


async def test_the_check_of_plans_catches_a_missing_index(crowded: str) -> None:
    """Without its index the newest page is read from another one, or the table, and sorted."""
    read = READS["ListOrders"]
    async with connected(crowded) as sql:
        attempt = sql.transaction()
        await attempt.start()
        await sql.execute("DROP INDEX orders_newest")
        found = await plans(sql, read.text, *read.arguments)
        await attempt.rollback()
    assert all(plan.sorted and read.index not in plan.indexes for plan in found)

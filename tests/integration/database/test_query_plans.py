"""SQL queries: each is named, used, documented and valid, and frequent reads use their indexes."""

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

from tests.support.external.postgres import TEMPLATE, database_named
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import open_connection
from tests.support.specs.query_plans import explain_repeatedly, find_plan_problems, pages_touched
from wms_core.application.database import (
    BackorderFilter,
    DeadLetterFilter,
    EventFilter,
    OrderFilter,
    Page,
    RunFilter,
)
from wms_core.domain.orders.backorders import BackorderStatus
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.named_queries import query, read_queries
from wms_core.postgres.repositories import backorders, dead_letters, event_log, fulfillment
from wms_core.postgres.repositories.order_listing import build_order_page_query, orders_within

CORE = Path(__file__).parents[3] / "core" / "wms_core"
FILES = sorted(path.stem for path in (CORE / "postgres" / "sql").glob("*.sql"))
NAMES = [f"{file}.{name}" for file in FILES for name in read_queries(file)]

#: The first test that uses the large database also creates it within its timeout.
pytestmark = [pytest.mark.every_postgres, pytest.mark.timeout(300)]

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LARGE_DATABASE_SQL = Path(__file__).parents[2] / "support" / "data" / "crowd.sql"
DEEP = (NOW - timedelta(minutes=15_000), "ORD-015000")


@cache
def list_used_names() -> frozenset[str]:
    """Return the names of queries in the code: `query("file.name")`, `self._fetch_order_ids("name")`."""
    names = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="query"), args=[ast.Constant(value=str(name)), *_]):
                    names.add(name)
                case ast.Call(
                    func=ast.Attribute(attr="_fetch_order_ids"), args=[ast.Constant(value=str(name)), *_]
                ):
                    names.add(f"cycle.{name}")
    return frozenset(names)


@pytest.mark.parametrize("name", NAMES)
def test_every_query_is_documented_and_used(name: str) -> None:
    """It has a comment right under its name and a use in the code."""
    file, _, query_name = name.partition(".")
    assert re.match(r"-- [A-Z].*\w", read_queries(file)[query_name])
    assert name in list_used_names()


def test_every_used_query_exists() -> None:
    """This detects a misspelt name before production."""
    assert list_used_names() <= set(NAMES)
    assert len(list_used_names()) > 40


def test_unknown_query_is_an_error() -> None:
    """No default hides it."""
    with pytest.raises(KeyError):
        query("orders.nonsense")


async def test_every_query_is_valid(sql: SqlConnection) -> None:
    """Tables, columns and types are correct, also in queries without other tests."""
    errors_by_name = {}
    for name in NAMES:
        try:
            await sql.prepare(query(name))
        except asyncpg.PostgresError as error:
            errors_by_name[name] = str(error)
    assert errors_by_name == {}


@pytest.fixture(scope="module")
def large_database_url(postgres: str) -> Iterator[str]:
    """Yield the URL of a database with 100,000 orders of all statuses, events, dead letters and moves."""
    database_name = "crowded"

    async def create_database() -> None:
        async with open_connection(postgres) as sql:
            await sql.execute(f'CREATE DATABASE "{database_name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
        async with open_connection(database_named(postgres, database_name)) as sql:
            await sql.execute("SET statement_timeout = 0")
            await sql.execute(LARGE_DATABASE_SQL.read_text(encoding="utf-8"))
            await sql.execute("VACUUM ANALYZE")

    async def drop_database() -> None:
        async with open_connection(postgres) as sql:
            await sql.execute(f'DROP DATABASE "{database_name}" WITH (FORCE)')

    asyncio.run(create_database())
    yield database_named(postgres, database_name)
    asyncio.run(drop_database())


@dataclass(frozen=True)
class FrequentRead:
    """A frequent read: its SQL or query name, sample values, its index, and whether a sort is allowed."""

    query: str
    arguments: tuple[Any, ...]
    index: str
    may_sort: bool = False

    @property
    def text(self) -> str:
        """Return the SQL."""
        return self.query if " " in self.query else query(self.query)


def _named(name: str, *arguments: Any, index: str, may_sort: bool = False) -> FrequentRead:
    return FrequentRead(name, arguments, index, may_sort)


def _orders(index: str, page: Page | None = None, **filters: Any) -> FrequentRead:
    text, arguments = build_order_page_query(OrderFilter(**filters), page or Page(size=20))
    return FrequentRead(text, tuple(arguments), index, may_sort=True)


def _dead_letters(index: str, page: Page | None = None, **filters: Any) -> FrequentRead:
    text, arguments = dead_letters._build_page_query(DeadLetterFilter(**filters), page or Page(size=20))
    return FrequentRead(text, tuple(arguments), index, may_sort=True)


def _backorders(
    index: str, page: Page | None = None, *, may_sort: bool = False, **filters: Any
) -> FrequentRead:
    text, arguments = backorders._build_page_query(BackorderFilter(**filters), page or Page(size=20))
    return FrequentRead(text, tuple(arguments), index, may_sort)


def _runs(index: str, page: Page | None = None, **filters: Any) -> FrequentRead:
    text, arguments = fulfillment._build_page_query(RunFilter(**filters), page or Page(size=20))
    return FrequentRead(text, tuple(arguments), index)


def _events(
    index: str,
    after: int,
    until: int | None = None,
    *,
    event_filter: EventFilter | None = None,
    may_sort: bool = False,
) -> FrequentRead:
    text, arguments = event_log._build_page_query(
        after, 200, 256 * 1024, until, event_filter or EventFilter()
    )
    return FrequentRead(text, tuple(arguments), index, may_sort)


_S = OrderStatus
READS = {
    "GetOrder": _named("orders.get_orders", ["ORD-000100"], index="orders_pkey"),
    "GetOrder, many": _named(
        "orders.get_orders", [f"ORD-{n:06}" for n in range(1, 101)], index="orders_pkey"
    ),
    "lock orders": _named(
        "orders.lock_orders", ["ORD-000100", "ORD-000200"], index="orders_pkey", may_sort=True
    ),
    "ListOrders": _orders("orders_by_creation"),
    "ListOrders, a deep page by token": _orders("orders_by_creation", Page(size=20, after_key=DEEP)),
    "ListOrders, a deep page by offset": _orders("orders_by_creation", Page(size=20, offset=5_000)),
    "ListOrders by customer": _orders("orders_by_customer", customer_id="CUST-007"),
    "ListOrders by customer, deep": _orders(
        "orders_by_customer", Page(size=20, after_key=DEEP), customer_id="CUST-007"
    ),
    "ListOrders by a rare status": _orders("orders_by_status", statuses=(_S.DEAD_LETTER,)),
    "ListOrders by the commonest status": _orders("orders_by_status", statuses=(_S.COMPLETED,)),
    "ListOrders by two statuses": _orders("orders_by_status", statuses=(_S.RECEIVED, _S.PACKING)),
    "ListOrders by status, deep": _orders(
        "orders_by_status", Page(size=20, after_key=DEEP), statuses=(_S.COMPLETED,)
    ),
    "ListOrders by wave": _orders("orders_by_wave", wave_id="WAVE-2024-00007"),
    "ListOrders by priority": _orders("orders_by_creation", priorities=(Priority.SAME_DAY,)),
    "ListOrders, overdue": _orders("orders_by_status", overdue_at=NOW),
    "ListOrders, overdue, deep": _orders("orders_by_status", Page(size=20, after_key=DEEP), overdue_at=NOW),
    "ListOrders by customer and status": _orders(
        "orders_by_customer", customer_id="CUST-007", statuses=(_S.COMPLETED,)
    ),
    "ListOrders by time": _orders(
        "orders_by_creation", created_after=NOW - timedelta(days=2), created_before=NOW - timedelta(days=1)
    ),
    "BatchGetOrders": FrequentRead(
        orders_within(), (["ORD-000100", "ORD-000200"], 3_500_000), "orders_pkey", may_sort=True
    ),
    "due retries": _named("cycle.list_due_retries", NOW, 100, index="orders_by_retry"),
    "ListEligibleOrders": _named(
        "orders.list_eligible", 5, [], 100, 3_500_000, index="orders_by_retry", may_sort=True
    ),
    "received": _named("cycle.list_received", 100, index="orders_by_status"),
    # The rows of each warehouse come in index order and are merged.
    "validated": _named("cycle.list_validated", 100, index="orders_by_urgency", may_sort=True),
    "to allocate": _named(
        "cycle.list_orders_to_allocate", 100, 0.5, 8, 5, index="orders_by_urgency", may_sort=True
    ),
    "GetOrderHistory": _named(
        "orders.list_events", "ORD-000100", 0, 100, 3_500_000,
        index="order_events_p000000_order_id_sequence_idx",
        may_sort=True,
    ),
    "WatchOrders, new events": _events("order_events_p000000_pkey", 19_000),
    "WatchOrders, a page of earlier events": _events(
        "order_events_p000000_pkey", 5_000, until=10_000,
        event_filter=EventFilter(types=frozenset({"wms.order.shipped"}), customer_id="CUST-007"),
    ),
    "WatchOrders, all of two orders": _events(
        "order_events_p000000_order_id_sequence_idx", 5, until=40_000, may_sort=True,
        event_filter=EventFilter(order_ids=frozenset({"ORD-000100", "ORD-000200"})),
    ),
    "WatchOrders, bounds of the log": _named("events.read_bounds", index="order_events_p000000_pkey"),
    "attempts": _named("orders.list_attempts", "ORD-000100", 0, index="order_failures_pkey", may_sort=True),
    "GetDeadLetterEntry": _named(
        "dead_letters.find_newest", "ORD-000089", index="dead_letters_by_order", may_sort=True
    ),
    "ListDeadLetterEntries": _dead_letters("dead_letters_by_creation"),
    "ListDeadLetterEntries, deep": _dead_letters("dead_letters_by_creation", Page(size=20, after_key=DEEP)),
    "ListDeadLetterEntries, a deep page by offset": _dead_letters(
        "dead_letters_by_creation", Page(size=20, offset=5_000)
    ),
    "ListDeadLetterEntries by customer": _dead_letters("dead_letters_by_customer", customer_id="CUST-007"),
    "ListDeadLetterEntries, unresolved": _dead_letters("dead_letters_unresolved", is_resolved=False),
    "ListDeadLetterEntries, old": _dead_letters("dead_letters_by_creation", created_before=DEEP[0]),
    "unreachable destinations": _named(
        "cycle.list_unreachable_destinations", [f"ORD-{n:06}" for n in range(100, 200)],
        index="carriers_by_sku", may_sort=True
    ),
    "free carriers": _named(
        "cycle.list_free_carriers", ["WH-01", "WH-01"], ["SKU-0001", "SKU-0002"], ["PACK-1", "PACK-2"],
        [1, 2],
        [2, 4], 5, 1, index="carriers_by_sku", may_sort=True,
    ),
    "ClaimMoves": _named(
        "storage.claim_moves", "WH-01", 10, "wcs", NOW, index="moves_requested_by_warehouse", may_sort=True
    ),
    "WatchMoves, live moves": _named(
        "storage.list_live_statuses", ["WH-01", "WH-02"], index="moves_one_live_per_carrier", may_sort=True
    ),
    "WatchMoves, changed moves": _named(
        "storage.get_moves", [f"MOV-{n}" for n in range(1, 200)], index="moves_pkey", may_sort=True
    ),
    "overdue moves": _named(
        "cycle.list_overdue_moves", NOW, 100, index="moves_one_live_per_carrier", may_sort=True
    ),
    "expired responses": _named(
        "requests.delete_expired", timedelta(days=2), 100, index="request_answers_by_creation"
    ),
    "open destinations": _named("cycle.list_open_destinations", index="orders_by_status", may_sort=True),
    "ListDestinations": _named(
        "storage.list_destinations", "WH-01", "", 50, "", index="orders_by_status", may_sort=True
    ),
    "moves to request": _named(
        "cycle.request_moves", NOW, NOW, 500, index="carriers_at_destination", may_sort=True
    ),
    "arrived carriers": _named("cycle.list_arrivals", 100, index="carriers_at_destination", may_sort=True),
    "returnable carriers": _named(
        "cycle.list_returnable_carriers", 100, index="carriers_at_destination", may_sort=True
    ),
    "failed moves": _named(
        "cycle.list_orders_of_failed_moves", 100, index="moves_failed_unprocessed", may_sort=True
    ),
    "released carriers of an order": _named(
        "orders.lock_released_carriers", ["ORD-000100"], ["BO-100"], index="allocations_by_order",
        may_sort=True,
    ),
    "orders of a wave": _named("storage.count_wave_orders", "WAVE-2024-00007", index="orders_by_wave"),
    "ListBackorders": _backorders("backorders_by_creation"),
    "ListBackorders, deep": _backorders(
        "backorders_by_creation", Page(size=20, after_key=(DEEP[0], "BO-15000"))
    ),
    "ListBackorders of an order": _backorders("backorders_by_order", may_sort=True, order_id="ORD-000100"),
    "ListBackorders, live": _backorders(
        "backorders_active_by_sku", statuses=(BackorderStatus.OPEN, BackorderStatus.IN_PROGRESS),
        may_sort=True
    ),
    "backorders of an order": _named(
        "backorders.list_live_ids", "ORD-000100", index="backorders_by_order", may_sort=True
    ),
    "orders with open backorders": _named(
        "backorders.list_orders_with_open_backorders", 100, index="backorders_active_by_sku", may_sort=True
    ),
    "backordered units of orders": _named(
        "backorders.list_backordered_units", ["ORD-000100", "ORD-000300"], index="backorders_by_order",
        may_sort=True
    ),
    "allocated units of a backorder": _named(
        "backorders.get_allocated_units", "BO-100", index="allocations_by_backorder"
    ),
    "ListFulfillmentRuns": _runs("fulfillment_runs_by_creation"),
    "ListFulfillmentRuns, deep": _runs(
        "fulfillment_runs_by_creation", Page(size=20, after_key=(NOW, "RUN-015000"))
    ),
    "requested runs": _named("fulfillment.is_run_requested", index="fulfillment_runs_unfinished"),
    "expired runs": _named(
        "fulfillment.delete_expired_runs", timedelta(days=1), 100, index="fulfillment_runs_by_creation"
    ),
    "next events of the relay": _named(
        "relay.list_after", 30_000, 4_000, 2_000_000, index="order_events_p000000_pkey"
    ),
    "events blocked by a parked event": _named(
        "relay.list_of_order", "ORD-000100", 1, 60_000, 50,
        index="order_events_p000000_order_id_sequence_idx",
        may_sort=True,
    ),
    "released events": _named("relay.list_released", 100, index="parked_events_released"),
    "ListParkedEvents": _named("relay.list_parked", 0, "", 21, 1_500_000, index="parked_events_pkey"),
    "ListParkedEvents, deep": _named(
        "relay.list_parked", 50_000, "", 21, 1_500_000, index="parked_events_pkey"
    ),
    "waiting reason of an order": _named(
        "fulfillment.read_waiting_reason", "ORD-000100", index="orders_pkey"
    ),
}  # fmt: skip
#: The tables that may be scanned, because they are always short.
SHORT_TABLES = {
    "outbox",
    "warehouses",
    "destinations",
    "lanes",
    "fulfillment_pauses",
    "order_events_p000001",
    "order_events_p000002",
}


@pytest.mark.parametrize("name", READS)
async def test_frequent_read_uses_its_index(large_database_url: str, name: str) -> None:
    """In its first and its seventh execution, and without a scan of a growing table."""
    read = READS[name]
    async with open_connection(large_database_url) as sql:
        for plan in await explain_repeatedly(sql, read.text, *read.arguments):
            assert read.index in plan.indexes, plan.text
            assert plan.scanned_tables <= SHORT_TABLES, plan.text
            assert read.may_sort or not plan.is_sorted, plan.text


@pytest.mark.parametrize(
    "filters",
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
    ids=lambda filters: "+".join(filters) or "all",
)
async def test_deep_page_costs_as_much_as_the_first_page(
    large_database_url: str, filters: dict[str, Any]
) -> None:
    """After ninety thousand orders a page reads no more blocks, for any filter."""
    deep_key = (NOW - timedelta(minutes=90_000), "ORD-090000")
    async with open_connection(large_database_url) as sql:
        first_page_blocks, deep_page_blocks = [
            await pages_touched(sql, text, *arguments)
            for text, arguments in (
                build_order_page_query(OrderFilter(**filters), Page(size=20, after_key=after))
                for after in (None, deep_key)
            )
        ]
    assert deep_page_blocks <= 1.5 * first_page_blocks


@pytest.mark.parametrize("name", ["fulfillment.read_waiting_stats", "fulfillment.read_warehouse_stats"])
async def test_statistics_of_waiting_orders_read_no_finished_order(
    large_database_url: str, name: str
) -> None:
    """Orders and lines are not scanned, and an index counts shipped orders."""
    arguments = ("",) if name.endswith("waiting_stats") else ("", NOW)
    async with open_connection(large_database_url) as sql:
        for plan in await explain_repeatedly(sql, query(name), *arguments):
            assert not plan.scanned_tables & {"orders", "order_items", "shipments"}, plan.scanned_tables
            assert name.endswith("warehouse_stats") or "orders_shipped_by_warehouse" in plan.indexes, (
                plan.indexes
            )


#: Queries for which `find_plan_problems` reports a problem, each with its reason.
ALLOWED = {
    "cycle.list_orders_of_failed_moves": "Failed moves are few, which the planner can not estimate.",
    "fulfillment.read_waiting_stats": "It reads shipped orders, to find those with a backorder.",
    "metrics.count_waiting_orders": "It counts all waiting orders and no finished ones.",
    "metrics.count_events": "It groups at most 5,000 events of the log, which the planner can not estimate.",
    "metrics.measure_queues": "It counts the parked events, which are few.",
    "relay.list_blocked_orders": "It reads one order for each parked event.",
}
#: Statements without a plan.
COMMANDS = {"events.lock_outbox", "events.truncate_outbox", "readiness.truncate_space_probe"}


async def test_no_query_scans_or_sorts_unnecessarily(large_database_url: str) -> None:
    """With the generic plan, in a database of a hundred thousand orders, for every named query."""
    async with open_connection(large_database_url) as sql:
        problems_by_name = {
            name: await find_plan_problems(sql, query(name)) for name in NAMES if name not in COMMANDS
        }
    assert {
        name: problems_by_name[name]
        for name in problems_by_name
        if problems_by_name[name] and name not in ALLOWED
    } == {}
    assert {name for name in ALLOWED if problems_by_name[name]} == set(ALLOWED)


@pytest.mark.parametrize(
    ("sql_text", "expected_problem"),
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
async def test_check_of_queries_detects_waste(
    large_database_url: str, sql_text: str, expected_problem: str
) -> None:
    """No index, an order without an index, an unusable partial index, a join of all rows."""
    async with open_connection(large_database_url) as sql:
        assert any(expected_problem in problem for problem in await find_plan_problems(sql, sql_text))


async def test_check_of_plans_detects_a_missing_index(large_database_url: str) -> None:
    """Without its index the first page needs another index or a scan, and a sort."""
    read = READS["ListOrders"]
    async with open_connection(large_database_url) as sql:
        transaction = sql.transaction()
        await transaction.start()
        await sql.execute("DROP INDEX orders_by_creation")
        plans = await explain_repeatedly(sql, read.text, *read.arguments)
        await transaction.rollback()
    assert all(plan.is_sorted and read.index not in plan.indexes for plan in plans)

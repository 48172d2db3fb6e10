"""Counts of the dead letter queue: correct in every snapshot, and updated without blocking other
transactions.
"""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.builders.orders import dead_letter_order, place_order
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.event_log import make_orders
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, orders_pb2
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.named_queries import query

pytestmark = pytest.mark.every_postgres

_INSERT = """
INSERT INTO dead_letter_entries (entry_id, order_id, customer_id, warehouse_id, final_failure_status,
                                 final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                                 created_at)
SELECT 'DLQ-' || order_id, order_id, 'C', 'WH-01', $2, 'jam', 1, '[]', '{}', now()
  FROM unnest($1::text[]) AS order_id
"""
_RESOLUTIONS = [
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED,
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
]


async def _read_and_count(sql: SqlConnection) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the statistics and the counts of all entries, from the same snapshot."""
    async with sql.transaction(isolation="repeatable_read", readonly=True):
        row = await sql.fetchrow(query("dead_letters.read_stats"))
        entries = await sql.fetch(
            "SELECT final_failure_status, resolution, created_at FROM dead_letter_entries"
        )
    assert row is not None
    waiting = [entry for entry in entries if entry["resolution"] is None]
    counted = {
        "total": len(entries),
        "unresolved": len(waiting),
        "resolved": len(entries) - len(waiting),
        "by_failure_status": Counter(entry["final_failure_status"] for entry in waiting),
        "by_resolution": Counter(entry["resolution"] for entry in entries if entry["resolution"]),
        "oldest_unresolved_at": min((entry["created_at"] for entry in waiting), default=None),
    }
    counts_by_name = {name: json.loads(row[name] or "{}") for name in ("by_failure_status", "by_resolution")}
    return {**row, **counts_by_name}, counted


async def _resolve_repeatedly(api: Api, order_id: str, rng: random.Random) -> None:
    """Dead-letter and resolve an order repeatedly, with random resolutions."""
    for _ in range(6):
        with suppress(grpc.aio.AioRpcError):
            await dead_letter_order(api, order_id)
        with suppress(grpc.aio.AioRpcError):
            if rng.random() < 0.1:
                await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
            else:
                await api.dead_letters.ResolveDeadLetterEntry(
                    dead_letters_pb2.ResolveDeadLetterEntryRequest(
                        order_id=order_id, resolution=rng.choice(_RESOLUTIONS), notes="x", resolved_by="S"
                    )
                )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_counts_are_correct_in_every_snapshot(
    api: Api, sql: SqlConnection, database: PostgresDatabase, seed: int
) -> None:
    """While two callers compete for each of twenty orders, and the counter rows are compacted."""
    dice = random.Random(seed)
    orders = [(await place_order(api)).order_id for _ in range(20)]
    lives = asyncio.gather(*(_resolve_repeatedly(api, order_id, dice) for order_id in orders * 2))
    snapshots = 0
    while not lives.done() or not snapshots:
        stats, counted = await _read_and_count(sql)
        assert stats == counted
        await database.run_in_transaction(
            lambda transaction: transaction.dead_letters.compact_counters(1_000)
        )
        snapshots += 1
    await lives
    stats, counted = await _read_and_count(sql)
    assert stats == counted
    assert counted["total"] > 20
    assert await find_violations(sql) == []


async def test_counting_transactions_do_not_block_each_other(sql: SqlConnection, database_url: str) -> None:
    """Two concurrent transactions dead-letter orders of the same status.

    Neither sees the other's entry before its commit.
    """
    await make_orders(sql, ["A", "B"])
    other = await asyncpg.connect(database_url)
    try:
        await other.execute("SET lock_timeout = '2s'")
        async with sql.transaction():
            await sql.execute(_INSERT, ["A"], "picking")
            await other.execute(_INSERT, ["B"], "picking")
            stats, counted = await _read_and_count(other)
            assert (stats, counted["total"]) == (counted, 1)
    finally:
        await other.close()
    stats, counted = await _read_and_count(sql)
    assert (stats, counted["total"]) == (counted, 2)


async def test_a_rolled_back_transaction_is_not_counted(sql: SqlConnection) -> None:
    """It leaves no row in the counters."""
    await make_orders(sql, ["A"])
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute(_INSERT, ["A"], "picking")
    await transaction.rollback()
    stats, counted = await _read_and_count(sql)
    assert (stats, counted["total"]) == (counted, 0)


async def test_many_counter_rows_are_compacted(sql: SqlConnection, database: PostgresDatabase) -> None:
    """The rows of an open transaction stay, the sums are unchanged, and a few rows are not compacted."""
    orders = [f"ORD-{number}" for number in range(150)]
    await make_orders(sql, orders)
    for order_id in orders:
        await sql.execute(_INSERT, [order_id], "picking")
    await sql.execute("UPDATE dead_letter_entries SET resolution = 'cancelled', resolved_at = now()")

    async def compact() -> int:
        return await database.run_in_transaction(
            lambda transaction: transaction.dead_letters.compact_counters(1_000)
        )

    assert await compact() == 152
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_counts") == 1
    assert await compact() == 0
    stats, counted = await _read_and_count(sql)
    assert (stats, counted["by_resolution"]) == (counted, {"cancelled": 150})

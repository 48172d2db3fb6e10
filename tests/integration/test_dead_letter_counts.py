"""The counts of the dead letter queue: right in every snapshot; nobody waits for anybody because of them."""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.api import Api
from tests.support.event_log import make_orders
from tests.support.invariants import Sql, breaches
from tests.support.orders import created, dead_letter
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, orders_pb2
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.queries import query

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


async def _told_and_there(sql: Sql) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what the statistics say and what there is, in one snapshot."""
    async with sql.transaction(isolation="repeatable_read", readonly=True):
        row = await sql.fetchrow(query("dead_letters.stats"))
        entries = await sql.fetch(
            "SELECT final_failure_status, resolution, created_at FROM dead_letter_entries"
        )
    assert row is not None
    waiting = [entry for entry in entries if entry["resolution"] is None]
    there = {
        "total": len(entries),
        "unresolved": len(waiting),
        "resolved": len(entries) - len(waiting),
        "by_failure_status": Counter(entry["final_failure_status"] for entry in waiting),
        "by_resolution": Counter(entry["resolution"] for entry in entries if entry["resolution"]),
        "oldest_unresolved_at": min((entry["created_at"] for entry in waiting), default=None),
    }
    words = {name: json.loads(row[name] or "{}") for name in ("by_failure_status", "by_resolution")}
    return {**row, **words}, there


async def _live(api: Api, order_id: str, dice: random.Random) -> None:
    """Dead-letter an order and decide about it again and again, as chance will have it."""
    for _ in range(6):
        with suppress(grpc.aio.AioRpcError):
            await dead_letter(api, order_id)
        with suppress(grpc.aio.AioRpcError):
            if dice.random() < 0.1:
                await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="x"))
            else:
                await api.dead_letters.ResolveDeadLetterEntry(
                    dead_letters_pb2.ResolveDeadLetterEntryRequest(
                        order_id=order_id, resolution=dice.choice(_RESOLUTIONS), notes="x", resolved_by="S"
                    )
                )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_counts_are_right_in_every_snapshot(
    api: Api, sql: Sql, database: PostgresDatabase, seed: int
) -> None:
    """While two callers fight over each of twenty orders, and the rows that count are folded."""
    dice = random.Random(seed)
    orders = [(await created(api)).order_id for _ in range(20)]
    lives = asyncio.gather(*(_live(api, order_id, dice) for order_id in orders * 2))
    seen = 0
    while not lives.done() or not seen:
        told, there = await _told_and_there(sql)
        assert told == there
        await database.transact(lambda transaction: transaction.dead_letters.fold_counts(1_000))
        seen += 1
    await lives
    told, there = await _told_and_there(sql)
    assert told == there
    assert there["total"] > 20
    assert await breaches(sql) == []


async def test_nobody_waits_for_another_who_counts(sql: Sql, database_url: str) -> None:
    """Two transactions dead-letter orders of one status at once; neither sees the other's before its end."""
    await make_orders(sql, ["A", "B"])
    other = await asyncpg.connect(database_url)
    try:
        await other.execute("SET lock_timeout = '2s'")
        async with sql.transaction():
            await sql.execute(_INSERT, ["A"], "picking")
            await other.execute(_INSERT, ["B"], "picking")
            told, there = await _told_and_there(other)
            assert (told, there["total"]) == (there, 1)
    finally:
        await other.close()
    told, there = await _told_and_there(sql)
    assert (told, there["total"]) == (there, 2)


async def test_what_is_taken_back_is_not_counted(sql: Sql) -> None:
    """A transaction that fails leaves no trace in the counts."""
    await make_orders(sql, ["A"])
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute(_INSERT, ["A"], "picking")
    await transaction.rollback()
    told, there = await _told_and_there(sql)
    assert (told, there["total"]) == (there, 0)


async def test_many_rows_that_count_become_few(sql: Sql, database: PostgresDatabase) -> None:
    """Those of a transaction under way stay; the sums are the same; a few rows are left as they are."""
    orders = [f"ORD-{number}" for number in range(150)]
    await make_orders(sql, orders)
    for order_id in orders:
        await sql.execute(_INSERT, [order_id], "picking")
    await sql.execute("UPDATE dead_letter_entries SET resolution = 'cancelled', resolved_at = now()")

    async def fold() -> int:
        return await database.transact(lambda transaction: transaction.dead_letters.fold_counts(1_000))

    assert await fold() == 152
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_counts") == 1
    assert await fold() == 0
    told, there = await _told_and_there(sql)
    assert (told, there["by_resolution"]) == (there, {"cancelled": 150})

"""Dead letters in Postgres."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from wms_core.application.identifiers import new_id
from wms_core.application.ports import MAX_RESPONSE_BYTES, DeadLetterFilter, Page, ResultPage
from wms_core.domain.change import Change
from wms_core.domain.dead_letters import DeadLetterEntry, DeadLetterStats, Decision
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import FailureAttempt, Order
from wms_core.postgres.conditions import Conditions
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import columns
from wms_core.postgres.queries import query
from wms_core.postgres.result_pages import result_page


@cache
def _json(kind: Any) -> TypeAdapter[Any]:
    """Give the reader and writer of a domain record's JSON."""
    return TypeAdapter(kind)


async def insert_dead_letters(connection: Connection, changes: Sequence[Change]) -> None:
    """Make the entries of orders that changes dead-letter; their failures have been written."""
    rows = [
        (
            new_id("DLQ-"),
            change.order.order_id,
            change.order.customer_id,
            change.order.warehouse_id,
            *change.dead_letter,
            change.order.retry_count,
            _json(Order).dump_json(change.before).decode(),
            change.order.updated_at,
            change.order.life,
        )
        for change in changes
        if change.before and change.dead_letter
    ]
    if rows:
        await connection.execute(query("dead_letters.insert"), *columns(rows, 10))


class PostgresDeadLetterStore:
    """See `application.ports.DeadLetterStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def newest(self, order_id: str) -> DeadLetterEntry | None:
        """Give the newest entry of an order."""
        row = await self._connection.fetchrow(query("dead_letters.newest"), order_id)
        return _entry(row) if row else None

    async def get(self, entry_id: str) -> DeadLetterEntry | None:
        """Give an entry."""
        row = await self._connection.fetchrow(query("dead_letters.get"), entry_id)
        return _entry(row) if row else None

    async def decide(self, entry: DeadLetterEntry, decision: Decision) -> None:
        """Add a decision to an entry whose order is locked."""
        await self._connection.execute(
            query("dead_letters.decide"),
            entry.entry_id,
            len(entry.decisions) + 1,
            decision.resolution,
            decision.notes,
            decision.resolved_by,
            decision.resolved_at,
        )

    async def page(self, wanted: DeadLetterFilter, page: Page) -> ResultPage[DeadLetterEntry]:
        """Return one page, newest first, which ends early when its entries are long."""
        sql, arguments = _page(wanted, page)
        return await result_page(await self._connection.fetch(sql, *arguments), _entry, page.size)

    async def stats(self) -> DeadLetterStats:
        """Give the counts by one statement."""
        row = await self._connection.fetchrow(query("dead_letters.stats"))
        if row is None:
            raise LookupError("an aggregate without a row")
        return DeadLetterStats(
            total_entries=row["total"],
            unresolved_count=row["unresolved"],
            resolved_count=row["resolved"],
            by_failure_status=json.loads(row["by_failure_status"] or "{}"),
            by_resolution=json.loads(row["by_resolution"] or "{}"),
            oldest_unresolved_at=row["oldest_unresolved_at"],
        )

    async def fold_counts(self, limit: int) -> int:
        """Make few of many rows that count entries; gives how many there were, up to a limit."""
        folded: int = await self._connection.fetchval(query("dead_letters.fold_counts"), limit)
        return folded


def _entry(row: asyncpg.Record) -> DeadLetterEntry:
    return DeadLetterEntry(
        entry_id=row["entry_id"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        final_failure_status=OrderStatus(row["final_failure_status"]),
        final_failure_reason=row["final_failure_reason"],
        total_retry_attempts=row["total_retry_attempts"],
        attempts=_json(tuple[FailureAttempt, ...]).validate_json(row["attempts"]),
        order_snapshot=_json(Order).validate_json(row["order_snapshot"]),
        created_at=row["created_at"],
        decisions=_json(tuple[Decision, ...]).validate_json(row["decisions"] or "[]"),
    )


def _page(wanted: DeadLetterFilter, page: Page) -> tuple[str, list[Any]]:
    conditions = Conditions()
    if page.after:
        conditions.add("(created_at, entry_id) < (?, ?)", *page.after)
    if wanted.resolved is not None:
        # The literal predicate is that of the partial index.
        conditions.add("resolution IS NOT NULL" if wanted.resolved else "resolution IS NULL")
    if wanted.failure_status:
        conditions.add("final_failure_status = ?", wanted.failure_status)
    for column in ("customer_id", "warehouse_id"):
        if value := getattr(wanted, column):
            conditions.add(f"{column} = ?", value)
    if wanted.created_before:
        conditions.add("created_at < ?", wanted.created_before)
    limit, offset = conditions.parameter(page.size + 1), conditions.parameter(page.offset)
    newest = "ORDER BY created_at DESC, entry_id DESC"
    # Of the entries that are passed over no decisions are read.
    keys = (
        f"SELECT entry_id FROM dead_letter_entries{conditions.where} "  # noqa: S608
        f"{newest} LIMIT {limit} OFFSET {offset}"
    )
    size = "octet_length(d.order_snapshot::text) + octet_length(d.attempts::text)"
    sql = (
        f"SELECT * FROM (SELECT d.*, count(*) OVER () AS found, sum({size}) OVER "  # noqa: S608
        f"({newest} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before "
        f"FROM ({keys}) AS page JOIN dead_letter_documents d USING (entry_id)) AS d "
        f"WHERE coalesce(bytes_before, 0) < {conditions.parameter(MAX_RESPONSE_BYTES)} {newest}"
    )
    return sql, conditions.values

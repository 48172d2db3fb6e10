"""The dead letter queue in Postgres."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from wms_core.application.database import MAX_RESPONSE_BYTES, DeadLetterFilter, Page, ResultPage
from wms_core.domain.failures.dead_letters import DeadLetterDecision, DeadLetterEntry, DeadLetterStats
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.orders import FailureAttempt, Order
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import transpose
from wms_core.postgres.repositories.result_pages import result_page
from wms_core.postgres.where_builder import WhereBuilder
from wms_core.runtime.ids import new_id


@cache
def _get_json_adapter(record_type: Any) -> TypeAdapter[Any]:
    """Return the JSON adapter of a type of domain record."""
    return TypeAdapter(record_type)


async def insert_dead_letters(connection: Connection, changes: Sequence[OrderChange]) -> None:
    """Insert the entries of dead-lettered orders, whose failures have been written before."""
    rows = [
        (
            new_id("DLQ-"),
            change.order.order_id,
            change.order.customer_id,
            change.order.warehouse_id,
            *change.dead_letter,
            change.order.retry_count,
            _get_json_adapter(Order).dump_json(change.order_before).decode(),
            change.order.updated_at,
            change.order.retry_generation,
        )
        for change in changes
        if change.order_before and change.dead_letter
    ]
    if rows:
        await connection.execute(query("dead_letters.insert_entries"), *transpose(rows, 10))


class PostgresDeadLetterRepository:
    """Implement `wms_core.application.database.DeadLetterRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_newest(self, order_id: str) -> DeadLetterEntry | None:
        """Return the newest entry of an order, or None."""
        row = await self._connection.fetchrow(query("dead_letters.find_newest"), order_id)
        return _to_entry(row) if row else None

    async def get(self, entry_id: str) -> DeadLetterEntry | None:
        """Return an entry, or None."""
        row = await self._connection.fetchrow(query("dead_letters.get_entry"), entry_id)
        return _to_entry(row) if row else None

    async def record_decision(self, entry: DeadLetterEntry, new_decision: DeadLetterDecision) -> None:
        """Add a decision to an entry whose order is locked."""
        await self._connection.execute(
            query("dead_letters.record_decision"),
            entry.entry_id,
            len(entry.decision_history) + 1,
            new_decision.resolution,
            new_decision.notes,
            new_decision.resolved_by,
            new_decision.resolved_at,
        )

    async def list_page(
        self, dead_letter_filter: DeadLetterFilter, page: Page
    ) -> ResultPage[DeadLetterEntry]:
        """Return one page, newest first, which ends early when its entries are long."""
        sql_text, query_arguments = _build_page_query(dead_letter_filter, page)
        return await result_page(
            await self._connection.fetch(sql_text, *query_arguments), _to_entry, page.size
        )

    async def read_stats(self) -> DeadLetterStats:
        """Return the counts, read in one statement."""
        row = await self._connection.fetchrow(query("dead_letters.read_stats"))
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

    async def compact_counters(self, limit: int) -> int:
        """Merge counter rows of the same kind; return the number of merged rows, up to `limit`."""
        compacted_count: int = await self._connection.fetchval(query("dead_letters.compact_counters"), limit)
        return compacted_count


def _to_entry(row: asyncpg.Record) -> DeadLetterEntry:
    return DeadLetterEntry(
        entry_id=row["entry_id"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        final_failure_status=OrderStatus(row["final_failure_status"]),
        final_failure_reason=row["final_failure_reason"],
        total_retry_attempts=row["total_retry_attempts"],
        attempts=_get_json_adapter(tuple[FailureAttempt, ...]).validate_json(row["attempts"]),
        order_snapshot=_get_json_adapter(Order).validate_json(row["order_snapshot"]),
        created_at=row["created_at"],
        decision_history=_get_json_adapter(tuple[DeadLetterDecision, ...]).validate_json(
            row["decisions"] or "[]"
        ),
    )


def _build_page_query(dead_letter_filter: DeadLetterFilter, page: Page) -> tuple[str, list[Any]]:
    where_builder = WhereBuilder()
    if page.after_key:
        where_builder.add_condition("(created_at, entry_id) < (?, ?)", *page.after_key)
    if dead_letter_filter.is_resolved is not None:
        # The partial index needs this literal predicate.
        where_builder.add_condition(
            "resolution IS NOT NULL" if dead_letter_filter.is_resolved else "resolution IS NULL"
        )
    if dead_letter_filter.failure_status:
        where_builder.add_condition("final_failure_status = ?", dead_letter_filter.failure_status)
    for column_name in ("customer_id", "warehouse_id"):
        if value := getattr(dead_letter_filter, column_name):
            where_builder.add_condition(f"{column_name} = ?", value)
    if dead_letter_filter.created_before:
        where_builder.add_condition("created_at < ?", dead_letter_filter.created_before)
    limit_parameter, offset_parameter = (
        where_builder.add_parameter(page.size + 1),
        where_builder.add_parameter(page.offset),
    )
    newest_first = "ORDER BY created_at DESC, entry_id DESC"
    # The subquery reads only keys, so that no decisions of skipped entries are read.
    keys_sql = (
        f"SELECT entry_id FROM dead_letter_entries{where_builder.where_clause} "  # noqa: S608
        f"{newest_first} LIMIT {limit_parameter} OFFSET {offset_parameter}"
    )
    size = "octet_length(d.order_snapshot::text) + octet_length(d.attempts::text)"
    sql_text = (
        f"SELECT * FROM (SELECT d.*, count(*) OVER () AS row_count, sum({size}) OVER "  # noqa: S608
        f"({newest_first} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before "
        f"FROM ({keys_sql}) AS page JOIN dead_letter_documents d USING (entry_id)) AS d "
        f"WHERE coalesce(bytes_before, 0) < {where_builder.add_parameter(MAX_RESPONSE_BYTES)} {newest_first}"
    )
    return sql_text, where_builder.values

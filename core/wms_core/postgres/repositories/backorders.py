"""Backorders in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from wms_core.application.database import BackorderFilter, Page
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.orders.backorders import Backorder, BackorderStatus
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.stock.allocation import BackorderedUnits
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import transpose
from wms_core.postgres.where_builder import WhereBuilder


async def save_backorders(connection: Connection, changes: Sequence[OrderChange]) -> None:
    """Write the backorders that order changes open and close."""
    opened_backorders = [backorder for change in changes for backorder in change.opened_backorders]
    if opened_backorders:
        rows = [
            (
                backorder.backorder_id,
                backorder.order_id,
                backorder.line_number,
                backorder.customer_id,
                backorder.warehouse_id,
                backorder.sku,
                backorder.quantity,
                backorder.reason,
            )
            for backorder in opened_backorders
        ]
        await connection.execute(
            query("backorders.insert_backorders"), *transpose(rows, 8), opened_backorders[0].created_at
        )
    closed_pairs = [closed_pair for change in changes for closed_pair in change.closed_backorders]
    if closed_pairs:
        closed_at = changes[0].order.updated_at
        await connection.execute(
            query("backorders.cancel_backorders"), *transpose(closed_pairs, 2), closed_at
        )


class PostgresBackorderRepository:
    """Implement `wms_core.application.database.BackorderRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, backorder_id: str) -> Backorder | None:
        """Return a backorder, or None."""
        row = await self._connection.fetchrow(query("backorders.get_backorder"), backorder_id)
        return _to_backorder(row) if row else None

    async def list_page(self, backorder_filter: BackorderFilter, page: Page) -> list[Backorder]:
        """Return one page, oldest first, with one extra backorder if there are more."""
        sql_text, values = _build_page_query(backorder_filter, page)
        return [_to_backorder(row) for row in await self._connection.fetch(sql_text, *values)]

    async def list_live_ids(self, order_id: str) -> list[str]:
        """Return the ids of an order's backorders that are open or in progress."""
        rows = await self._connection.fetch(query("backorders.list_live_ids"), order_id)
        return [row["backorder_id"] for row in rows]

    async def get_allocated_units(self, backorder_id: str) -> int:
        """Return the units that are allocated to a backorder."""
        units: int = await self._connection.fetchval(query("backorders.get_allocated_units"), backorder_id)
        return units

    async def list_orders_with_open_backorders(self, limit: int) -> list[str]:
        """Return orders whose backorders have available stock, most urgent first."""
        rows = await self._connection.fetch(query("backorders.list_orders_with_open_backorders"), limit)
        return [row["order_id"] for row in rows]

    async def list_backordered_units(self, order_ids: Sequence[str]) -> list[BackorderedUnits]:
        """Return the unallocated backordered units of locked orders, most urgent first."""
        rows = await self._connection.fetch(query("backorders.list_backordered_units"), list(order_ids))
        return [BackorderedUnits(**row) for row in rows if row["quantity"] > 0]

    async def list_order_ids(self, backorder_ids: Sequence[str]) -> list[str]:
        """Return the ids of the orders of backorders."""
        rows = await self._connection.fetch(query("backorders.list_order_ids"), list(backorder_ids))
        return [row["order_id"] for row in rows]

    async def reopen_backorders(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Remove the allocated units of backorders from the lines, and reopen the backorders."""
        await self._connection.execute(query("backorders.reopen_backorders"), list(backorder_ids), now)

    async def mark_in_progress(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that stock is allocated to backorders."""
        await self._connection.execute(query("backorders.mark_in_progress"), list(backorder_ids), now)

    async def record_delivery(self, units_by_backorder: dict[str, int], now: datetime) -> list[Backorder]:
        """Record delivered units of backorders; return the backorders that are fulfilled now."""
        rows = await self._connection.fetch(
            query("backorders.record_delivery"),
            list(units_by_backorder),
            list(units_by_backorder.values()),
            now,
        )
        return [
            delivered_backorder
            for row in rows
            if (delivered_backorder := _to_backorder(row)).status is BackorderStatus.FULFILLED
        ]

    async def write_off(
        self,
        warehouse_id: str,
        order_id: str,
        sku: str,
        quantity: int,
        reason: str,
        actor_name: str,
        now: datetime,
    ) -> None:
        """Record a write-off of units that a picker did not find."""
        await self._connection.execute(
            query("backorders.insert_write_off"),
            warehouse_id,
            order_id,
            sku,
            quantity,
            reason,
            actor_name,
            now,
        )


def _to_backorder(row: asyncpg.Record) -> Backorder:
    return Backorder(
        backorder_id=row["backorder_id"],
        order_id=row["order_id"],
        line_number=row["line_number"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        sku=row["sku"],
        quantity=row["quantity"],
        reason=ShortageReason(row["reason"]),
        created_at=row["created_at"],
        quantity_fulfilled=row["quantity_fulfilled"],
        status=BackorderStatus(row["status"]),
        updated_at=row["updated_at"],
        closed_at=row["closed_at"],
        cancel_reason=row["cancel_reason"],
    )


def _build_page_query(backorder_filter: BackorderFilter, page: Page) -> tuple[str, list[Any]]:
    where_builder = WhereBuilder()
    if page.after_key:
        where_builder.add_condition("(created_at, backorder_id) > (?, ?)", *page.after_key)
    for column_name in ("order_id", "customer_id", "warehouse_id", "sku"):
        if value := getattr(backorder_filter, column_name):
            where_builder.add_condition(f"{column_name} = ?", value)
    if backorder_filter.statuses:
        where_builder.add_condition("status = ANY (?::text[])", list(backorder_filter.statuses))
    limit_parameter = where_builder.add_parameter(page.size + 1)
    sql_text = (
        f"SELECT * FROM backorders{where_builder.where_clause} "  # noqa: S608
        f"ORDER BY created_at, backorder_id LIMIT {limit_parameter}"
    )
    return sql_text, where_builder.values

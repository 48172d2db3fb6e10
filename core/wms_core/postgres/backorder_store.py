"""What is owed to orders, in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from wms_core.application.ports import BackorderFilter, Page
from wms_core.domain.allocation import OwedUnits
from wms_core.domain.backorders import Backorder, BackorderStatus
from wms_core.domain.change import Change
from wms_core.domain.payloads import ShortageReason
from wms_core.postgres.conditions import Conditions
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import columns
from wms_core.postgres.queries import query


async def save_backorders(connection: Connection, changes: Sequence[Change]) -> None:
    """Write the backorders that changes open and close."""
    opened = [backorder for change in changes for backorder in change.opened]
    if opened:
        rows = [
            (
                one.backorder_id,
                one.order_id,
                one.line_number,
                one.customer_id,
                one.warehouse_id,
                one.sku,
                one.quantity,
                one.reason,
            )
            for one in opened
        ]
        await connection.execute(query("backorders.insert"), *columns(rows, 8), opened[0].created_at)
    closed = [pair for change in changes for pair in change.closed]
    if closed:
        at = changes[0].order.updated_at
        await connection.execute(query("backorders.close"), *columns(closed, 2), at)


class PostgresBackorderStore:
    """See `application.ports.BackorderStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def get(self, backorder_id: str) -> Backorder | None:
        """Give a backorder."""
        row = await self._connection.fetchrow(query("backorders.get"), backorder_id)
        return _backorder(row) if row else None

    async def page(self, wanted: BackorderFilter, page: Page) -> list[Backorder]:
        """Give one page, oldest first, with one more than asked when there are more."""
        sql, values = _page(wanted, page)
        return [_backorder(row) for row in await self._connection.fetch(sql, *values)]

    async def live_of(self, order_id: str) -> list[str]:
        """Give the backorders of an order that are open or in progress."""
        rows = await self._connection.fetch(query("backorders.live_of_order"), order_id)
        return [row["backorder_id"] for row in rows]

    async def held(self, backorder_id: str) -> int:
        """Give the units that are allocated to a backorder."""
        units: int = await self._connection.fetchval(query("backorders.held"), backorder_id)
        return units

    async def orders_owed(self, limit: int) -> list[str]:
        """Give orders with backorders for which there is stock nobody holds, most urgent first."""
        rows = await self._connection.fetch(query("backorders.owed"), limit)
        return [row["order_id"] for row in rows]

    async def owed_to(self, order_ids: Sequence[str]) -> list[OwedUnits]:
        """Give what locked orders are owed and nothing is allocated for, most urgent first."""
        rows = await self._connection.fetch(query("backorders.owed_to"), list(order_ids))
        return [OwedUnits(**row) for row in rows if row["quantity"] > 0]

    async def orders_of(self, backorder_ids: Sequence[str]) -> list[str]:
        """Give the orders that backorders belong to."""
        rows = await self._connection.fetch(query("backorders.orders_of"), list(backorder_ids))
        return [row["order_id"] for row in rows]

    async def give_back(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Take what is held for backorders off the lines; they are open again."""
        await self._connection.execute(query("backorders.give_back"), list(backorder_ids), now)

    async def start(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that stock is on its way for backorders."""
        await self._connection.execute(query("backorders.in_progress"), list(backorder_ids), now)

    async def deliver(self, units: dict[str, int], now: datetime) -> list[Backorder]:
        """Record units delivered for backorders; gives those that have all of theirs now."""
        rows = await self._connection.fetch(
            query("backorders.deliver"), list(units), list(units.values()), now
        )
        return [found for row in rows if (found := _backorder(row)).status is BackorderStatus.FULFILLED]

    async def write_off(
        self,
        warehouse_id: str,
        order_id: str,
        sku: str,
        quantity: int,
        reason: str,
        actor: str,
        now: datetime,
    ) -> None:
        """Take units out of the books that a picker did not find."""
        await self._connection.execute(
            query("backorders.write_off"), warehouse_id, order_id, sku, quantity, reason, actor, now
        )


def _backorder(row: asyncpg.Record) -> Backorder:
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


def _page(wanted: BackorderFilter, page: Page) -> tuple[str, list[Any]]:
    conditions = Conditions()
    if page.after:
        conditions.add("(created_at, backorder_id) > (?, ?)", *page.after)
    for column in ("order_id", "customer_id", "warehouse_id", "sku"):
        if value := getattr(wanted, column):
            conditions.add(f"{column} = ?", value)
    if wanted.statuses:
        conditions.add("status = ANY (?::text[])", list(wanted.statuses))
    limit = conditions.parameter(page.size + 1)
    sql = f"SELECT * FROM backorders{conditions.where} ORDER BY created_at, backorder_id LIMIT {limit}"  # noqa: S608
    return sql, conditions.values

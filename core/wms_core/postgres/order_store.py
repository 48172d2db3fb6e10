"""Orders in Postgres."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from wms_core.application.identifiers import new_id
from wms_core.application.ports import MAX_RESPONSE_BYTES, OrderFilter, Page, ResultPage
from wms_core.cooperative import map_in_pieces
from wms_core.domain.change import Change
from wms_core.domain.errors import OrderAlreadyExists, WarehouseNotFound, WmsError
from wms_core.domain.events import EventRecord, size_fault
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import FailureAttempt, Order
from wms_core.domain.payloads import address_text
from wms_core.domain.receiving import Receipt
from wms_core.domain.retries import EligibleOrder
from wms_core.postgres.backorder_store import save_backorders
from wms_core.postgres.connection import Connection
from wms_core.postgres.dead_letter_store import insert_dead_letters
from wms_core.postgres.new_orders import arguments
from wms_core.postgres.order_pages import order_page, orders_within
from wms_core.postgres.order_rows import (
    attempt_from,
    columns,
    event_columns,
    event_from,
    item_columns,
    order_from,
)
from wms_core.postgres.queries import query
from wms_core.postgres.result_pages import result_page
from wms_core.postgres.times import aware


class PostgresOrderStore:
    """See `application.ports.OrderStore`."""

    def __init__(self, connection: Connection, event_max_bytes: int) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection
        self._event_max_bytes = event_max_bytes

    async def insert(self, receipts: Sequence[Receipt]) -> Mapping[str, WmsError]:
        """Insert new orders, their lines and events by one statement; it tells of those that it did not."""
        refused: dict[str, WmsError] = {
            one.new.order_id: fault
            for one in receipts
            if (fault := size_fault(one.new.order_id, one.payload, self._event_max_bytes))
        }
        if refused:
            receipts = [one for one in receipts if one.new.order_id not in refused]
        if not receipts:
            return refused
        # Within a transaction it might hold up all others until the next statement comes.
        alone = not self._connection.is_in_transaction()
        columns = arguments(receipts)
        # Hundreds of events, which would stay in memory while Postgres has them too.
        del receipts
        rows = await self._connection.fetch(query("orders.insert"), *columns, alone)
        for order_id, warehouse_id in rows:
            refused[order_id] = (
                OrderAlreadyExists(order_id=order_id)
                if warehouse_id is None
                else WarehouseNotFound(warehouse_id=warehouse_id)
            )
        return refused

    async def get(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Give the orders there are, by id."""
        rows = await self._connection.fetch(query("orders.get"), list(order_ids))
        return {row["order_id"]: order_from(row) for row in rows}

    async def lock(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Lock, then read, so that what is read is what the lock protects."""
        rows = await self._connection.fetch(query("orders.lock"), list(order_ids))
        return await self.get([row["order_id"] for row in rows]) if rows else {}

    async def get_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the orders there are, by id, until they have so many bytes."""
        rows = await self._connection.fetch(orders_within(), list(order_ids), max_bytes)
        return await result_page(rows, order_from, len(order_ids))

    async def lock_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the same, all of them locked until the end of the transaction."""
        rows = await self._connection.fetch(query("orders.lock"), list(order_ids))
        return await self.get_within([row["order_id"] for row in rows], max_bytes)

    async def lock_free(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """As `lock`, without those that another transaction is changing."""
        rows = await self._connection.fetch(query("orders.lock_free"), list(order_ids))
        return await self.get([row["order_id"] for row in rows]) if rows else {}

    async def save(self, changes: Sequence[Change]) -> None:
        """Write changes; those that change nothing are passed over."""
        changes = [change for change in changes if change.records]
        if not changes:
            return
        await self._release([change for change in changes if change.releases])
        if closed := [name for change in changes for name, _ in change.closed]:
            await self.let_go([], closed, changes[0].order.updated_at)
        await self._save_orders(changes)
        await self._save_lines(changes)
        await save_backorders(self._connection, changes)
        await self._insert_failures(changes)
        await self._insert_shipments(changes)
        await insert_dead_letters(self._connection, changes)

    async def _save_orders(self, changes: Sequence[Change]) -> None:
        rows = [
            (
                order.order_id,
                order.priority,
                order.status,
                order.promised_delivery_at,
                address_text(order.shipping_address),
                order.wave_id,
                order.destination_id,
                order.retry_count,
                order.life,
                order.failed_status,
                order.last_failure_reason,
                order.last_failed_at,
                order.next_retry_at,
                order.waiting_reason,
                order.cancel_reason,
                order.delivered_at,
                order.version,
                order.sequence,
                order.updated_at,
            )
            for order in (change.order for change in changes)
        ]
        records = [record for change in changes for record in change.records]
        await self._connection.execute(
            query("orders.save"), *columns(rows, 19), *event_columns(records, self._event_max_bytes)
        )

    async def _save_lines(self, changes: Sequence[Change]) -> None:
        replaced = [change.order for change in changes if change.items_replaced]
        if replaced:
            await self._connection.execute(
                query("orders.remove_lines"), [order.order_id for order in replaced]
            )
            await self._connection.execute(query("orders.insert_lines"), *item_columns(replaced))
        await self._write_lines(
            [
                change.order
                for change in changes
                if not change.items_replaced and change.before and change.before.items != change.order.items
            ]
        )

    async def save_lines(self, order: Order) -> None:
        """Write how far the lines of a locked order have come."""
        await self._write_lines([order])

    async def _write_lines(self, orders: Sequence[Order]) -> None:
        rows = [
            (
                order.order_id,
                item.line_number,
                item.allocated,
                item.delivered,
                item.shipped,
                item.backordered,
            )
            for order in orders
            for item in order.items
        ]
        if rows:
            await self._connection.execute(query("orders.save_lines"), *columns(rows, 6))

    async def _insert_failures(self, changes: Sequence[Change]) -> None:
        rows = [
            (
                change.order.order_id,
                change.order.life,
                change.attempt.attempt_number,
                change.attempt.status,
                change.attempt.reason,
                change.attempt.failed_at,
                change.attempt.workflow_id,
                change.records[0].caller.actor,
            )
            for change in changes
            if change.attempt
        ]
        if rows:
            await self._connection.execute(query("orders.insert_failures"), *columns(rows, 8))

    async def _insert_shipments(self, changes: Sequence[Change]) -> None:
        rows = [
            (
                change.order.order_id,
                change.shipment.shipment_number,
                change.shipment.carrier_code,
                change.shipment.tracking_number,
                change.shipment.shipped_at,
                json.dumps(change.shipment.lines),
            )
            for change in changes
            if change.shipment
        ]
        if rows:
            await self._connection.execute(query("orders.insert_shipments"), *columns(rows, 6))

    async def _release(self, changes: Sequence[Change]) -> None:
        """Give up what orders hold and are owed; units already delivered go back into the stock."""
        if not changes:
            return
        order_ids = [change.order.order_id for change in changes]
        now = changes[0].order.updated_at
        await self.let_go(order_ids, [], now)
        await self._connection.execute(
            query("backorders.close_of_orders"), order_ids, "the order let go of it", now
        )
        await self._put_back([change.before for change in changes if change.before], now)

    async def let_go(self, order_ids: Sequence[str], backorder_ids: Sequence[str], now: datetime) -> None:
        """Let go of what locked orders, or single backorders of them, hold on carriers."""
        held = (list(order_ids), list(backorder_ids))
        await self._connection.execute(query("orders.lock_released_moves"), *held)
        await self._connection.execute(query("orders.lock_released_carriers"), *held)
        await self._connection.execute(query("orders.release"), *held, now)

    async def _put_back(self, orders: Sequence[Order], now: datetime) -> None:
        rows = [
            (
                new_id("CAR-"),
                order.warehouse_id,
                item.sku,
                item.delivered - item.shipped,
                order.destination_id,
            )
            for order in orders
            for item in order.items
            if item.delivered > item.shipped
        ]
        if rows:
            await self._connection.execute(query("orders.put_back"), *columns(rows, 5), now)

    async def page(self, wanted: OrderFilter, page: Page) -> ResultPage[Order]:
        """Return one page, newest first, which ends early when its orders are long."""
        sql, arguments = order_page(wanted, page)
        return await result_page(await self._connection.fetch(sql, *arguments), order_from, page.size)

    async def eligible(
        self, statuses: Sequence[OrderStatus], max_retries: int, limit: int
    ) -> tuple[list[EligibleOrder], int]:
        """Return those that are due next, and the number of all."""
        rows = await self._connection.fetch(
            query("orders.eligible"), max_retries, list(statuses), limit, MAX_RESPONSE_BYTES
        )
        return await map_in_pieces(_eligible, rows), rows[0]["total"] if rows else 0

    async def attempts(self, order_id: str, life: int) -> list[FailureAttempt]:
        """Give the failures counted in one life of an order, first to last."""
        rows = await self._connection.fetch(query("orders.attempts"), order_id, life)
        return [attempt_from(row) for row in rows]

    async def history(self, order_id: str, after: int, limit: int) -> ResultPage[EventRecord]:
        """Return events of an order after a sequence number, oldest first."""
        rows = await self._connection.fetch(
            query("orders.history"), order_id, after, limit + 1, MAX_RESPONSE_BYTES
        )
        return await result_page(rows, event_from, limit)

    async def since(self, order_id: str) -> datetime | None:
        """Say when an order came into its status; None when that event is no longer kept."""
        moment: datetime | None = await self._connection.fetchval(query("orders.since"), order_id)
        return moment


def _eligible(row: asyncpg.Record) -> EligibleOrder:
    failed = row["failed_status"]
    return EligibleOrder(
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        failed_status=OrderStatus(failed) if failed else None,
        retry_count=row["retry_count"],
        last_failure_reason=row["last_failure_reason"] or "",
        last_failed_at=aware(row["last_failed_at"]),
        created_at=row["created_at"],
        next_retry_at=row["next_retry_at"],
    )

"""Orders in Postgres."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from wms_core.application.database import MAX_RESPONSE_BYTES, OrderFilter, Page, ResultPage
from wms_core.domain.errors import OrderAlreadyExists, WarehouseNotFound, WmsError
from wms_core.domain.events.events import EventRecord, get_size_error
from wms_core.domain.events.payloads import encode_address
from wms_core.domain.failures.failures import EligibleOrder
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.intake import AcceptedOrder
from wms_core.domain.orders.orders import FailureAttempt, Order
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.backorders import save_backorders
from wms_core.postgres.repositories.dead_letters import insert_dead_letters
from wms_core.postgres.repositories.order_insert import insert_arguments
from wms_core.postgres.repositories.order_listing import build_order_page_query, orders_within
from wms_core.postgres.repositories.order_rows import (
    as_utc,
    build_event_columns,
    build_line_columns,
    to_event_record,
    to_failure_attempt,
    to_order,
    transpose,
)
from wms_core.postgres.repositories.result_pages import result_page
from wms_core.runtime.cooperative import map_in_pieces
from wms_core.runtime.ids import new_id


class PostgresOrderRepository:
    """Implement `wms_core.application.database.OrderRepository`."""

    def __init__(self, connection: Connection, event_max_bytes: int) -> None:
        self._connection = connection
        self._event_max_bytes = event_max_bytes

    async def insert(self, accepted_orders: Sequence[AcceptedOrder]) -> Mapping[str, WmsError]:
        """Insert new orders, their lines and events in one statement; return the errors by order id."""
        errors_by_order_id: dict[str, WmsError] = {
            accepted_order.new_order.order_id: size_error
            for accepted_order in accepted_orders
            if (
                size_error := get_size_error(
                    accepted_order.new_order.order_id, accepted_order.payload, self._event_max_bytes
                )
            )
        }
        if errors_by_order_id:
            accepted_orders = [
                accepted_order
                for accepted_order in accepted_orders
                if accepted_order.new_order.order_id not in errors_by_order_id
            ]
        if not accepted_orders:
            return errors_by_order_id
        # Appending directly to the log blocks all other events until the transaction ends, so it is
        # limited to a transaction of this statement alone.
        is_autocommit = not self._connection.is_in_transaction()
        insert_columns = insert_arguments(accepted_orders)
        # Free hundreds of events before Postgres has them in memory, too.
        del accepted_orders
        rows = await self._connection.fetch(query("orders.insert_orders"), *insert_columns, is_autocommit)
        for order_id, warehouse_id in rows:
            errors_by_order_id[order_id] = (
                OrderAlreadyExists(order_id=order_id)
                if warehouse_id is None
                else WarehouseNotFound(warehouse_id=warehouse_id)
            )
        return errors_by_order_id

    async def get(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Return the existing orders, by id."""
        rows = await self._connection.fetch(query("orders.get_orders"), list(order_ids))
        return {row["order_id"]: to_order(row) for row in rows}

    async def lock_orders(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Lock orders, then read them, so that the rows are not older than the lock."""
        rows = await self._connection.fetch(query("orders.lock_orders"), list(order_ids))
        return await self.get([row["order_id"] for row in rows]) if rows else {}

    async def get_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the existing orders, by id, up to `max_bytes`."""
        rows = await self._connection.fetch(orders_within(), list(order_ids), max_bytes)
        return await result_page(rows, to_order, len(order_ids))

    async def lock_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Lock all these orders until the end of the transaction, then return them as `get_within`."""
        rows = await self._connection.fetch(query("orders.lock_orders"), list(order_ids))
        return await self.get_within([row["order_id"] for row in rows], max_bytes)

    async def lock_skipping_locked(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Lock and return orders as `lock_orders`, without those that another transaction has locked."""
        rows = await self._connection.fetch(query("orders.lock_skipping_locked"), list(order_ids))
        return await self.get([row["order_id"] for row in rows]) if rows else {}

    async def save(self, changes: Sequence[OrderChange]) -> None:
        """Write order changes, except empty ones."""
        changes = [change for change in changes if change.records]
        if not changes:
            return
        await self._release_orders([change for change in changes if change.should_release])
        if closed_backorder_ids := [
            backorder_id for change in changes for backorder_id, _ in change.closed_backorders
        ]:
            await self.release_allocations([], closed_backorder_ids, changes[0].order.updated_at)
        await self._save_orders(changes)
        await self._save_lines(changes)
        await save_backorders(self._connection, changes)
        await self._insert_failures(changes)
        await self._insert_shipments(changes)
        await insert_dead_letters(self._connection, changes)

    async def _save_orders(self, changes: Sequence[OrderChange]) -> None:
        rows = [
            (
                order.order_id,
                order.priority,
                order.status,
                order.promised_delivery_at,
                encode_address(order.shipping_address),
                order.wave_id,
                order.destination_id,
                order.retry_count,
                order.retry_generation,
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
            query("orders.save_orders"),
            *transpose(rows, 19),
            *build_event_columns(records, self._event_max_bytes),
        )

    async def _save_lines(self, changes: Sequence[OrderChange]) -> None:
        replaced_orders = [change.order for change in changes if change.items_replaced]
        if replaced_orders:
            await self._connection.execute(
                query("orders.delete_lines"), [order.order_id for order in replaced_orders]
            )
            await self._connection.execute(query("orders.insert_lines"), *build_line_columns(replaced_orders))
        await self._write_lines(
            [
                change.order
                for change in changes
                if not change.items_replaced
                and change.order_before
                and change.order_before.items != change.order.items
            ]
        )

    async def save_lines(self, order: Order) -> None:
        """Write the unit counts of the lines of a locked order."""
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
            await self._connection.execute(query("orders.save_lines"), *transpose(rows, 6))

    async def _insert_failures(self, changes: Sequence[OrderChange]) -> None:
        rows = [
            (
                change.order.order_id,
                change.order.retry_generation,
                change.attempt.attempt_number,
                change.attempt.status,
                change.attempt.reason,
                change.attempt.failed_at,
                change.attempt.workflow_id,
                change.records[0].caller.actor_name,
            )
            for change in changes
            if change.attempt
        ]
        if rows:
            await self._connection.execute(query("orders.insert_failures"), *transpose(rows, 8))

    async def _insert_shipments(self, changes: Sequence[OrderChange]) -> None:
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
            await self._connection.execute(query("orders.insert_shipments"), *transpose(rows, 6))

    async def _release_orders(self, changes: Sequence[OrderChange]) -> None:
        """Release allocations, cancel backorders, and return delivered units to the stock."""
        if not changes:
            return
        order_ids = [change.order.order_id for change in changes]
        now = changes[0].order.updated_at
        await self.release_allocations(order_ids, [], now)
        await self._connection.execute(
            query("backorders.cancel_backorders_of_orders"), order_ids, "the order released its stock", now
        )
        await self._return_delivered_units(
            [change.order_before for change in changes if change.order_before], now
        )

    async def release_allocations(
        self, order_ids: Sequence[str], backorder_ids: Sequence[str], now: datetime
    ) -> None:
        """Release the allocations of locked orders, or of single backorders of them."""
        holder_ids = (list(order_ids), list(backorder_ids))
        await self._connection.execute(query("orders.lock_released_moves"), *holder_ids)
        await self._connection.execute(query("orders.lock_released_carriers"), *holder_ids)
        await self._connection.execute(query("orders.release_allocations"), *holder_ids, now)

    async def _return_delivered_units(self, orders: Sequence[Order], now: datetime) -> None:
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
            await self._connection.execute(query("orders.insert_returned_carriers"), *transpose(rows, 5), now)

    async def list_page(self, order_filter: OrderFilter, page: Page) -> ResultPage[Order]:
        """Return one page, newest first, which ends early when its orders are long."""
        sql_text, query_arguments = build_order_page_query(order_filter, page)
        return await result_page(
            await self._connection.fetch(sql_text, *query_arguments), to_order, page.size
        )

    async def list_eligible(
        self, statuses: Sequence[OrderStatus], max_retries: int, limit: int
    ) -> tuple[list[EligibleOrder], int]:
        """Return the orders that are due next, and the number of all."""
        rows = await self._connection.fetch(
            query("orders.list_eligible"), max_retries, list(statuses), limit, MAX_RESPONSE_BYTES
        )
        return await map_in_pieces(_to_eligible_order, rows), rows[0]["total"] if rows else 0

    async def list_attempts(self, order_id: str, retry_generation: int) -> list[FailureAttempt]:
        """Return the failures of an order in one retry generation, first to last."""
        rows = await self._connection.fetch(query("orders.list_attempts"), order_id, retry_generation)
        return [to_failure_attempt(row) for row in rows]

    async def list_events(self, order_id: str, after_sequence: int, limit: int) -> ResultPage[EventRecord]:
        """Return events of an order after a sequence number, oldest first."""
        rows = await self._connection.fetch(
            query("orders.list_events"), order_id, after_sequence, limit + 1, MAX_RESPONSE_BYTES
        )
        return await result_page(rows, to_event_record, limit)

    async def get_status_changed_at(self, order_id: str) -> datetime | None:
        """Return the time of the order's last transition; None if that event has expired."""
        changed_at: datetime | None = await self._connection.fetchval(
            query("orders.get_status_changed_at"), order_id
        )
        return changed_at


def _to_eligible_order(row: asyncpg.Record) -> EligibleOrder:
    failed_status = row["failed_status"]
    return EligibleOrder(
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        warehouse_id=row["warehouse_id"],
        failed_status=OrderStatus(failed_status) if failed_status else None,
        retry_count=row["retry_count"],
        last_failure_reason=row["last_failure_reason"] or "",
        last_failed_at=as_utc(row["last_failed_at"]),
        created_at=row["created_at"],
        next_retry_at=row["next_retry_at"],
    )

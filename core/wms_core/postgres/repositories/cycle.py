"""Queries and changes of the fulfillment cycle in Postgres, in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime

import asyncpg

from wms_core.application.database import Fence
from wms_core.domain.events.events import CycleEvent, format_json_time
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.allocation import CandidateLimits, OrderWait, StockDemand
from wms_core.domain.stock.warehouse import (
    Allocation,
    CarrierArrival,
    Destination,
    DisplacedCarrier,
    FreeCarrier,
    Lane,
    LaneMove,
    Wave,
)
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import transpose
from wms_core.postgres.repositories.storage_rows import to_destination, to_lane

#: The settings end with the transaction, because PgBouncer may give the session to another client.
_FORCE_CUSTOM_PLANS = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true)
"""


class PostgresCycleRepository:
    """Implement `wms_core.application.database.CycleRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._has_custom_plans = False

    async def list_due_retries(self, now: datetime, limit: int) -> list[str]:
        """Return orders whose retry is due, the longest due first."""
        return await self._fetch_order_ids("list_due_retries", now, limit)

    async def list_received(self, limit: int) -> list[str]:
        """Return orders that wait for validation, the oldest first."""
        return await self._fetch_order_ids("list_received", limit)

    async def advance_orders(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        source_status: OrderStatus,
        target_status: OrderStatus,
        event_template: CycleEvent,
        waves: Sequence[Wave] = (),
    ) -> list[str]:
        """Move the orders in `source_status` to `target_status` and into their waves; write events.

        Return the moved orders. Orders that another transaction has locked are skipped.
        """
        rows = await self._connection.fetch(
            query("cycle.advance_orders"),
            fence.role,
            fence.epoch,
            list(order_ids),
            [wave.wave_id for wave in waves],
            [wave.destination_id for wave in waves],
            source_status,
            target_status,
            *_build_event_arguments(event_template),
        )
        return [row["order_id"] for row in rows]

    async def list_validated(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a wave with their warehouse, most urgent first."""
        rows = await self._fetch_rows(query("cycle.list_validated"), limit)
        return [(row["order_id"], row["warehouse_id"]) for row in rows]

    async def list_open_destinations(self) -> list[Destination]:
        """Return the destinations that are not paused, with the number of their waiting orders."""
        rows = await self._fetch_rows(query("cycle.list_open_destinations"))
        return [to_destination(row) for row in rows]

    async def list_unreachable_destinations(self, order_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return, by order, the destinations that cannot be reached by the stock of one of its SKUs."""
        rows = await self._fetch_rows(query("cycle.list_unreachable_destinations"), list(order_ids))
        return {row["order_id"]: frozenset(row["destination_ids"]) for row in rows}

    async def list_orders_to_allocate(self, limit: int, candidate_limits: CandidateLimits) -> list[str]:
        """Return orders in a wave without allocations, most urgent first."""
        return await self._fetch_order_ids("list_orders_to_allocate", limit, *astuple(candidate_limits))

    async def list_free_carriers(
        self, stock_demands: Sequence[StockDemand], max_blocking_carriers: int
    ) -> list[FreeCarrier]:
        """Return the load carriers that a plan may need, oldest first.

        A SKU is read again, eight times deeper, as long as its carriers do not cover the demand.
        """
        free_carriers: list[FreeCarrier] = []
        depth = 1
        while stock_demands:
            demand_rows = [
                (
                    stock_demand.warehouse_id,
                    stock_demand.sku,
                    stock_demand.destination_id,
                    stock_demand.line_count,
                    stock_demand.units,
                )
                for stock_demand in stock_demands
            ]
            rows = await self._fetch_rows(
                query("cycle.list_free_carriers"), *transpose(demand_rows, 5), max_blocking_carriers, depth
            )
            short_skus = {(row["warehouse_id"], row["sku"]) for row in rows if row["carrier_id"] is None}
            carriers = [FreeCarrier(*row) for row in rows if row["carrier_id"] is not None]
            free_carriers += [
                free_carrier
                for free_carrier in carriers
                if (free_carrier.warehouse_id, free_carrier.sku) not in short_skus
            ]
            stock_demands = [
                stock_demand
                for stock_demand in stock_demands
                if (stock_demand.warehouse_id, stock_demand.sku) in short_skus
            ]
            depth *= 8
        return sorted(
            free_carriers, key=lambda free_carrier: (free_carrier.age_rank, free_carrier.carrier_id)
        )

    async def allocate_if_unchanged(
        self, fence: Fence, orders: Sequence[Order], allocations: Sequence[Allocation], now: datetime
    ) -> list[str]:
        """Write the allocations of a plan for the orders that have not changed; return these orders."""
        rows = await self._connection.fetch(
            query("cycle.allocate_if_unchanged"),
            fence.role,
            fence.epoch,
            [order.order_id for order in orders],
            [order.version for order in orders],
            [allocation.order_id for allocation in allocations],
            [allocation.line_number for allocation in allocations],
            [allocation.carrier_id for allocation in allocations],
            [allocation.destination_id for allocation in allocations],
            [allocation.quantity for allocation in allocations],
            now,
        )
        return [row["order_id"] for row in rows]

    async def lock_allocated_carriers(self, allocations: Sequence[Allocation]) -> set[str]:
        """Lock the load carriers of a plan; return those that no longer have the planned units."""
        allocation_rows = [
            (allocation.carrier_id, allocation.destination_id, allocation.quantity)
            for allocation in allocations
        ]
        rows = await self._connection.fetch(
            query("cycle.find_unavailable_carriers"), *transpose(allocation_rows, 3)
        )
        return {row["carrier_id"] for row in rows}

    async def allocate_locked(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """Allocate units of locked load carriers to backorders of locked orders."""
        rows = [
            (
                allocation.order_id,
                allocation.line_number,
                allocation.carrier_id,
                allocation.destination_id,
                allocation.quantity,
                allocation.backorder_id,
            )
            for allocation in allocations
        ]
        await self._execute(query("cycle.allocate_locked"), *transpose(rows, 6), now)

    async def bump_version(self, order_ids: Sequence[str], now: datetime) -> None:
        """Increase the versions of orders whose lines have changed."""
        await self._execute(query("cycle.bump_version"), list(order_ids), now)

    async def record_waits(self, waits_by_order: Mapping[str, OrderWait]) -> None:
        """Record the waiting reasons of orders without a new version."""
        rows = [
            (order_id, order_wait.reason, order_wait.sku, order_wait.units)
            for order_id, order_wait in waits_by_order.items()
        ]
        await self._execute(query("cycle.record_waits"), *transpose(rows, 4))

    async def request_moves(self, deadline: datetime, now: datetime, limit: int) -> int:
        """Request moves of allocated load carriers up to the queue capacities; return their number."""
        return len(await self._fetch_rows(query("cycle.request_moves"), deadline, now, limit))

    async def list_orders_to_pick(self, limit: int) -> list[str]:
        """Return orders in a wave with a load carrier that is requested, moving or at its destination."""
        return await self._fetch_order_ids("list_orders_to_pick", limit)

    async def list_arrivals(self, limit: int) -> list[CarrierArrival]:
        """Return orders with a load carrier at its destination."""
        return [CarrierArrival(*row) for row in await self._fetch_rows(query("cycle.list_arrivals"), limit)]

    async def pick_arrived(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        event_template: CycleEvent,
        *,
        should_pick_backorders: bool,
    ) -> tuple[list[str], dict[str, int]]:
        """Pick the allocations on arrived load carriers; return the orders and the units by backorder."""
        rows = await self._connection.fetch(
            query("cycle.pick_arrived_stock"),
            fence.role,
            fence.epoch,
            list(order_ids),
            should_pick_backorders,
            *_build_event_arguments(event_template),
        )
        picked_order_ids, backorder_ids, units = rows[0]
        return picked_order_ids, dict(zip(backorder_ids or (), units or (), strict=True))

    async def finish_picking(
        self, fence: Fence, order_ids: Sequence[str], event_template: CycleEvent
    ) -> None:
        """Move the locked orders to PACKING whose units have all arrived."""
        await self._connection.execute(
            query("cycle.finish_picking"),
            fence.role,
            fence.epoch,
            list(order_ids),
            *_build_event_arguments(event_template),
        )

    async def list_returnable_carriers(self, limit: int) -> list[DisplacedCarrier]:
        """Return the load carriers at a destination that have units but no allocations, locked."""
        rows = await self._fetch_rows(query("cycle.list_returnable_carriers"), limit)
        return [
            DisplacedCarrier(
                row["carrier_id"],
                row["warehouse_id"],
                frozenset(row["zones"]),
                destination_id=row["destination_id"],
                same_sku_lanes=tuple(row["same_sku_lanes"]),
            )
            for row in rows
        ]

    async def list_blocking_carriers(self, limit: int) -> list[DisplacedCarrier]:
        """Return the unallocated heads of lanes that block allocated load carriers, locked."""
        rows = await self._fetch_rows(query("cycle.list_blocking_carriers"), limit)
        return [
            DisplacedCarrier(
                row["carrier_id"],
                row["warehouse_id"],
                frozenset({row["zone"]}),
                lane_id=row["lane_id"],
                same_sku_lanes=tuple(row["same_sku_lanes"]),
            )
            for row in rows
        ]

    async def list_free_lanes(self, warehouse_ids: Sequence[str], limit: int) -> list[Lane]:
        """Return open lanes with free positions, up to `limit` per zone, the emptiest first."""
        rows = await self._fetch_rows(query("cycle.list_free_lanes"), list(warehouse_ids), limit)
        return [to_lane(row) for row in rows]

    async def request_lane_moves(
        self, lane_moves: Sequence[LaneMove], deadline: datetime, now: datetime
    ) -> int:
        """Request moves of load carriers into lanes with free positions, and reserve these.

        Return the number of moves: lanes may have been filled or blocked since they were read.
        """
        rows = [
            (
                lane_move.carrier_id,
                lane_move.warehouse_id,
                lane_move.kind,
                lane_move.from_lane_id,
                lane_move.to_lane_id,
                lane_move.destination_id,
            )
            for lane_move in lane_moves
        ]
        (row,) = await self._fetch_rows(query("cycle.request_lane_moves"), *transpose(rows, 6), now, deadline)
        move_count: int = row["move_count"]
        return move_count

    async def list_overdue_moves(self, now: datetime, limit: int) -> list[str]:
        """Return live moves whose deadline has passed."""
        rows = await self._fetch_rows(query("cycle.list_overdue_moves"), now, limit)
        return [row["move_id"] for row in rows]

    async def list_orders_of_failed_moves(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a load carrier whose move failed, with the reason."""
        rows = await self._fetch_rows(query("cycle.list_orders_of_failed_moves"), limit)
        return [(row["order_id"], f"Move failed: {row['failure_reason']}") for row in rows]

    async def list_backorders_of_failed_moves(self, limit: int) -> list[str]:
        """Return backorders that wait for a load carrier whose move failed."""
        rows = await self._fetch_rows(query("cycle.list_backorders_of_failed_moves"), limit)
        return [row["backorder_id"] for row in rows]

    async def list_orders_of_held_carriers(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a load carrier that was put on hold, with the reason."""
        rows = await self._fetch_rows(query("cycle.list_orders_of_held_carriers"), limit)
        return [(row["order_id"], _describe_hold(row["carrier_id"], row["status_reason"])) for row in rows]

    async def list_backorders_of_held_carriers(self, limit: int) -> list[str]:
        """Return backorders that wait for a load carrier that was put on hold."""
        rows = await self._fetch_rows(query("cycle.list_backorders_of_held_carriers"), limit)
        return [row["backorder_id"] for row in rows]

    async def process_failed_moves(self) -> int:
        """Mark failed moves as processed if no allocation waits for them; return their number."""
        return len(await self._fetch_rows(query("cycle.process_failed_moves")))

    async def _fetch_order_ids(self, name: str, *query_arguments: object) -> list[str]:
        rows = await self._fetch_rows(query(f"cycle.{name}"), *query_arguments)
        return [row["order_id"] for row in rows]

    async def _fetch_rows(self, sql_statement: str, *query_arguments: object) -> list[asyncpg.Record]:
        if self._connection.is_in_transaction():
            await self._force_custom_plans()
            return await self._connection.fetch(sql_statement, *query_arguments)
        async with self._connection.transaction():
            await self._connection.execute(_FORCE_CUSTOM_PLANS)
            return await self._connection.fetch(sql_statement, *query_arguments)

    async def _execute(self, sql_statement: str, *query_arguments: object) -> None:
        await self._force_custom_plans()
        await self._connection.execute(sql_statement, *query_arguments)

    async def _force_custom_plans(self) -> None:
        """Plan each statement anew until the end of the transaction.

        A queue may be empty now and have thousands of rows a minute later. A cached plan for the empty queue
        makes a statement take minutes later. Steps name their rows by id, so a sequential scan is never
        needed, whatever size the planner assumes for a table.
        """
        if not self._has_custom_plans:
            await self._connection.execute(_FORCE_CUSTOM_PLANS)
            self._has_custom_plans = True


def _build_event_arguments(event_template: CycleEvent) -> tuple[str, str, str, datetime, str]:
    return (
        event_template.type,
        event_template.actor_name,
        event_template.traceparent,
        event_template.occurred_at,
        format_json_time(event_template.occurred_at),
    )


def _describe_hold(carrier_id: str, reason: str) -> str:
    return f"Carrier {carrier_id} is held: {reason or 'no reason given'}"

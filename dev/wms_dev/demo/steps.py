"""The steps of the demo as calls of the public API."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from wms.orders.v1 import event_pb2, order_pb2, orders_pb2, storage_pb2
from wms_dev.api_client import MAX_PAGE_SIZE, ApiClient, run_concurrently
from wms_dev.demo.decisions import Decisions, decide_first, decide_last
from wms_dev.demo.kafka_check import DemoTopic
from wms_dev.demo.live_view import create_view
from wms_dev.demo.operator import (
    OPEN_BACKORDER_STATUSES,
    execute_decisions,
    get_dead_letter_stats,
    list_backorders,
    list_dead_letters,
)
from wms_dev.demo.order_tracking import follow_orders, place_and_follow, wait_for_quiet_carriers
from wms_dev.demo.report import print_decisions, print_statistics
from wms_dev.demo.snapshot import OrdersSnapshot
from wms_dev.demo.stock_ledger import COMPLETED, ReconciliationInput
from wms_dev.sample_data.northwind import read_northwind_products
from wms_dev.sample_data.warehouse_layout import DESTINATIONS, ZONES, set_up_warehouse
from wms_dev.simulator.incident_log import Incident

PLACEMENT_TIMEOUT_SECONDS, SETTLE_TIMEOUT_SECONDS = 75.0, 45.0
MAX_DECISION_ROUNDS = 3


class DemoSteps:
    """Executes each step for the client or the supervisor, and prints it."""

    def __init__(self, client: ApiClient, supervisor: ApiClient, warehouse_id: str, console: Console) -> None:
        self._client = client
        self._supervisor = supervisor
        self._warehouse_id = warehouse_id
        self._console = console
        self._open_stations = {station for station, (zones, _) in DESTINATIONS.items() if zones == ZONES}

    async def receive_opening_stock(self) -> Counter[str]:
        """Set up lanes and stations, receive the opening stock, and return its units."""
        units = Counter(await set_up_warehouse(self._client, self._warehouse_id, read_northwind_products()))
        self._console.print(f"Stock received: {units.total()} units of {len(units)} products")
        return units

    async def place_orders(self, requests: Sequence[orders_pb2.CreateOrderRequest]) -> OrdersSnapshot:
        """Place all orders and follow them until each is completed or waits for a decision."""
        units = sum(item.quantity for request in requests for item in request.items)
        self._console.print(f"Placing {len(requests)} orders for {units} units")
        with create_view(self._console, "Northwind's orders") as view:
            snapshot = await place_and_follow(self._client, requests, view, PLACEMENT_TIMEOUT_SECONDS)
        completed_count = snapshot.by_status[COMPLETED]
        self._console.print(
            f"{completed_count} orders completed ({completed_count / len(requests):.0%}),"
            f" {snapshot.shipments_per_second:.0f} shipped per second;"
            f" {len(snapshot.partly_shipped_orders)} shipped in part, with backorders;"
            f" {len(snapshot.orders_without_route)} wait for a route;"
            f" {len(snapshot.dead_lettered_orders)} failed five times, mostly for lack of stock",
            soft_wrap=True,
        )
        return snapshot

    async def decide_until_settled(self, snapshot: OrdersSnapshot) -> tuple[OrdersSnapshot, list[Decisions]]:
        """Decide about the waiting orders and follow them, until no order waits. Return the last snapshot.

        From the second round on, the supervisor cancels instead of waiting.
        """
        decisions_made: list[Decisions] = []
        while len(decisions_made) < MAX_DECISION_ROUNDS:
            escalated = frozenset[str]().union(*(decisions.escalated_orders for decisions in decisions_made))
            dead_orders = [
                order for order in snapshot.dead_lettered_orders if order.order_id not in escalated
            ]
            open_backorders = await list_backorders(self._client, self._warehouse_id, OPEN_BACKORDER_STATUSES)
            if not (dead_orders or open_backorders or snapshot.orders_without_route):
                break
            decisions_made.append(
                await self._decide(snapshot, dead_orders, open_backorders, first=not decisions_made)
            )
            snapshot = await self._follow(snapshot)
        print_statistics(self._console, await get_dead_letter_stats(self._client))
        return snapshot, decisions_made

    async def _decide(
        self,
        snapshot: OrdersSnapshot,
        dead_orders: Sequence[order_pb2.Order],
        open_backorders: Sequence[storage_pb2.Backorder],
        *,
        first: bool,
    ) -> Decisions:
        """Read the dead letter queue and the stock, decide, and execute the decisions."""
        print_statistics(self._console, await get_dead_letter_stats(self._client))
        stock = await self._client.list_stock(self._warehouse_id)
        available = Counter({stock_row.sku: stock_row.available for stock_row in stock})
        discontinued = {product.sku for product in read_northwind_products() if product.discontinued}
        routes = {
            order.destination_id
            for order in (*snapshot.orders_without_route, *snapshot.partly_shipped_orders)
        } - self._open_stations
        self._open_stations |= routes
        decisions = (
            decide_first(
                dead_orders, open_backorders, available, discontinued, snapshot.orders_without_route, routes
            )
            if first
            else decide_last(dead_orders, open_backorders, routes)
        )
        print_decisions(self._console, decisions)
        await execute_decisions(self._supervisor, self._warehouse_id, decisions, "NEW")
        return decisions

    async def _follow(self, previous: OrdersSnapshot) -> OrdersSnapshot:
        """Follow all orders until the retried ones are settled, too."""
        with create_view(self._console, "After the supervisor's decisions") as view:
            return await follow_orders(
                self._client, [order.order_id for order in previous.orders], view, SETTLE_TIMEOUT_SECONDS
            )

    async def collect_reconciliation(
        self,
        requests: Sequence[orders_pb2.CreateOrderRequest],
        received: Counter[str],
        decisions: Sequence[Decisions],
        snapshot: OrdersSnapshot,
        incidents: Callable[[], Sequence[Incident]],
        topic: DemoTopic | None,
    ) -> ReconciliationInput:
        """Read all data for the reconciliation, after the last load carrier has stopped."""
        held_carriers = await wait_for_quiet_carriers(self._client, self._warehouse_id)
        histories = await _load_histories(self._client, snapshot.orders)
        event_count = sum(len(history) for history in histories.values())
        return ReconciliationInput(
            ordered_units_by_order={request.order_id: _count_units(request) for request in requests},
            received_units=sum((decision.delivery for decision in decisions), received),
            escalated_order_ids=frozenset[str]().union(
                *(decision.escalated_orders for decision in decisions)
            ),
            orders=snapshot.orders,
            stock=await self._client.list_stock(self._warehouse_id),
            entries=await list_dead_letters(self._client, self._warehouse_id),
            histories=histories,
            cancelled_backorder_ids=frozenset[str]().union(
                *(decision.cancelled_backorders for decision in decisions)
            ),
            backorders=await list_backorders(self._client, self._warehouse_id),
            held_carriers=held_carriers,
            incidents=incidents(),
            published_event_ids=await asyncio.to_thread(topic.read_event_ids, event_count) if topic else None,
        )


async def _load_histories(
    client: ApiClient, orders: Sequence[order_pb2.Order]
) -> Mapping[str, Sequence[event_pb2.Event]]:
    histories_by_order: dict[str, Sequence[event_pb2.Event]] = {}

    async def load_history(order_id: str) -> None:
        request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=MAX_PAGE_SIZE)
        histories_by_order[order_id] = (await client.call(client.orders.GetOrderHistory, request)).events

    await run_concurrently(load_history(order.order_id) for order in orders)
    return histories_by_order


def _count_units(request: orders_pb2.CreateOrderRequest) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in request.items:
        units[item.sku] += item.quantity
    return units

"""Snapshots of the demo's orders."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.api_client import ApiClient

STATUSES = {
    order_pb2.ORDER_STATUS_RECEIVED: "received",
    order_pb2.ORDER_STATUS_VALIDATED: "validated",
    order_pb2.ORDER_STATUS_ASSIGNED_TO_WAVE: "in a wave",
    order_pb2.ORDER_STATUS_PICKING: "picking",
    order_pb2.ORDER_STATUS_PACKING: "packing",
    order_pb2.ORDER_STATUS_SHIPPED: "shipped",
    order_pb2.ORDER_STATUS_COMPLETED: "completed",
    order_pb2.ORDER_STATUS_PENDING_RETRY: "waiting for retry",
    order_pb2.ORDER_STATUS_DEAD_LETTER: "dead letter",
    order_pb2.ORDER_STATUS_CANCELLED: "cancelled",
}
# Orders in these statuses change only by a decision.
SETTLED_STATUSES = frozenset(
    {
        order_pb2.ORDER_STATUS_COMPLETED,
        order_pb2.ORDER_STATUS_DEAD_LETTER,
        order_pb2.ORDER_STATUS_CANCELLED,
    }
)
SHIPPED_STATUSES = frozenset({order_pb2.ORDER_STATUS_SHIPPED, order_pb2.ORDER_STATUS_COMPLETED})


@dataclass(frozen=True)
class OrdersSnapshot:
    """All orders placed so far at one time. `taken_at` is a time of the monotonic clock."""

    orders: Sequence[order_pb2.Order]
    expected: int
    taken_at: float = field(default_factory=time.monotonic)

    @property
    def by_status(self) -> Counter[order_pb2.OrderStatus.ValueType]:
        """The number of orders in each status."""
        return Counter(order.status for order in self.orders)

    @property
    def settled_count(self) -> int:
        """The number of orders that are completed, cancelled or in the dead letter queue."""
        return sum(order.status in SETTLED_STATUSES for order in self.orders)

    @property
    def shipped_count(self) -> int:
        """The number of shipped and completed orders."""
        return sum(order.status in SHIPPED_STATUSES for order in self.orders)

    @property
    def shipments_per_second(self) -> float:
        """Shipped orders per second, from the first order to the last first shipment."""
        shipped = [order.shipments[0].shipped_at.ToNanoseconds() for order in self.orders if order.shipments]
        if not shipped:
            return 0.0
        first_created_at = min(order.created_at.ToNanoseconds() for order in self.orders)
        return len(shipped) / ((max(shipped) - first_created_at) / 1e9)

    @property
    def failure_count(self) -> int:
        """Failures counted since each order was created or manually retried."""
        return sum(order.retry_count for order in self.orders)

    @property
    def waiting_reasons(self) -> Counter[str]:
        """The waiting reasons of the orders in progress."""
        return Counter(
            order_pb2.WaitingReason.Name(order.waiting_reason)
            .removeprefix("WAITING_REASON_")
            .lower()
            .replace("_", " ")
            for order in self.orders
            if order.status not in SETTLED_STATUSES and order.waiting_reason
        )

    @property
    def dead_lettered_orders(self) -> Sequence[order_pb2.Order]:
        """Orders in the dead letter queue."""
        return [order for order in self.orders if order.status == order_pb2.ORDER_STATUS_DEAD_LETTER]

    @property
    def orders_without_route(self) -> Sequence[order_pb2.Order]:
        """Orders whose station has no route to the zones of their stock."""
        no_route = order_pb2.WAITING_REASON_NO_ROUTE
        return [order for order in self.orders if order.waiting_reason == no_route]

    @property
    def is_settled(self) -> bool:
        """Whether all orders are settled."""
        return self.settled_count == len(self.orders) == self.expected

    @property
    def partly_shipped_orders(self) -> Sequence[order_pb2.Order]:
        """Orders that are shipped in part, with the rest on backorder."""
        return [order for order in self.orders if _is_partly_shipped(order)]

    @property
    def is_waiting_for_decision(self) -> bool:
        """Whether all orders are settled or wait for stock or a decision."""
        waiting_or_settled = (
            self.settled_count + len(self.partly_shipped_orders) + len(self.orders_without_route)
        )
        return waiting_or_settled == len(self.orders) == self.expected


def _is_partly_shipped(order: order_pb2.Order) -> bool:
    return (
        order.status == order_pb2.ORDER_STATUS_SHIPPED
        and any(item.quantity_backordered for item in order.items)
        and all(item.quantity_delivered == item.quantity_shipped for item in order.items)
        and not any(item.quantity_allocated for item in order.items)
    )


async def take_snapshot(client: ApiClient, order_ids: Sequence[str], expected: int) -> OrdersSnapshot:
    """Read all orders in one call, so that they are from the same time."""
    if not order_ids:
        return OrdersSnapshot((), expected)
    request = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
    response = await client.call(client.orders.BatchGetOrders, request)
    return OrdersSnapshot(response.orders, expected)

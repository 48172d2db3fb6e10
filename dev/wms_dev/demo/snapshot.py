"""How the demo's orders stand at one moment."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.client import Client

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
# Nothing happens to these until somebody decides something.
SETTLED = frozenset(
    {
        order_pb2.ORDER_STATUS_COMPLETED,
        order_pb2.ORDER_STATUS_DEAD_LETTER,
        order_pb2.ORDER_STATUS_CANCELLED,
    }
)
LEFT_THE_HOUSE = frozenset({order_pb2.ORDER_STATUS_SHIPPED, order_pb2.ORDER_STATUS_COMPLETED})


@dataclass(frozen=True)
class Snapshot:
    """All orders that were placed so far, from one moment; `taken_at` on the monotonic clock."""

    orders: Sequence[order_pb2.Order]
    expected: int
    taken_at: float = field(default_factory=time.monotonic)

    @property
    def by_status(self) -> Counter[order_pb2.OrderStatus.ValueType]:
        """How many orders are in each status."""
        return Counter(order.status for order in self.orders)

    @property
    def settled(self) -> int:
        """How many orders have come to an end, or to the dead letter queue."""
        return sum(order.status in SETTLED for order in self.orders)

    @property
    def shipped(self) -> int:
        """How many orders have left the house."""
        return sum(order.status in LEFT_THE_HOUSE for order in self.orders)

    @property
    def shipped_a_second(self) -> float:
        """Orders shipped a second, from the first order to the last first shipment."""
        shipped = [order.shipments[0].shipped_at.ToNanoseconds() for order in self.orders if order.shipments]
        if not shipped:
            return 0.0
        began = min(order.created_at.ToNanoseconds() for order in self.orders)
        return len(shipped) / ((max(shipped) - began) / 1e9)

    @property
    def failures(self) -> int:
        """Failures counted against the orders since each was created or retried by hand."""
        return sum(order.retry_count for order in self.orders)

    @property
    def waiting(self) -> Counter[str]:
        """What the orders that are under way wait for."""
        return Counter(
            order_pb2.WaitingReason.Name(order.waiting_reason)
            .removeprefix("WAITING_REASON_")
            .lower()
            .replace("_", " ")
            for order in self.orders
            if order.status not in SETTLED and order.waiting_reason
        )

    @property
    def dead(self) -> Sequence[order_pb2.Order]:
        """Orders in the dead letter queue."""
        return [order for order in self.orders if order.status == order_pb2.ORDER_STATUS_DEAD_LETTER]

    @property
    def stranded(self) -> Sequence[order_pb2.Order]:
        """Orders whose goods stand where their station can't get them from."""
        no_route = order_pb2.WAITING_REASON_NO_ROUTE
        return [order for order in self.orders if order.waiting_reason == no_route]

    @property
    def is_settled(self) -> bool:
        """Whether nothing moves any more, and nothing is owed."""
        return self.settled == len(self.orders) == self.expected

    @property
    def owed(self) -> Sequence[order_pb2.Order]:
        """Orders of which a part has left and the rest is on backorder."""
        return [order for order in self.orders if _is_owed(order)]

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing moves any more until stock comes or somebody decides something."""
        resting = self.settled + len(self.owed) + len(self.stranded)
        return resting == len(self.orders) == self.expected


def _is_owed(order: order_pb2.Order) -> bool:
    return (
        order.status == order_pb2.ORDER_STATUS_SHIPPED
        and any(item.quantity_backordered for item in order.items)
        and all(item.quantity_delivered == item.quantity_shipped for item in order.items)
        and not any(item.quantity_allocated for item in order.items)
    )


async def take_snapshot(client: Client, order_ids: Sequence[str], expected: int) -> Snapshot:
    """One call, so all orders are from one moment."""
    if not order_ids:
        return Snapshot((), expected)
    request = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
    answer = await client.call(client.orders.BatchGetOrders, request)
    return Snapshot(answer.orders, expected)

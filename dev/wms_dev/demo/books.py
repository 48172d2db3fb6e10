"""The books of the demo: what was done, and what the service says of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wms.orders.v1 import dead_letter_pb2, event_pb2, order_pb2, storage_pb2
from wms_dev.simulator.journal import HELD, SHORT_PICK, Incident

RETRY_SCHEDULED = "wms.order.retry-scheduled"
MOVED_TO_DLQ = "wms.order.moved-to-dlq"

COMPLETED = order_pb2.ORDER_STATUS_COMPLETED
CANCELLED = order_pb2.ORDER_STATUS_CANCELLED
BACKORDER_CANCELLED = storage_pb2.BACKORDER_STATUS_CANCELLED
DEAD_LETTER = order_pb2.ORDER_STATUS_DEAD_LETTER


@dataclass(frozen=True)
class Books:
    """What was done, and what the service says of it at the end.

    `placed` are the units of each SKU of each order, `received` those of each SKU, `escalated` the orders
    that were left to a superior, `given_up` the backorders that the supervisor cancelled, `histories` the
    events of each order, oldest first, `held` the carriers whose goods can't be used, `incidents` what the
    warehouse itself wrote down, `published` the events that were read from Kafka, None where nobody looked.
    """

    placed: Mapping[str, Counter[str]]
    received: Counter[str]
    escalated: frozenset[str]
    orders: Sequence[order_pb2.Order]
    stock: Sequence[storage_pb2.Stock]
    entries: Sequence[dead_letter_pb2.DeadLetterEntry]
    histories: Mapping[str, Sequence[event_pb2.Event]]
    given_up: frozenset[str] = frozenset()
    backorders: Sequence[storage_pb2.Backorder] = ()
    held: Sequence[storage_pb2.Carrier] = ()
    incidents: Sequence[Incident] = ()
    published: frozenset[str] | None = None

    def in_status(self, status: order_pb2.OrderStatus.ValueType) -> list[order_pb2.Order]:
        """The orders that ended in this status."""
        return [order for order in self.orders if order.status == status]

    @property
    def units_ordered(self) -> int:
        """Units of all orders."""
        return sum(units.total() for units in self.placed.values())

    @property
    def units_not_wanted(self) -> int:
        """Units of the orders that ended cancelled."""
        return sum(self.placed[order.order_id].total() for order in self.in_status(CANCELLED))

    @property
    def units_waiting(self) -> int:
        """Units of the orders that ended in the dead letter queue."""
        return sum(self.placed[order.order_id].total() for order in self.in_status(DEAD_LETTER))

    def units_given_up(self, order_id: str) -> Counter[str]:
        """Units of each SKU of an order that the supervisor decided not to wait for."""
        units: Counter[str] = Counter()
        for one in self.backorders:
            if one.order_id == order_id and self.is_given_up(one):
                units[one.sku] += one.quantity - one.quantity_fulfilled
        return units

    def is_given_up(self, backorder: storage_pb2.Backorder) -> bool:
        """Whether it ended by the supervisor's decision, not filled before that."""
        return backorder.backorder_id in self.given_up and backorder.status == BACKORDER_CANCELLED

    @property
    def units_not_sent(self) -> int:
        """Units of completed orders that were given up."""
        return sum(self.units_given_up(order.order_id).total() for order in self.in_status(COMPLETED))

    @property
    def short_picks(self) -> Sequence[Incident]:
        """What pickers did not find."""
        return [one for one in self.incidents if one.kind == SHORT_PICK]

    @property
    def written_off(self) -> Counter[str]:
        """Units of each SKU that pickers did not find."""
        units: Counter[str] = Counter()
        for one in self.short_picks:
            units[one.sku] += one.units
        return units

    @property
    def kept_by_inspector(self) -> frozenset[str]:
        """The carriers that the warehouse's inspector holds back."""
        return frozenset(one.carrier_id for one in self.incidents if one.kind == HELD)

    @property
    def shipped(self) -> Counter[str]:
        """Units of each SKU in all shipments."""
        return sum((shipped_units(order) for order in self.orders), Counter())

    @property
    def on_hand(self) -> Counter[str]:
        """Units of each SKU in the warehouse."""
        return Counter({stock.sku: stock.on_hand for stock in self.stock})

    @property
    def on_hold(self) -> int:
        """Units in the warehouse that can't be used."""
        return sum(stock.on_hold for stock in self.stock)

    @property
    def failures(self) -> int:
        """Failures that were counted, by the events that told of them."""
        return sum(event.type in {RETRY_SCHEDULED, MOVED_TO_DLQ} for event in self.events())

    def events(self) -> Iterator[event_pb2.Event]:
        """The events of all orders."""
        for history in self.histories.values():
            yield from history


def shipped_units(order: order_pb2.Order) -> Counter[str]:
    """Units of each SKU that have left for this order."""
    units: Counter[str] = Counter()
    for shipment in order.shipments:
        for line in shipment.lines:
            units[line.sku] += line.quantity
    return units

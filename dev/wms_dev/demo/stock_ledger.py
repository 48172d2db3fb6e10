"""The data of the reconciliation: the requests of the demo and the service's data at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wms.orders.v1 import dead_letter_pb2, event_pb2, order_pb2, storage_pb2
from wms_dev.simulator.incident_log import HELD, SHORT_PICK, Incident

RETRY_SCHEDULED = "wms.order.retry-scheduled"
MOVED_TO_DLQ = "wms.order.moved-to-dlq"

COMPLETED = order_pb2.ORDER_STATUS_COMPLETED
CANCELLED = order_pb2.ORDER_STATUS_CANCELLED
BACKORDER_CANCELLED = storage_pb2.BACKORDER_STATUS_CANCELLED
DEAD_LETTER = order_pb2.ORDER_STATUS_DEAD_LETTER


@dataclass(frozen=True)
class ReconciliationInput:
    """The requests of the demo, and the service's data at the end.

    `ordered_units_by_order` are the units of each SKU of each order, `received_units` those of each SKU,
    `escalated_order_ids` the orders with escalated dead letters, and `cancelled_backorder_ids` the backorders
    that the supervisor cancelled. `histories` are the events of each order, oldest first. `held_carriers` are
    the load carriers on hold, and `incidents` the incidents that the simulator recorded.
    `published_event_ids` are the events that were read from Kafka, or None if Kafka was not checked.
    """

    ordered_units_by_order: Mapping[str, Counter[str]]
    received_units: Counter[str]
    escalated_order_ids: frozenset[str]
    orders: Sequence[order_pb2.Order]
    stock: Sequence[storage_pb2.Stock]
    entries: Sequence[dead_letter_pb2.DeadLetterEntry]
    histories: Mapping[str, Sequence[event_pb2.Event]]
    cancelled_backorder_ids: frozenset[str] = frozenset()
    backorders: Sequence[storage_pb2.Backorder] = ()
    held_carriers: Sequence[storage_pb2.Carrier] = ()
    incidents: Sequence[Incident] = ()
    published_event_ids: frozenset[str] | None = None

    def orders_in_status(self, status: order_pb2.OrderStatus.ValueType) -> list[order_pb2.Order]:
        """Return the orders that ended in this status."""
        return [order for order in self.orders if order.status == status]

    @property
    def ordered_units(self) -> int:
        """The units of all orders."""
        return sum(units.total() for units in self.ordered_units_by_order.values())

    @property
    def cancelled_units(self) -> int:
        """The units of cancelled orders."""
        return sum(
            self.ordered_units_by_order[order.order_id].total() for order in self.orders_in_status(CANCELLED)
        )

    @property
    def dead_lettered_units(self) -> int:
        """The units of orders in the dead letter queue."""
        return sum(
            self.ordered_units_by_order[order.order_id].total()
            for order in self.orders_in_status(DEAD_LETTER)
        )

    def units_given_up(self, order_id: str) -> Counter[str]:
        """Return the units of each SKU of an order whose backorders the supervisor cancelled."""
        units: Counter[str] = Counter()
        for backorder in self.backorders:
            if backorder.order_id == order_id and self.is_given_up(backorder):
                units[backorder.sku] += backorder.quantity - backorder.quantity_fulfilled
        return units

    def is_given_up(self, backorder: storage_pb2.Backorder) -> bool:
        """Return whether the supervisor cancelled the backorder before it was fulfilled."""
        return (
            backorder.backorder_id in self.cancelled_backorder_ids and backorder.status == BACKORDER_CANCELLED
        )

    @property
    def unsent_units(self) -> int:
        """The units of completed orders that were not shipped because their backorders were cancelled."""
        return sum(self.units_given_up(order.order_id).total() for order in self.orders_in_status(COMPLETED))

    @property
    def short_picks(self) -> Sequence[Incident]:
        """The short picks that the simulator recorded."""
        return [incident for incident in self.incidents if incident.kind == SHORT_PICK]

    @property
    def written_off_units(self) -> Counter[str]:
        """The units of each SKU that pickers did not find."""
        units: Counter[str] = Counter()
        for short_pick in self.short_picks:
            units[short_pick.sku] += short_pick.units
        return units

    @property
    def kept_by_inspector(self) -> frozenset[str]:
        """The load carriers that the simulated inspector put on hold."""
        return frozenset(incident.carrier_id for incident in self.incidents if incident.kind == HELD)

    @property
    def shipped_units_by_sku(self) -> Counter[str]:
        """The units of each SKU in all shipments."""
        return sum((count_shipped_units(order) for order in self.orders), Counter())

    @property
    def on_hand_units(self) -> Counter[str]:
        """The units of each SKU in the warehouse."""
        return Counter({stock.sku: stock.on_hand for stock in self.stock})

    @property
    def on_hold_units(self) -> int:
        """The units on hold."""
        return sum(stock.on_hold for stock in self.stock)

    @property
    def failure_count(self) -> int:
        """The number of failures by the events."""
        return sum(event.type in {RETRY_SCHEDULED, MOVED_TO_DLQ} for event in self.iterate_events())

    def iterate_events(self) -> Iterator[event_pb2.Event]:
        """Yield the events of all orders."""
        for history in self.histories.values():
            yield from history


def count_shipped_units(order: order_pb2.Order) -> Counter[str]:
    """Return the shipped units of each SKU of an order."""
    units: Counter[str] = Counter()
    for shipment in order.shipments:
        for line in shipment.lines:
            units[line.sku] += line.quantity
    return units

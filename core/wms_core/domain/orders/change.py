"""Changes to orders: one transition of the status table, one new version, and one or more events."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import StatusConflict
from wms_core.domain.events.events import EventRecord, OrderEvent
from wms_core.domain.orders.orders import FailureAttempt, Order, Shipment
from wms_core.domain.orders.status import OrderStatus, is_allowed, source_statuses

if TYPE_CHECKING:
    # A backorder is created by a change, and a change carries backorders.
    from wms_core.domain.orders.backorders import Backorder


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order after a change, its events, and the effects on other tables.

    `opened_backorders` are new, `closed_backorders` are cancelled, each with its reason. A change with
    `should_release` releases all allocations and cancels all live backorders of the order.
    """

    order_before: Order | None
    order: Order
    records: tuple[EventRecord, ...] = ()
    attempt: FailureAttempt | None = None
    shipment: Shipment | None = None
    items_replaced: bool = False
    should_release: bool = False
    dead_letter: tuple[OrderStatus, str] | None = None
    opened_backorders: "tuple[Backorder, ...]" = ()
    closed_backorders: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class OrderChangeBuilder:
    """Builds one `OrderChange`: one new version, and one sequence number for each event."""

    order_before: Order
    caller: Caller
    now: datetime
    records: list[EventRecord] = field(default_factory=list)

    def add_event(self, event: OrderEvent, order_after: Order, *, is_transition: bool) -> None:
        """Add an event. `is_transition` marks the event that records the change of status."""
        self.records.append(
            EventRecord(
                order_id=order_after.order_id,
                sequence=self.order_before.sequence + len(self.records) + 1,
                version=self.order_before.version + 1,
                type=event.type,
                occurred_at=self.now,
                from_status=self.order_before.status if is_transition else None,
                to_status=order_after.status if is_transition else None,
                wave_number=order_after.wave_id or self.order_before.wave_id or self.caller.wave_number,
                warehouse_id=order_after.warehouse_id,
                caller=self.caller,
                payload=event.encode_payload(),
            )
        )

    def build(self, order_after: Order, **side_effects: Any) -> OrderChange:
        """Return the change, with the next version of the order."""
        final_order = replace(
            order_after,
            version=self.order_before.version + 1,
            sequence=self.order_before.sequence + len(self.records),
            updated_at=self.now,
        )
        return OrderChange(
            order_before=self.order_before, order=final_order, records=tuple(self.records), **side_effects
        )


def transition(
    order: Order,
    target_status: OrderStatus,
    event: OrderEvent,
    caller: Caller,
    now: datetime,
    *,
    should_release: bool = False,
    **values: Any,
) -> OrderChange:
    """Change the status along one transition of the table; the current status as target changes nothing.

    `values` are further fields of the order to set. Raises StatusConflict.
    """
    if order.status is target_status:
        return OrderChange(order_before=order, order=order)
    if not is_allowed(order.status, target_status):
        raise StatusConflict(
            order_id=order.order_id,
            status=order.status.value,
            required_statuses=",".join(source_statuses(target_status)),
        )
    order_after = replace(order, status=target_status, **values)
    if should_release:
        order_after = release_allocations(order_after)
    change_builder = OrderChangeBuilder(order, caller, now)
    change_builder.add_event(event, order_after, is_transition=True)
    return change_builder.build(order_after, should_release=should_release)


def event_base_fields(order: Order, now: datetime) -> dict[str, Any]:
    """Return the fields that every event has."""
    return {"order_id": order.order_id, "customer_id": order.customer_id, "timestamp": now}


def release_allocations(order: Order) -> Order:
    """Return the order without its allocated, delivered and backordered units that are not shipped."""
    items = tuple(
        replace(item, allocated=item.shipped, delivered=item.shipped, backordered=0) for item in order.items
    )
    return replace(order, items=items)

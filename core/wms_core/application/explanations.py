"""Why an order waits, for people and for machines."""

from dataclasses import dataclass
from datetime import datetime

from wms_core.application.orders import get
from wms_core.application.ports import Transaction
from wms_core.domain.order_status import OrderStatus, legal_calls
from wms_core.domain.orders import Order

_S = OrderStatus

#: Statuses that only the worker can end.
_NEEDS_WORKER = (_S.RECEIVED, _S.VALIDATED, _S.ASSIGNED_TO_WAVE, _S.PICKING, _S.PENDING_RETRY)

_SENTENCES = {
    "not_waiting": "The order is finished; nothing more happens to it.",
    "awaiting_validation": "It waits to be validated, by the worker or by ValidateOrder.",
    "awaiting_wave": "It waits for its wave, planned by the worker or by AssignOrdersToWave.",
    "no_destination": "Warehouse {warehouse_id} has no open destination; PutDestination makes or opens one.",
    "awaiting_allocation": "It is in wave {wave_id}; the worker looks for stock in its next cycle.",
    "destination_paused": "Destination {destination_id} is paused; PutDestination opens it again.",
    "lane_blocked": "There is stock, but in lanes that are blocked.",
    "stock_elsewhere": "There is stock, but its carriers are at other destinations or on their way back.",
    "no_route": "There is stock, but in zones that {destination_id} is not served from.",
    "queue_full": "Stock is allocated; the queue of {destination_id} has no place for its carriers yet.",
    "awaiting_moves": "Stock is allocated; its carriers are awaited at {destination_id}.",
    "awaiting_shipment": "Everything has been delivered to {destination_id}; ShipOrder is awaited.",
    "awaiting_delivery": "It has been shipped; CompleteOrder is awaited.",
    "retry_not_due": "Failure {retry_count} ({last_failure_reason}) is retried when due, or by ResetOrder.",
    "retry_due": "Failure {retry_count} ({last_failure_reason}) is retried in the worker's next cycle.",
    "dead_lettered": "It failed ({last_failure_reason}); ResolveDeadLetterEntry or CancelOrder is awaited.",
    "no_active_worker": "No worker is active; start one, and see that it reaches the database.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason, a sentence, since when, the next time anything is tried, and the calls that are legal now."""

    order: Order
    waiting_reason: str
    sentence: str
    since: datetime
    next_attempt_at: datetime | None
    legal_calls: tuple[str, ...]


async def explain(transaction: Transaction, order_id: str, now: datetime) -> Explanation:
    """Say why an order waits. Raises OrderNotFound."""
    order = await get(transaction, order_id)
    reason = await _reason(transaction, order, now)
    sentence = _SENTENCES[reason].format(
        warehouse_id=order.warehouse_id,
        wave_id=order.wave_id,
        destination_id=order.destination_id,
        retry_count=order.retry_count,
        last_failure_reason=order.last_failure_reason,
    )
    return Explanation(
        order=order,
        waiting_reason=reason,
        sentence=sentence,
        since=await transaction.orders.since(order_id) or order.updated_at,
        next_attempt_at=order.next_retry_at,
        legal_calls=legal_calls(order.status),
    )


async def _reason(transaction: Transaction, order: Order, now: datetime) -> str:
    due = order.next_retry_at is not None and order.next_retry_at <= now
    if order.status is _S.PENDING_RETRY and not due:
        return "retry_not_due"
    if order.status in _NEEDS_WORKER and not await transaction.storage.role_is_held("fulfillment"):
        return "no_active_worker"
    match order.status:
        case _S.VALIDATED:
            return await _without_wave(transaction, order)
        case _S.ASSIGNED_TO_WAVE:
            return await _in_wave(transaction, order)
        case status:
            return _PLAIN[status]


_PLAIN = {
    _S.RECEIVED: "awaiting_validation",
    _S.PICKING: "awaiting_moves",
    _S.PACKING: "awaiting_shipment",
    _S.SHIPPED: "awaiting_delivery",
    _S.COMPLETED: "not_waiting",
    _S.CANCELLED: "not_waiting",
    _S.PENDING_RETRY: "retry_due",
    _S.DEAD_LETTER: "dead_lettered",
}


async def _without_wave(transaction: Transaction, order: Order) -> str:
    destinations = await transaction.storage.destinations(order.warehouse_id, "", 1000)
    return "awaiting_wave" if any(not one.paused for one in destinations) else "no_destination"


async def _in_wave(transaction: Transaction, order: Order) -> str:
    destination = await transaction.storage.destination(order.destination_id or "")
    if destination is not None and destination.paused:
        return "destination_paused"
    if any(item.allocated > item.shipped for item in order.items):
        full = destination is not None and destination.in_queue >= destination.queue_capacity
        return "queue_full" if full else "awaiting_moves"
    return order.waiting_reason or "awaiting_allocation"

"""Explanations of waiting orders, for people and for machines."""

from dataclasses import dataclass
from datetime import datetime

from wms_core.application.database import Transaction
from wms_core.application.orders import get
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import OrderStatus, list_legal_calls
from wms_core.domain.workers import Role

#: Statuses that an order leaves only by the worker.
_NEEDS_WORKER = (
    OrderStatus.RECEIVED,
    OrderStatus.VALIDATED,
    OrderStatus.ASSIGNED_TO_WAVE,
    OrderStatus.PICKING,
    OrderStatus.PENDING_RETRY,
)

_SENTENCES_BY_REASON = {
    "not_waiting": "The order is finished and does not change any more.",
    "awaiting_validation": "It waits for its validation by the worker or by ValidateOrder.",
    "awaiting_wave": "It waits for a wave, from the worker or from AssignOrdersToWave.",
    "no_destination": "Warehouse {warehouse_id} has no open destination; add one with PutDestination.",
    "awaiting_allocation": "It is in wave {wave_id}; the worker allocates stock in its next cycle.",
    "destination_paused": "Destination {destination_id} is paused; open it with PutDestination.",
    "lane_blocked": "There is stock, but only in blocked lanes.",
    "stock_elsewhere": "There is stock, but its carriers are at other destinations or on their way back.",
    "no_route": "There is stock, but only in zones without a route to {destination_id}.",
    "queue_full": "Stock is allocated; the queue of {destination_id} has no free place for its carriers.",
    "awaiting_moves": "Stock is allocated; its carriers have not all arrived at {destination_id}.",
    "awaiting_shipment": "All units have been delivered to {destination_id}; it waits for ShipOrder.",
    "backordered": "A part has been shipped; the rest is on backorder until stock arrives.",
    "fulfillment_paused": "Fulfillment is paused; continue it with ResumeFulfillment.",
    "awaiting_delivery": "It has been shipped; it waits for CompleteOrder.",
    "retry_not_due": "Failure {retry_count} ({last_failure_reason}) is retried when due, or by ResetOrder.",
    "retry_due": "Failure {retry_count} ({last_failure_reason}) is retried in the worker's next cycle.",
    "dead_lettered": "It failed ({last_failure_reason}); it waits for ResolveDeadLetterEntry or CancelOrder.",
    "no_active_worker": "No worker is active; start one, and check that it can connect to the database.",
}


@dataclass(frozen=True, slots=True)
class OrderExplanation:
    """Waiting reason, sentence, time since when, next retry, and the calls that are legal now."""

    order: Order
    waiting_reason: str
    reason_sentence: str
    waiting_since: datetime
    next_attempt_at: datetime | None
    legal_calls: tuple[str, ...]


async def explain_order(transaction: Transaction, order_id: str) -> OrderExplanation:
    """Return why an order waits. Raises OrderNotFound."""
    order = await get(transaction, order_id)
    reason = await _read_waiting_reason(transaction, order)
    reason_sentence = _SENTENCES_BY_REASON[reason].format(
        warehouse_id=order.warehouse_id,
        wave_id=order.wave_id,
        destination_id=order.destination_id,
        retry_count=order.retry_count,
        last_failure_reason=order.last_failure_reason,
    )
    return OrderExplanation(
        order=order,
        waiting_reason=reason,
        reason_sentence=reason_sentence,
        waiting_since=await transaction.orders.get_status_changed_at(order_id) or order.updated_at,
        next_attempt_at=order.next_retry_at,
        legal_calls=list_legal_calls(order.status),
    )


async def _read_waiting_reason(transaction: Transaction, order: Order) -> str:
    reason = await transaction.fulfillment_runs.read_waiting_reason(order.order_id) or "not_waiting"
    needs_worker = order.status in _NEEDS_WORKER and reason not in ("retry_not_due", "fulfillment_paused")
    if needs_worker and not await transaction.warehouse_storage.is_role_held(Role.FULFILLMENT):
        return "no_active_worker"
    return reason

"""Why an order waits, for people and for machines."""

from dataclasses import dataclass
from datetime import datetime

from wms_core.application.orders import get
from wms_core.application.ports import Transaction
from wms_core.domain.order_status import OrderStatus, legal_calls
from wms_core.domain.orders import Order
from wms_core.domain.workers import Role

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
    "backordered": "A part has been shipped; the rest is on backorder until stock comes or CancelBackorder.",
    "fulfillment_paused": "Fulfillment is paused; ResumeFulfillment starts it again.",
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


async def explain(transaction: Transaction, order_id: str) -> Explanation:
    """Say why an order waits. Raises OrderNotFound."""
    order = await get(transaction, order_id)
    reason = await _reason(transaction, order)
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


async def _reason(transaction: Transaction, order: Order) -> str:
    reason = await transaction.fulfillment.waiting_reason(order.order_id) or "not_waiting"
    needs_worker = order.status in _NEEDS_WORKER and reason not in ("retry_not_due", "fulfillment_paused")
    if needs_worker and not await transaction.storage.role_is_held(Role.FULFILLMENT):
        return "no_active_worker"
    return reason

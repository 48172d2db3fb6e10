"""Events that Kafka rejected: each function runs one call inside a transaction."""

from datetime import datetime

from wms_core.application.database import Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import ParkedEventNotFound
from wms_core.domain.events.kafka import ParkedEvent

#: Parked events are large; a response must stay below the message limit of clients.
_PAGE_BYTES = 1_500_000


async def list_page(
    transaction: Transaction, order_id: str, after_position: int, page_size: int
) -> tuple[list[ParkedEvent], bool]:
    """Return a page, oldest first, and whether more follow; a page of large events is shorter."""
    candidate_events = await transaction.relay_progress.list_parked(
        order_id, after_position, page_size + 1, _PAGE_BYTES
    )
    page: list[ParkedEvent] = []
    remaining_bytes = _PAGE_BYTES
    for parked_event in candidate_events[:page_size]:
        if remaining_bytes <= 0:
            break
        page.append(parked_event)
        remaining_bytes -= len(parked_event.event.payload.encode())
    return page, len(candidate_events) > len(page)


async def release(transaction: Transaction, event_id: str, caller: Caller, now: datetime) -> ParkedEvent:
    """Release a parked event: it is published again, then the events behind it.

    Raises ParkedEventNotFound.
    """
    parked_event = await transaction.relay_progress.release(event_id, now)
    if parked_event is None:
        raise ParkedEventNotFound(event_id=event_id)
    audit_subject = f"event/{parked_event.event.event_id}"
    audit_details = {"orderId": parked_event.event.order_id, "lastError": parked_event.last_error}
    await transaction.warehouse_storage.record_audit(
        caller, "parked-event.release", {audit_subject: audit_details}, now
    )
    return parked_event

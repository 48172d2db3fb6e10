"""Events that Kafka refused: each function is one call's work inside a transaction."""

from datetime import datetime

from wms_core.application.ports import Transaction
from wms_core.domain.caller import Caller
from wms_core.domain.errors import ParkedEventNotFound
from wms_core.domain.publishing import ParkedEvent

#: Parked events are the large ones: an answer of many has to fit into what clients take in.
_PAGE_BYTES = 1_500_000


async def list_page(
    transaction: Transaction, order_id: str, after: int, size: int
) -> tuple[list[ParkedEvent], bool]:
    """Give a page, oldest first, and whether there are more; a page of large events is shorter."""
    found = await transaction.relay.parked(order_id, after, size + 1, _PAGE_BYTES)
    page: list[ParkedEvent] = []
    room = _PAGE_BYTES
    for parked in found[:size]:
        if room <= 0:
            break
        page.append(parked)
        room -= len(parked.event.payload.encode())
    return page, len(found) > len(page)


async def release(transaction: Transaction, event_id: str, caller: Caller, now: datetime) -> ParkedEvent:
    """Have a parked event tried again, and then those behind it published. Raises ParkedEventNotFound."""
    parked = await transaction.relay.release(event_id, now)
    if parked is None:
        raise ParkedEventNotFound(event_id=event_id)
    subject = f"event/{parked.event.event_id}"
    detail = {"orderId": parked.event.order_id, "lastError": parked.last_error}
    await transaction.storage.audit(caller, "parked-event.release", {subject: detail}, now)
    return parked

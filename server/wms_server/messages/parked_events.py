"""Events that Kafka refused."""

from wms.orders.v1 import fulfillment_pb2
from wms_core.domain.publishing import ParkedEvent
from wms_server.messages.orders import event_message
from wms_server.messages.values import timestamp


def parked_event_message(parked: ParkedEvent) -> fulfillment_pb2.ParkedEvent:
    """Write a parked event."""
    return fulfillment_pb2.ParkedEvent(
        event=event_message(parked.event),
        parked_at=timestamp(parked.parked_at),
        attempts=parked.attempts,
        last_error=parked.last_error,
        held_up=parked.held_up,
    )

"""Events of the log, encoded as messages for subscribers."""

import json
from dataclasses import dataclass
from functools import cached_property

from wms.orders.v1.orders_pb2 import WatchHeartbeat, WatchOrdersResponse
from wms_core.application.database import EventFilter
from wms_core.domain.events.events import EventRecord
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_server.mapping.common import to_optional_timestamp
from wms_server.mapping.orders import to_event_message


@dataclass(frozen=True, slots=True)
class EncodedMessage:
    """An encoded message, and the position to resume from after it."""

    position: int
    message: bytes


class LoggedEvent:
    """An event of the log, encoded once for all subscribers."""

    def __init__(self, event: EventRecord) -> None:
        assert event.position is not None  # it is in the log
        self.event = event
        self.position = event.position

    @cached_property
    def encoded(self) -> EncodedMessage:
        """The encoded message, created on first use."""
        message = WatchOrdersResponse(event=to_event_message(self.event))
        return EncodedMessage(self.position, message.SerializeToString())

    @cached_property
    def customer_id(self) -> str:
        """The customer id, which is only in the payload."""
        return str(json.loads(self.event.payload).get("customerId", ""))

    def matches(self, event_filter: EventFilter) -> bool:
        """Return whether the event matches a filter."""
        event = self.event
        return (
            (not event_filter.order_ids or event.order_id in event_filter.order_ids)
            and (not event_filter.types or event.type in event_filter.types)
            and (not event_filter.statuses or event.to_status in event_filter.statuses)
            and (not event_filter.warehouse_id or event.warehouse_id == event_filter.warehouse_id)
            and (not event_filter.customer_id or self.customer_id == event_filter.customer_id)
        )


def encode_heartbeat(position: int) -> EncodedMessage:
    """Return a heartbeat: everything up to this position has been read."""
    watch_heartbeat = WatchHeartbeat(position=position, sent_at=to_optional_timestamp(DATABASE_CLOCK.now()))
    return EncodedMessage(position, WatchOrdersResponse(heartbeat=watch_heartbeat).SerializeToString())

"""Events as watchers are told of them."""

import json
from dataclasses import dataclass
from functools import cached_property

from wms.orders.v1.orders_pb2 import WatchHeartbeat, WatchOrdersResponse
from wms_core.application.ports import EventFilter
from wms_core.clock import CLOCK
from wms_core.domain.events import EventRecord
from wms_server.messages.orders import event_message
from wms_server.messages.values import timestamp


@dataclass(frozen=True, slots=True)
class Told:
    """A message in bytes, and the position from which to resume after it."""

    position: int
    message: bytes


class News:
    """An event of the log, which is written once for all who want it."""

    def __init__(self, event: EventRecord) -> None:
        """Take an event that has its position."""
        assert event.position is not None  # it is in the log
        self.event = event
        self.position = event.position

    @cached_property
    def told(self) -> Told:
        """The message of this event, written when the first one wants it."""
        message = WatchOrdersResponse(event=event_message(self.event))
        return Told(self.position, message.SerializeToString())

    @cached_property
    def customer_id(self) -> str:
        """The customer, whom only the payload names."""
        return str(json.loads(self.event.payload).get("customerId", ""))

    def suits(self, wanted: EventFilter) -> bool:
        """Say whether a filter lets the event through."""
        event = self.event
        return (
            (not wanted.order_ids or event.order_id in wanted.order_ids)
            and (not wanted.types or event.type in wanted.types)
            and (not wanted.statuses or event.to_status in wanted.statuses)
            and (not wanted.warehouse_id or event.warehouse_id == wanted.warehouse_id)
            and (not wanted.customer_id or self.customer_id == wanted.customer_id)
        )


def heartbeat(position: int) -> Told:
    """Tell that everything up to a position has been read."""
    life = WatchHeartbeat(position=position, sent_at=timestamp(CLOCK.now()))
    return Told(position, WatchOrdersResponse(heartbeat=life).SerializeToString())

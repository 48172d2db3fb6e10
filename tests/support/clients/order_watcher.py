"""A subscriber to orders, and the events that it must receive by the event log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.support.clients.grpc_api import Api
from tests.support.invariants.event_log import LogEntry
from tests.support.waiting import with_timeout

from wms.orders.v1 import event_pb2, orders_pb2


class OrderSubscription:
    """One open stream of events, created by `subscribe_to_orders`; `position` is where it can resume."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.position = -1

    async def read_next(self) -> event_pb2.Event | None:
        """Return the next event, None for a heartbeat. Raises the error that ends the stream."""
        message = await with_timeout(self.call.read(), 20)
        assert isinstance(message, orders_pb2.WatchOrdersResponse), message
        if message.HasField("heartbeat"):
            assert message.heartbeat.position >= self.position
            self.position = message.heartbeat.position
            return None
        assert message.event.position > self.position
        self.position = message.event.position
        return message.event

    async def read_first_heartbeat(self) -> int:
        """Receive the first heartbeat. Return its position."""
        assert await self.read_next() is None
        return self.position

    async def read_events(self, count: int) -> list[event_pb2.Event]:
        """Return the next `count` events, and skip heartbeats."""
        received_events: list[event_pb2.Event] = []
        while len(received_events) < count:
            if (event := await self.read_next()) is not None:
                received_events.append(event)
        return received_events

    async def read_until_position(self, position: int) -> list[event_pb2.Event]:
        """Return the events up to a position, which an event or a heartbeat reports."""
        received_events: list[event_pb2.Event] = []
        while self.position < position:
            if (event := await self.read_next()) is not None:
                received_events.append(event)
        return received_events

    async def read_until_error(self) -> None:
        """Read until the error that ends the stream, and raise it."""
        while True:
            await self.read_next()


@asynccontextmanager
async def subscribe_to_orders(api: Api, **request: Any) -> AsyncIterator[OrderSubscription]:
    """Subscribe to orders by the fields of the request during the block."""
    call = api.orders.WatchOrders(orders_pb2.WatchOrdersRequest(**request))
    try:
        yield OrderSubscription(call)
    finally:
        call.cancel()


def event_keys(events: Sequence[event_pb2.Event]) -> list[tuple[int, str]]:
    """Return positions and ids of events."""
    return [(event.position, event.event_id) for event in events]


def logged_event_keys(log: Sequence[LogEntry], after: int = 0) -> list[tuple[int, str]]:
    """Return positions and ids of the log's events after a position."""
    return [(event.position, str(event.event_id)) for event in log if event.position > after]

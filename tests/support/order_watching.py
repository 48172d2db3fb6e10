"""A client that watches orders, and what the log says that it has to see."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.support.api import Api
from tests.support.event_log import Logged
from tests.support.waiting import bounded
from wms.orders.v1 import event_pb2, orders_pb2


class Following:
    """One open stream of events; `position` is where it could be resumed."""

    def __init__(self, call: Any) -> None:
        """Use `following` instead."""
        self.call = call
        self.position = -1

    async def next(self) -> event_pb2.Event | None:
        """Give what comes next, None for a heartbeat. Raises the error that ends the stream."""
        message = await bounded(self.call.read(), 20)
        assert isinstance(message, orders_pb2.WatchOrdersResponse), message
        if message.HasField("heartbeat"):
            assert message.heartbeat.position >= self.position
            self.position = message.heartbeat.position
            return None
        assert message.event.position > self.position
        self.position = message.event.position
        return message.event

    async def begin(self) -> int:
        """Take the heartbeat that comes first; gives its position."""
        assert await self.next() is None
        return self.position

    async def take(self, count: int) -> list[event_pb2.Event]:
        """Give the next events, so many, whatever heartbeats come between."""
        found: list[event_pb2.Event] = []
        while len(found) < count:
            if (event := await self.next()) is not None:
                found.append(event)
        return found

    async def until(self, position: int) -> list[event_pb2.Event]:
        """Give the events up to a position, which an event or a heartbeat tells of."""
        found: list[event_pb2.Event] = []
        while self.position < position:
            if (event := await self.next()) is not None:
                found.append(event)
        return found

    async def until_end(self) -> None:
        """Read until the error that ends the stream, and raise it."""
        while True:
            await self.next()


@asynccontextmanager
async def following(api: Api, **request: Any) -> AsyncIterator[Following]:
    """Watch orders by the fields of the request; at the end the client leaves."""
    call = api.orders.WatchOrders(orders_pb2.WatchOrdersRequest(**request))
    try:
        yield Following(call)
    finally:
        call.cancel()


def ids(events: Sequence[event_pb2.Event]) -> list[tuple[int, str]]:
    """Give where events are and which they are."""
    return [(event.position, event.event_id) for event in events]


def logged_ids(log: Sequence[Logged], after: int = 0) -> list[tuple[int, str]]:
    """Give the same of the log after a position."""
    return [(event.position, str(event.event_id)) for event in log if event.position > after]

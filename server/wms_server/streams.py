"""The open streams of one process: how many there may be, and how they end.

A method that is marked `stream` makes its messages as they come, outside of any transaction; what it raises
before or after the first of them ends the call with that error. Streams count apart from the calls at work,
so neither keeps the other out.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from wms_core.application.ports import Database
from wms_core.domain.errors import ShuttingDown, TooManyStreams, WatcherTooSlow
from wms_server.calls import Call

#: Gives messages, or the bytes of one that is told to many.
StreamMethod = Callable[[Database, Any, Call], AsyncGenerator[Message | bytes, None]]
M = TypeVar("M", bound=Callable[..., Any])
T = TypeVar("T")
Send = Callable[[bytes], Awaitable[None]]
#: How long one message may wait for a client that does not read (contract: WatchMoves, WatchOrders).
SEND_PATIENCE = 30.0


def stream(method: M) -> M:
    """Mark a method that answers with a stream: an async generator of its messages."""
    method.streams = True  # type: ignore[attr-defined]
    return method


class Streams:
    """Lets a limited number of streams run, each in the task of its call, and ends them all at once."""

    def __init__(self, limit: int) -> None:
        """Start with none."""
        self._limit = limit
        self._open: set[asyncio.Timeout] = set()
        self._held_places = 0

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open) + self._held_places

    @contextmanager
    def hold_place(self) -> Iterator[None]:
        """Count a stream whose messages are over until its status is sent, at the end of the block.

        The status comes behind the last message. A client that does not read keeps its stream and that
        message: gRPC lets a server reset no stream.
        """
        self._held_places += 1
        try:
            yield
        finally:
            self._held_places -= 1

    def close(self) -> None:
        """End every open stream with ShuttingDown, also one whose client does not read."""
        now = asyncio.get_running_loop().time()
        for scope in self._open:
            if scope.when() is None:
                scope.reschedule(now)

    async def run(self, messages: AsyncGenerator[T, None], send: Callable[[T], Awaitable[None]]) -> None:
        """Send messages until there are no more.

        Raises TooManyStreams, ShuttingDown, WatcherTooSlow, and whatever making or sending a message raises.
        """
        if self.count >= self._limit:
            raise TooManyStreams(limit=self._limit)
        scope = asyncio.timeout(None)
        try:
            async with scope, aclosing(messages):
                self._open.add(scope)
                async for message in messages:
                    await send_in_time(send, message)
        except TimeoutError:
            if scope.expired():
                raise ShuttingDown from None
            raise
        finally:
            self._open.discard(scope)


async def send_in_time(send: Callable[[T], Awaitable[None]], message: T) -> None:
    """Send one message. Raises WatcherTooSlow when the client does not read."""
    try:
        async with asyncio.timeout(SEND_PATIENCE):
            await send(message)
    except TimeoutError:
        raise WatcherTooSlow from None

"""Requests on their way in over gRPC, of which a bounded number is read at a time.

gRPC tells nothing of a message before it is whole, and takes in as much as one may have for every call that
is read; of a call that is not read no more comes than the window of its stream. So few calls are read at a
time. Nearly every message is there at once, and its place is free again. The few that take longer have places
of their own. When those are taken too, one that takes longer keeps the place that it has until another call
wants it, and is refused then: a server or client that is short of processor time is slow with every message.

Connections take turns. When the most calls wait, one of the connection with the most of them is refused.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import grpc

from wms_core.domain.errors import DeadlinePassed, MalformedMessage, TooManyUnfinished, WmsError

#: Calls that are read, calls that are read for longer than a moment, and calls that wait to be read.
MAX_READING, MAX_SLOW, MAX_WAITING = 12, 8, 64
#: Seconds of a moment, and of a shorter one while many wait.
MOMENT_SECONDS, SHORT_SECONDS = 0.1, 0.02


#: Ends a call whose request is not whole with an error.
End = Callable[[WmsError], Awaitable[None]]


class IncomingRequests:
    """Reads the requests of one process's calls, each of which has so many seconds to arrive."""

    def __init__(
        self,
        timeout_seconds: float,
        max_reading: int = MAX_READING,
        max_slow: int = MAX_SLOW,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """Start with none."""
        self._timeout_seconds = timeout_seconds
        self._places = max_reading
        self._max_slow = max_slow
        self._max_waiting = max_waiting
        #: The oldest first.
        self._reading: dict[object, _Reading] = {}
        self._slow: dict[object, _Reading] = {}
        #: Of each connection, the one whose turn it is first.
        self._waiting: dict[str, deque[_Place]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many calls there are whose request is not whole."""
        return len(self._reading) + len(self._slow) + self._waiting_count

    async def read(self, context: Any, end: End) -> bytes:
        """Return the first message of a call.

        Raises TooManyUnfinished and DeadlinePassed when it has no place, MalformedMessage when there is none,
        and what gRPC ends a call with after it was ended here, because it took too long.
        """
        if self._places:
            self._places -= 1
        else:
            await self._wait_for_place(context.peer())
        loop = asyncio.get_running_loop()
        reading = self._reading[context] = _Reading(end, loop.time())
        # One timer for all, as nearly every message is there already.
        if self._timer is None:
            self._timer = loop.call_later(MOMENT_SECONDS / 2, self._sweep)
        try:
            message = await context.read()
            if reading.ending is not None:
                # It has come too late. To read on raises what ends the call, which keeps this frame.
                del message
                await asyncio.wait({reading.ending})
                message = await context.read()
        finally:
            if self._slow.pop(context, None) is None:
                del self._reading[context]
                self._leave_place()
        if message is grpc.aio.EOF:
            raise MalformedMessage
        return message  # type: ignore[no-any-return]

    @property
    def _waiting_count(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def _wait_for_place(self, connection: str) -> None:
        if self._waiting_count >= self._max_waiting:
            self._refuse_one(connection)
        loop = asyncio.get_running_loop()
        place = _Place(loop.create_future(), loop.time())
        self._waiting.setdefault(connection, deque()).append(place)
        try:
            await place.future
        except asyncio.CancelledError:
            if not place.future.cancelled() and place.future.exception() is None:
                # It was given at this very moment.
                self._leave_place()
            raise
        finally:
            self._remove(connection, place)

    def _remove(self, connection: str, place: "_Place") -> None:
        """Remove a place that its call wants no more; it was removed already when it was given or refused."""
        line = self._waiting.get(connection, deque())
        if place in line:
            line.remove(place)
            if not line:
                del self._waiting[connection]

    def _refuse_one(self, connection: str) -> None:
        """Refuse the last call of the connection with the most waiting ones. Raise for the one that asks."""
        refused = TooManyUnfinished(limit=self._max_slow)
        longest = max(self._waiting.values(), key=len)
        if len(longest) <= len(self._waiting.get(connection, ())) + 1:
            raise refused
        last = longest.pop().future
        if not last.done():
            last.set_exception(refused)

    def _leave_place(self) -> None:
        while self._waiting:
            connection, line = next(iter(self._waiting.items()))
            del self._waiting[connection]
            place = line.popleft()
            if line:
                self._waiting[connection] = line
            if not place.future.done():
                place.future.set_result(None)
                return
        self._places += 1

    def _sweep(self) -> None:
        """Move what takes longer than a moment to the places for that, and end what takes too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        wanted = self._waiting_count
        moment = MOMENT_SECONDS if wanted < self._max_waiting / 2 else SHORT_SECONDS
        for context, reading in [*self._reading.items()]:
            if now - reading.since < moment:
                break
            if reading.ending is not None:
                wanted -= 1
            elif len(self._slow) < self._max_slow:
                self._slow[context] = self._reading.pop(context)
                self._leave_place()
                wanted -= 1
            elif wanted > 0:
                reading.end(TooManyUnfinished(limit=self._max_slow))
                wanted -= 1
        for reading in [*self._reading.values(), *self._slow.values()]:
            if now - reading.since >= self._timeout_seconds:
                reading.end(DeadlinePassed())
        for place in [place for line in self._waiting.values() for place in line]:
            if now - place.since >= self._timeout_seconds and not place.future.done():
                place.future.set_exception(DeadlinePassed())
        self._timer = loop.call_later(moment / 2, self._sweep) if self.count else None


class _Place(NamedTuple):
    """A place that a call waits for, since when by the clock of the loop."""

    future: "asyncio.Future[None]"
    since: float


class _Reading:
    """A call that is being read, and the task that ends it.

    It is ended beside the task that reads: were that cancelled, gRPC would lose the message with its memory.
    """

    __slots__ = ("_end", "ending", "since")

    def __init__(self, end: End, since: float) -> None:
        self._end = end
        self.since = since
        self.ending: asyncio.Task[None] | None = None

    def end(self, error: WmsError) -> None:
        if self.ending is None:
            self.ending = asyncio.ensure_future(_awaited(self._end(error)))


async def _awaited(ending: Awaitable[None]) -> None:
    # The task that reads is told, too.
    with suppress(grpc.aio.AbortError):
        await ending

"""Incoming requests over gRPC: a limited number is read concurrently.

gRPC reports a message only when it is complete. For each call that is read it buffers up to the maximum
message size; for a call that is not read, only the window of its stream. Therefore few calls are read at the
same time. Nearly every message is complete at once and frees its slot. Slow requests move to separate slots.
If those are used up, a slow request keeps its slot until another call waits for it, and is then rejected: a
server or client that lacks CPU time is slow with every message.

Connections take turns. When the maximum number of calls waits, a call of the connection with the most waiting
calls is rejected.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import grpc

from wms_core.domain.errors import DeadlinePassed, MalformedMessage, TooManyUnfinished, WmsError

#: Maximum numbers of calls being read, being read slowly, and waiting to be read.
MAX_READING, MAX_SLOW, MAX_WAITING = 12, 8, 64
#: Seconds after which a request is slow, normally and while many calls wait.
SLOW_AFTER_SECONDS, BUSY_SLOW_AFTER_SECONDS = 0.1, 0.02


#: Ends a call with an error before its request is complete.
EndCall = Callable[[WmsError], Awaitable[None]]


class IncomingRequests:
    """Reads the requests of one process's calls; each has `timeout_seconds` to arrive."""

    def __init__(
        self,
        timeout_seconds: float,
        max_reading: int = MAX_READING,
        max_slow: int = MAX_SLOW,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._free_slots = max_reading
        self._max_slow = max_slow
        self._max_waiting = max_waiting
        #: Oldest first.
        self._reading_by_call: dict[object, _CallReading] = {}
        self._slow_by_call: dict[object, _CallReading] = {}
        #: The waiting calls of each connection; the next connection comes first.
        self._waiting_by_connection: dict[str, deque[_WaitingCall]] = {}
        self._sweep_timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """The number of calls with an incomplete request."""
        return len(self._reading_by_call) + len(self._slow_by_call) + self._waiting_count

    async def read_request(self, rpc_context: Any, end_call: EndCall) -> bytes:
        """Return the first message of a call.

        If the call was ended here because it took too long, raise the error of gRPC for an ended call.

        Raises:
            TooManyUnfinished: too many calls wait to be read.
            DeadlinePassed: the call got no slot in time.
            MalformedMessage: the call has no message.
        """
        if self._free_slots:
            self._free_slots -= 1
        else:
            await self._wait_for_slot(rpc_context.peer())
        event_loop = asyncio.get_running_loop()
        call_reading = self._reading_by_call[rpc_context] = _CallReading(end_call, event_loop.time())
        # One timer for all calls, because nearly every message is available at once.
        if self._sweep_timer is None:
            self._sweep_timer = event_loop.call_later(SLOW_AFTER_SECONDS / 2, self._sweep_calls)
        try:
            message = await rpc_context.read()
            if call_reading.ending_task is not None:
                # Too late. Reading again raises the error of the ended call; its traceback keeps this frame.
                del message
                await asyncio.wait({call_reading.ending_task})
                message = await rpc_context.read()
        finally:
            if self._slow_by_call.pop(rpc_context, None) is None:
                del self._reading_by_call[rpc_context]
                self._release_slot()
        if message is grpc.aio.EOF:
            raise MalformedMessage
        return message  # type: ignore[no-any-return]

    @property
    def _waiting_count(self) -> int:
        return sum(map(len, self._waiting_by_connection.values()))

    async def _wait_for_slot(self, connection: str) -> None:
        if self._waiting_count >= self._max_waiting:
            self._reject_newest(connection)
        event_loop = asyncio.get_running_loop()
        waiting_call = _WaitingCall(event_loop.create_future(), event_loop.time())
        self._waiting_by_connection.setdefault(connection, deque()).append(waiting_call)
        try:
            await waiting_call.slot_future
        except asyncio.CancelledError:
            if not waiting_call.slot_future.cancelled() and waiting_call.slot_future.exception() is None:
                # The slot was assigned at this very moment.
                self._release_slot()
            raise
        finally:
            self._remove_waiting(connection, waiting_call)

    def _remove_waiting(self, connection: str, waiting_call: "_WaitingCall") -> None:
        """Remove an abandoned waiting entry, unless it was removed when its slot was assigned or rejected."""
        call_queue = self._waiting_by_connection.get(connection, deque())
        if waiting_call in call_queue:
            call_queue.remove(waiting_call)
            if not call_queue:
                del self._waiting_by_connection[connection]

    def _reject_newest(self, connection: str) -> None:
        """Reject the newest call of the connection with the most waiting calls; raise if it is this call."""
        error = TooManyUnfinished(limit=self._max_slow)
        longest_queue = max(self._waiting_by_connection.values(), key=len)
        if len(longest_queue) <= len(self._waiting_by_connection.get(connection, ())) + 1:
            raise error
        newest_future = longest_queue.pop().slot_future
        if not newest_future.done():
            newest_future.set_exception(error)

    def _release_slot(self) -> None:
        while self._waiting_by_connection:
            connection, call_queue = next(iter(self._waiting_by_connection.items()))
            del self._waiting_by_connection[connection]
            waiting_call = call_queue.popleft()
            if call_queue:
                self._waiting_by_connection[connection] = call_queue
            if not waiting_call.slot_future.done():
                waiting_call.slot_future.set_result(None)
                return
        self._free_slots += 1

    def _sweep_calls(self) -> None:
        """Move slow requests to the slots for them, and end the ones that take too long."""
        event_loop = asyncio.get_running_loop()
        now = event_loop.time()
        waiting_count = self._waiting_count
        slow_after_seconds = (
            SLOW_AFTER_SECONDS if waiting_count < self._max_waiting / 2 else BUSY_SLOW_AFTER_SECONDS
        )
        for rpc_context, call_reading in [*self._reading_by_call.items()]:
            if now - call_reading.started_at < slow_after_seconds:
                break
            if call_reading.ending_task is not None:
                waiting_count -= 1
            elif len(self._slow_by_call) < self._max_slow:
                self._slow_by_call[rpc_context] = self._reading_by_call.pop(rpc_context)
                self._release_slot()
                waiting_count -= 1
            elif waiting_count > 0:
                call_reading.end(TooManyUnfinished(limit=self._max_slow))
                waiting_count -= 1
        for call_reading in [*self._reading_by_call.values(), *self._slow_by_call.values()]:
            if now - call_reading.started_at >= self._timeout_seconds:
                call_reading.end(DeadlinePassed())
        for waiting_call in [
            waiting_call for call_queue in self._waiting_by_connection.values() for waiting_call in call_queue
        ]:
            if (
                now - waiting_call.waiting_since >= self._timeout_seconds
                and not waiting_call.slot_future.done()
            ):
                waiting_call.slot_future.set_exception(DeadlinePassed())
        self._sweep_timer = (
            event_loop.call_later(slow_after_seconds / 2, self._sweep_calls) if self.count else None
        )


class _WaitingCall(NamedTuple):
    """A call that waits for a slot, since a time of the event loop's clock."""

    slot_future: "asyncio.Future[None]"
    waiting_since: float


class _CallReading:
    """A call that is being read, and the task that ends it.

    A separate task ends it: cancelling the reading task would make gRPC leak the message.
    """

    __slots__ = ("_end_call", "ending_task", "started_at")

    def __init__(self, end_call: EndCall, started_at: float) -> None:
        self._end_call = end_call
        self.started_at = started_at
        self.ending_task: asyncio.Task[None] | None = None

    def end(self, error: WmsError) -> None:
        if self.ending_task is None:
            self.ending_task = asyncio.ensure_future(_await_ending(self._end_call(error)))


async def _await_ending(call_ending: Awaitable[None]) -> None:
    # gRPC raises this error in the reading task, too.
    with suppress(grpc.aio.AbortError):
        await call_ending

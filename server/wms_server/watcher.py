"""One watcher: what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wms_core.domain.errors import WatcherTooSlow
from wms_server.watch_buffers import WatchBuffers

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Patience:
    """How far a watcher may be behind, and the seconds of quiet after which it gets a heartbeat.

    `room` is a number of messages, `room_bytes` their size; whatever is reached first ends it. `buffers` are
    those of all watchers of the process.
    """

    room: int
    quiet: float
    room_bytes: int = 8 * 1024 * 1024
    buffers: WatchBuffers = field(default_factory=lambda: WatchBuffers(32 * 1024 * 1024))


class Watcher(Generic[M]):
    """A buffer between the one who looks and one stream. It is new until `begin`; `end` ends it for good."""

    def __init__(self, patience: Patience, heartbeat: Callable[[], M], size_of: Callable[[M], int]) -> None:
        """Bear with it as `patience` says, beside what there is at the beginning."""
        self._room = patience.room
        self._room_bytes = patience.room_bytes
        self._quiet = patience.quiet
        self._heartbeat = heartbeat
        self._size_of = size_of
        self._waiting: deque[M] = deque()
        self._buffers = patience.buffers
        self.waiting_bytes = 0
        self._some = asyncio.Event()
        self._error: type[Exception] | None = None
        self.is_new = True

    @property
    def has_ended(self) -> bool:
        """Whether it takes nothing any more."""
        return self._error is not None

    def begin(self, messages: Iterable[M]) -> None:
        """Take what there is at the beginning, however much."""
        self.is_new = False
        self._buffers.add(self)
        self._append(messages)
        self._room += len(self._waiting)
        self._room_bytes += self.waiting_bytes
        self._some.set()
        self._buffers.end_slowest()

    def tell(self, messages: Iterable[M]) -> None:
        """Take what is new; ends with WatcherTooSlow when there is no room for it."""
        if self.has_ended:
            return
        self._append(messages)
        if len(self._waiting) > self._room or self.waiting_bytes > self._room_bytes:
            self.give_up()
        elif self._waiting:
            self._some.set()
        self._buffers.end_slowest()

    def end(self, error: type[Exception]) -> None:
        """Let `next` raise this once nothing waits any more."""
        self._error = error
        self._some.set()

    def give_up(self) -> None:
        """End it with WatcherTooSlow, and let go of what waits for it."""
        self.clear()
        self.end(WatcherTooSlow)

    def clear(self) -> None:
        """Let go of what waits: it is told nothing more."""
        while self._waiting:
            self._take()
        self._buffers.discard(self)

    async def next(self) -> M:
        """Give the next message; a heartbeat when, after the beginning, none has come for long enough.

        Raises what it was ended with.
        """
        while not self._waiting:
            if self._error is not None:
                raise self._error
            self._some.clear()
            try:
                async with asyncio.timeout(None if self.is_new else self._quiet):
                    await self._some.wait()
            except TimeoutError:
                # What came at the same moment goes first: a heartbeat tells that nothing waits.
                if not self._waiting:
                    return self._heartbeat()
        return self._take()

    def _append(self, messages: Iterable[M]) -> None:
        for message in messages:
            size = self._size_of(message)
            self._waiting.append(message)
            self.waiting_bytes += size
            self._buffers.hold(message, size)

    def _take(self) -> M:
        message = self._waiting.popleft()
        size = self._size_of(message)
        self.waiting_bytes -= size
        self._buffers.release(message, size)
        return message

"""The buffers of all watchers of one process: how many bytes wait in them together."""

from collections import Counter
from typing import Protocol


class Buffer(Protocol):
    """What waits for one watcher."""

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait."""
        ...

    def give_up(self) -> None:
        """End the watcher, and let go of all that waits for it."""
        ...


class WatchBuffers:
    """Counts the bytes of messages that wait, those that several watchers share once.

    Beyond the limit the watcher that is furthest behind is ended, so that those who read are not.
    """

    def __init__(self, max_bytes: int) -> None:
        """Start with none."""
        self._max_bytes = max_bytes
        #: How many watchers a message waits for, by its identity.
        self._holders: Counter[int] = Counter()
        self._buffers: set[Buffer] = set()
        self.held_bytes = 0

    def add(self, buffer: Buffer) -> None:
        """Know a buffer that may have to be given up."""
        self._buffers.add(buffer)

    def discard(self, buffer: Buffer) -> None:
        """Forget a buffer in which nothing waits."""
        self._buffers.discard(buffer)

    def hold(self, message: object, size: int) -> None:
        """Count a message that waits for one more watcher."""
        if not self._holders[id(message)]:
            self.held_bytes += size
        self._holders[id(message)] += 1

    def release(self, message: object, size: int) -> None:
        """Count a message that waits for one watcher less."""
        self._holders[id(message)] -= 1
        if not self._holders[id(message)]:
            del self._holders[id(message)]
            self.held_bytes -= size

    def end_slowest(self) -> None:
        """End those that are furthest behind, until what waits is within the limit."""
        while self.held_bytes > self._max_bytes and self._buffers:
            slowest = max(self._buffers, key=lambda buffer: buffer.waiting_bytes)
            slowest.give_up()
            self._buffers.discard(slowest)

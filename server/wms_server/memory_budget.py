"""The bytes that requests and answers of one process hold together.

A call counts from the moment in which its request is whole until its work is done, and its answer until it is
written. Large requests and lists leave a share to small ones, so that those are served beside them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wms_core.domain.errors import TooManyBytes

#: What a request at work takes for each byte of it: decoded, as orders, as arguments of a query.
REQUEST_FACTOR = 3
#: What an answer takes for each byte: gRPC writes a copy.
RESPONSE_FACTOR = 2
#: Bytes up to which a request is a small one.
SMALL_BYTES = 64 * 1024
#: Bytes of a body over HTTP that are free: connections are few, and nearly all bodies are smaller.
FREE_BODY_BYTES = 16 * 1024
#: How often who waits for room looks again.
ROOM_SECONDS = 0.05


class MemoryBudget:
    """Counts bytes, and refuses more of them beyond a limit."""

    def __init__(self, max_bytes: int) -> None:
        """Hold nothing."""
        self.max_bytes = max_bytes
        self.held_bytes = 0
        #: Asked to free bytes when there is no room.
        self.free: Callable[[], None] = lambda: None

    def has_room(self, size: int, *, large: bool = False) -> bool:
        """Say whether so many more bytes may be held."""
        share = self.max_bytes * 3 // 4 if large or size > SMALL_BYTES else self.max_bytes
        return self.held_bytes + size <= share

    def expect_room(self, size: int = 0, *, large: bool = False) -> None:
        """Raise TooManyBytes unless so many more bytes may be held."""
        if not self.has_room(size, large=large):
            self.free()
            raise TooManyBytes(limit=self.max_bytes)

    def add(self, size: int) -> None:
        """Hold more bytes, whether there is room or not."""
        self.held_bytes += size

    def release(self, size: int) -> None:
        """Hold fewer bytes."""
        self.held_bytes -= size

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Hold bytes until the end of the block, whether there is room or not."""
        self.add(size)
        try:
            yield
        finally:
            self.release(size)

    @contextmanager
    def growing(self) -> Iterator["Reservation"]:
        """Yield what holds ever more bytes, until the end of the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self.release(reservation.size)


class Reservation:
    """What one call over HTTP holds. The first bytes of its body are free."""

    def __init__(self, budget: MemoryBudget) -> None:
        """Hold nothing. Use `MemoryBudget.growing`."""
        self._budget = budget
        self._received = 0
        self.size = 0

    def hold(self, size: int) -> None:
        """Hold so many bytes more, whether there is room or not."""
        self._budget.add(size)
        self.size += size

    def receive(self, received: int) -> None:
        """Hold so many bytes of a body more. Raises TooManyBytes."""
        self._received += received
        size = REQUEST_FACTOR * max(0, self._received - FREE_BODY_BYTES)
        self._budget.expect_room(size - self.size, large=size > 0)
        self.hold(size - self.size)

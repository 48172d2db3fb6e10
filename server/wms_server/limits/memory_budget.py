"""The memory budget of one process: bytes of requests and responses.

A request counts from its arrival until its call ends, and a response until it is written. Large requests and
lists leave a share to small ones, so that small calls are served at the same time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wms_core.domain.errors import TooManyBytes

#: Memory of an in-flight request per byte: decoded message, domain objects, query arguments.
REQUEST_FACTOR = 3
#: Memory of a response per byte: gRPC writes a copy.
RESPONSE_FACTOR = 2
#: Bytes up to which a request is small.
MAX_SMALL_BYTES = 64 * 1024
#: Bytes of an HTTP body that are not counted: connections are few, and nearly all bodies are smaller.
FREE_BODY_BYTES = 16 * 1024
#: Seconds between checks while waiting for capacity.
CAPACITY_POLL_SECONDS = 0.05


class MemoryBudget:
    """Counts bytes, and rejects more beyond a limit."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        #: Called to free memory when the limit is reached.
        self.free_memory: Callable[[], None] = lambda: None

    def has_capacity(self, size_bytes: int, *, is_large: bool = False) -> bool:
        """Return whether `size_bytes` more fit; large requests may use only three quarters."""
        share_bytes = self.max_bytes * 3 // 4 if is_large or size_bytes > MAX_SMALL_BYTES else self.max_bytes
        return self.held_bytes + size_bytes <= share_bytes

    def check_capacity(self, size_bytes: int = 0, *, is_large: bool = False) -> None:
        """Raise `TooManyBytes` unless `size_bytes` more fit."""
        if not self.has_capacity(size_bytes, is_large=is_large):
            self.free_memory()
            raise TooManyBytes(limit=self.max_bytes)

    def add(self, size_bytes: int) -> None:
        """Count more bytes, even beyond the limit."""
        self.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Release bytes."""
        self.held_bytes -= size_bytes

    @contextmanager
    def hold_bytes(self, size_bytes: int) -> Iterator[None]:
        """Count bytes until the end of the block, even beyond the limit."""
        self.add(size_bytes)
        try:
            yield
        finally:
            self.release(size_bytes)

    @contextmanager
    def open_reservation(self) -> Iterator["ByteReservation"]:
        """Yield a reservation that can grow until the end of the block."""
        byte_reservation = ByteReservation(self)
        try:
            yield byte_reservation
        finally:
            self.release(byte_reservation.size_bytes)


class ByteReservation:
    """The bytes that one HTTP call holds. The first `FREE_BODY_BYTES` of its body are not counted."""

    def __init__(self, memory_budget: MemoryBudget) -> None:
        self._memory_budget = memory_budget
        self._received_bytes = 0
        self.size_bytes = 0

    def hold_bytes(self, size_bytes: int) -> None:
        """Count `size_bytes` more, even beyond the limit."""
        self._memory_budget.add(size_bytes)
        self.size_bytes += size_bytes

    def receive_bytes(self, received_bytes: int) -> None:
        """Count more bytes of a body.

        Raises:
            TooManyBytes: the memory budget is exhausted.
        """
        self._received_bytes += received_bytes
        size_bytes = REQUEST_FACTOR * max(0, self._received_bytes - FREE_BODY_BYTES)
        self._memory_budget.check_capacity(size_bytes - self.size_bytes, is_large=size_bytes > 0)
        self.hold_bytes(size_bytes - self.size_bytes)

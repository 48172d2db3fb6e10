"""The buffers of all subscribers of one process, with a common limit of bytes."""

from collections import Counter
from typing import Protocol


class MessageBuffer(Protocol):
    """The waiting messages of one subscriber."""

    @property
    def waiting_bytes(self) -> int:
        """The number of waiting bytes."""
        ...

    def end_too_slow(self) -> None:
        """End the subscriber and discard its waiting messages."""
        ...


class SubscriberBuffers:
    """Counts the bytes of waiting messages; a message of several subscribers counts once.

    Beyond the limit, the subscriber with the most waiting bytes is ended, so that the others continue.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        #: The number of subscribers that a message waits for, by the identity of the message.
        self._subscriber_counts: Counter[int] = Counter()
        self._message_buffers: set[MessageBuffer] = set()
        self.held_bytes = 0

    def add_buffer(self, message_buffer: MessageBuffer) -> None:
        """Add a buffer, which may be ended when the limit is reached."""
        self._message_buffers.add(message_buffer)

    def discard_buffer(self, message_buffer: MessageBuffer) -> None:
        """Discard an empty buffer."""
        self._message_buffers.discard(message_buffer)

    def hold_message(self, message: object, size_bytes: int) -> None:
        """Count a message that waits for one more subscriber."""
        if not self._subscriber_counts[id(message)]:
            self.held_bytes += size_bytes
        self._subscriber_counts[id(message)] += 1

    def release_message(self, message: object, size_bytes: int) -> None:
        """Release a message that waits for one subscriber less."""
        self._subscriber_counts[id(message)] -= 1
        if not self._subscriber_counts[id(message)]:
            del self._subscriber_counts[id(message)]
            self.held_bytes -= size_bytes

    def end_slowest(self) -> None:
        """End the subscribers with the most waiting bytes until the limit is met."""
        while self.held_bytes > self._max_bytes and self._message_buffers:
            slowest_buffer = max(
                self._message_buffers, key=lambda message_buffer: message_buffer.waiting_bytes
            )
            slowest_buffer.end_too_slow()
            self._message_buffers.discard(slowest_buffer)

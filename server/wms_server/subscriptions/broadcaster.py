"""The broadcaster of one process: it polls for changes and enqueues them for the subscribers."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import structlog

from wms_core.domain.errors import StorageUnavailable, WatcherTooSlow, WmsError
from wms_server.subscriptions.buffers import SubscriberBuffers

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class SubscriberLimits:
    """Limits of the messages that wait for one subscriber, and the seconds until a heartbeat.

    `max_backlog` is a number of messages, `max_backlog_bytes` their size; reaching either ends the
    subscriber. All subscribers of the process share `subscriber_buffers`.
    """

    max_backlog: int
    heartbeat_seconds: float
    max_backlog_bytes: int = 8 * 1024 * 1024
    subscriber_buffers: SubscriberBuffers = field(default_factory=lambda: SubscriberBuffers(32 * 1024 * 1024))


class Subscriber(Generic[M]):
    """A buffer between the broadcaster and one stream.

    It is new until `enqueue_initial`. After `end` it accepts no further messages.
    """

    def __init__(
        self,
        subscriber_limits: SubscriberLimits,
        make_heartbeat: Callable[[], M],
        measure_bytes: Callable[[M], int],
    ) -> None:
        self._max_backlog = subscriber_limits.max_backlog
        self._max_backlog_bytes = subscriber_limits.max_backlog_bytes
        self._heartbeat_seconds = subscriber_limits.heartbeat_seconds
        self._make_heartbeat = make_heartbeat
        self._measure_bytes = measure_bytes
        self._waiting_messages: deque[M] = deque()
        self._subscriber_buffers = subscriber_limits.subscriber_buffers
        self.waiting_bytes = 0
        self._change_event = asyncio.Event()
        self._end_error: type[Exception] | None = None
        self.is_new = True

    @property
    def has_ended(self) -> bool:
        """Whether it accepts no further messages."""
        return self._end_error is not None

    def enqueue_initial(self, initial_messages: Iterable[M]) -> None:
        """Enqueue the initial messages, which do not count toward the limits."""
        self.is_new = False
        self._subscriber_buffers.add_buffer(self)
        self._append_messages(initial_messages)
        self._max_backlog += len(self._waiting_messages)
        self._max_backlog_bytes += self.waiting_bytes
        self._change_event.set()
        self._subscriber_buffers.end_slowest()

    def enqueue(self, new_messages: Iterable[M]) -> None:
        """Enqueue new messages; end the subscriber with `WatcherTooSlow` if a limit is reached."""
        if self.has_ended:
            return
        self._append_messages(new_messages)
        if len(self._waiting_messages) > self._max_backlog or self.waiting_bytes > self._max_backlog_bytes:
            self.end_too_slow()
        elif self._waiting_messages:
            self._change_event.set()
        self._subscriber_buffers.end_slowest()

    def end(self, error: type[Exception]) -> None:
        """End the subscriber: `next_message` raises this error after the waiting messages."""
        self._end_error = error
        self._change_event.set()

    def end_too_slow(self) -> None:
        """End the subscriber with `WatcherTooSlow`, without its waiting messages."""
        self.clear_waiting()
        self.end(WatcherTooSlow)

    def clear_waiting(self) -> None:
        """Discard the waiting messages."""
        while self._waiting_messages:
            self._take_message()
        self._subscriber_buffers.discard_buffer(self)

    async def next_message(self) -> M:
        """Return the next message, or a heartbeat after `heartbeat_seconds` without one.

        There are no heartbeats before the initial messages. Raises the error of `end`.
        """
        while not self._waiting_messages:
            if self._end_error is not None:
                raise self._end_error
            self._change_event.clear()
            try:
                async with asyncio.timeout(None if self.is_new else self._heartbeat_seconds):
                    await self._change_event.wait()
            except TimeoutError:
                # A heartbeat means that no message waits, so a message of the same moment has priority.
                if not self._waiting_messages:
                    return self._make_heartbeat()
        return self._take_message()

    def _append_messages(self, new_messages: Iterable[M]) -> None:
        for message in new_messages:
            size_bytes = self._measure_bytes(message)
            self._waiting_messages.append(message)
            self.waiting_bytes += size_bytes
            self._subscriber_buffers.hold_message(message, size_bytes)

    def _take_message(self) -> M:
        message = self._waiting_messages.popleft()
        size_bytes = self._measure_bytes(message)
        self.waiting_bytes -= size_bytes
        self._subscriber_buffers.release_message(message, size_bytes)
        return message


# Seconds after which a poll is cancelled, which takes up to ten more; then the database counts as
# unavailable.
_POLL_TIMEOUT_SECONDS = 5.0
_log = structlog.get_logger(__name__)
SubscriberT = TypeVar("SubscriberT", bound=Subscriber[Any])


class BroadcastFailed(Exception):
    """A poll failed by an unexpected error, which is in the log."""


class Broadcaster(ABC, Generic[SubscriberT]):
    """The subscribers of one process and their shared poll."""

    #: Seconds between two polls, after a poll with changes and after one without.
    busy_poll_seconds: ClassVar[float]
    idle_poll_seconds: ClassVar[float]

    def __init__(self) -> None:
        self._active_subscribers: set[SubscriberT] = set()
        self._added_event = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of subscribers."""
        return len(self._active_subscribers)

    @abstractmethod
    async def _poll(self) -> bool:
        """Poll once and enqueue the changes; return whether there were any."""

    @abstractmethod
    def _reset_state(self) -> None:
        """Reset the state of the poll: there are no subscribers, or it may be wrong."""

    @contextmanager
    def _keep_subscribed(self, stream_subscriber: SubscriberT) -> Iterator[SubscriberT]:
        """Keep a subscriber active until the end of the block."""
        self._active_subscribers.add(stream_subscriber)
        self._added_event.set()
        try:
            yield stream_subscriber
        finally:
            self._active_subscribers.discard(stream_subscriber)
            stream_subscriber.clear_waiting()

    async def run(self) -> None:
        """Poll while there are subscribers, until cancelled; an error ends all subscribers."""
        while True:
            while not self._active_subscribers:
                self._reset_state()
                self._added_event.clear()
                await self._added_event.wait()
            self._added_event.clear()
            has_changes = await self._poll_once()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.busy_poll_seconds if has_changes else self.idle_poll_seconds):
                    # A new subscriber does not wait for the next poll.
                    await self._added_event.wait()

    async def _poll_once(self) -> bool:
        try:
            async with asyncio.timeout(_POLL_TIMEOUT_SECONDS):
                has_changes = await self._poll()
        except (WmsError, TimeoutError) as error:
            _log.warning("subscriptions_ended", watch=type(self).__name__, error=type(error).__name__)
            self._end_all(StorageUnavailable)
        except Exception:
            _log.exception("subscriptions_ended", watch=type(self).__name__)
            self._end_all(BroadcastFailed)
        else:
            self._active_subscribers = {
                stream_subscriber
                for stream_subscriber in self._active_subscribers
                if not stream_subscriber.has_ended
            }
            return has_changes
        return False

    def _end_all(self, error: type[Exception]) -> None:
        """End all subscribers."""
        for stream_subscriber in self._active_subscribers:
            stream_subscriber.end(error)
        self._active_subscribers.clear()
        self._reset_state()

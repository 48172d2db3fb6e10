"""Subscriptions to order events: one reader at the end of the log for all subscribers of a process.

A subscriber that begins in the past reads the log by itself, page by page, up to the events in memory. There
it joins the others, without a gap and without duplicates.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TypeVar

from wms_core.application import event_log
from wms_core.application.database import Database, EventFilter, EventLogRepository
from wms_core.application.event_log import EventPage
from wms_core.application.workloads import PoolUsage, WorkloadType
from wms_core.domain.errors import ServerOverloaded, StorageUnavailable, WatcherTooSlow
from wms_core.domain.events.events import EventRecord
from wms_server.subscriptions.broadcaster import Broadcaster, SubscriberLimits
from wms_server.subscriptions.event_buffer import EventBuffer
from wms_server.subscriptions.event_index import SubscriptionIndex
from wms_server.subscriptions.logged_event import EncodedMessage, LoggedEvent, encode_heartbeat
from wms_server.subscriptions.order_subscriber import EventSubscriber

# Maximum events of one poll, and subscribers whose pages are read at the same time.
_MAX_POLL_EVENTS, _MAX_CONCURRENT_READS = 500, 4
# Pages in memory while they are sent to subscribers, and the seconds to send one.
_MAX_PAGES_IN_MEMORY, _PAGE_TIMEOUT_SECONDS = 16, 30.0
# Seconds for reading a page, including the wait for a slot; then the database counts as unavailable.
_PAGE_READ_TIMEOUT_SECONDS = 30.0
# Characters of events that are published before the event loop runs other tasks.
_PORTION_CHARACTERS = 256 * 1024
#: Connections of subscribers that begin in the past.
_CATCH_UP_USAGE = PoolUsage(WorkloadType.LIST, "watchers")
T = TypeVar("T")


class EventBroadcaster(Broadcaster[EventSubscriber]):
    """The event subscribers of one process (contract: WatchOrders)."""

    busy_poll_seconds, idle_poll_seconds = 0.02, 0.1

    def __init__(self, database: Database, subscriber_limits: SubscriberLimits) -> None:
        super().__init__()
        self._database = database
        self._subscriber_limits = subscriber_limits
        self._event_buffer = EventBuffer(0)
        self._subscription_index = SubscriptionIndex()
        self._read_slots = asyncio.Semaphore(_MAX_CONCURRENT_READS)
        self._page_slots = asyncio.Semaphore(_MAX_PAGES_IN_MEMORY)

    async def follow_events(
        self, event_filter: EventFilter, position: int | None
    ) -> AsyncGenerator[EncodedMessage, None]:
        """Yield the events after a position without end; see `event_log.start_page`.

        Heartbeats have the start position, the position after a page without events, and later the position
        at which the log is idle.

        Raises:
            PositionNotKept: the events after the position are deleted.
            WatcherTooSlow: the client reads too slowly.
            ServerOverloaded: too many pages are in memory.
        """
        page = await self._read_log(lambda log_repository: event_log.start_page(log_repository, position))
        yield encode_heartbeat(page.position)
        while not self._is_buffered(page):
            async with self._hold_page_slot():
                page = await self._read_next_page(page, event_filter)
                deadline = time.monotonic() + _PAGE_TIMEOUT_SECONDS
                for event in page.event_records:
                    if time.monotonic() > deadline:
                        raise WatcherTooSlow
                    yield LoggedEvent(event).encoded
            if not page.event_records:
                yield encode_heartbeat(page.position)
            page = replace(page, event_records=())
        # There is no await after the check that all events from here on are in memory.
        with self._subscribe(event_filter, page.position) as event_subscriber:
            while True:
                yield await event_subscriber.next_message()

    def _is_buffered(self, page: EventPage) -> bool:
        """Return whether all events after a page are in memory; the first subscriber starts the buffer."""
        if not self._active_subscribers:
            self._event_buffer = EventBuffer(page.log_bounds.newest_position)
        return page.position >= self._event_buffer.start

    @contextmanager
    def _subscribe(self, event_filter: EventFilter, position: int) -> Iterator[EventSubscriber]:
        event_subscriber = EventSubscriber(
            event_filter, position, self._event_buffer, self._subscriber_limits
        )
        with self._keep_subscribed(event_subscriber):
            self._subscription_index.add_subscriber(event_subscriber)
            try:
                yield event_subscriber
            finally:
                self._subscription_index.discard_subscriber(event_subscriber)

    @asynccontextmanager
    async def _hold_page_slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PAGE_READ_TIMEOUT_SECONDS):
                await self._page_slots.acquire()
        except TimeoutError:
            raise ServerOverloaded(limit=_MAX_PAGES_IN_MEMORY) from None
        try:
            yield
        finally:
            self._page_slots.release()

    async def _read_next_page(self, page: EventPage, event_filter: EventFilter) -> EventPage:
        return await self._read_log(
            lambda log_repository: event_log.read_next_page(log_repository, page, event_filter)
        )

    async def _read_log(self, read_operation: Callable[[EventLogRepository], Awaitable[T]]) -> T:
        """Read the log for one subscriber; only a few do so at the same time."""
        try:
            async with asyncio.timeout(_PAGE_READ_TIMEOUT_SECONDS), self._read_slots:
                return await self._database.read(
                    lambda transaction: read_operation(transaction.event_log), pool_usage=_CATCH_UP_USAGE
                )
        except TimeoutError:
            raise StorageUnavailable from None

    async def _poll(self) -> bool:
        event_buffer = self._event_buffer
        event_records, _ = await self._database.read(
            lambda transaction: transaction.event_log.list_after(event_buffer.end, _MAX_POLL_EVENTS)
        )
        for logged_events in _split_portions(event_records):
            if event_buffer is not self._event_buffer:
                # All subscribers have left meanwhile, and new ones have begun at another position.
                break
            event_buffer.add_events(logged_events)
            self._subscription_index.publish(logged_events)
            await asyncio.sleep(0)
        return bool(event_records)

    def _reset_state(self) -> None:
        self._event_buffer = EventBuffer(0)
        self._subscription_index = SubscriptionIndex()


def _split_portions(event_records: Iterable[EventRecord]) -> Iterator[list[LoggedEvent]]:
    event_portion: list[LoggedEvent] = []
    character_count = 0
    for event in event_records:
        event_portion.append(LoggedEvent(event))
        character_count += len(event.payload)
        if character_count >= _PORTION_CHARACTERS:
            yield event_portion
            event_portion, character_count = [], 0
    if event_portion:
        yield event_portion

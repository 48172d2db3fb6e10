"""Tells everybody who watches events: one reader at the end of the log for all watchers of this process.

A watcher that begins in the past reads the log by itself, page by page, until it has come to what is in
memory; there it joins the others, so that nothing is passed over and nothing told twice.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TypeVar

from wms_core.application import event_log
from wms_core.application.event_log import EventPage
from wms_core.application.ports import Database, EventFilter, EventLogStore
from wms_core.application.workloads import Usage, Workload
from wms_core.domain.errors import Overloaded, StorageUnavailable, WatcherTooSlow
from wms_core.domain.events import EventRecord
from wms_server.event_groups import EventGroups
from wms_server.event_news import News, Told, heartbeat
from wms_server.event_watcher import EventWatcher
from wms_server.recent_events import RecentEvents
from wms_server.watch import Watch
from wms_server.watcher import Patience

# Events that one look takes at most, and watchers whose pages are read at the same time.
_EVENTS, _AT_ONCE = 500, 4
# Pages that are in memory while watchers are told of them, and the seconds for one.
_PAGES, _PAGE_SECONDS = 16, 30.0
# Seconds that a page may take with the wait for its turn; then the database is away.
_PATIENCE = 30.0
# Characters of events that are told without letting others have their turn.
_PORTION = 256 * 1024
#: Of those who begin in the past.
_PAST = Usage(Workload.LIST, "watchers")
T = TypeVar("T")


class EventWatch(Watch[EventWatcher]):
    """Those who watch events in one process (contract: WatchOrders)."""

    busy, idle = 0.02, 0.1

    def __init__(self, database: Database, patience: Patience) -> None:
        """Bear with each watcher as `patience` says."""
        super().__init__()
        self._database = database
        self._patience = patience
        self._recent = RecentEvents(0)
        self._groups = EventGroups()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._pages = asyncio.Semaphore(_PAGES)

    async def follow(self, wanted: EventFilter, position: int | None) -> AsyncGenerator[Told, None]:
        """Tell of the events after a position for ever; see `event_log.start`. Raises PositionNotKept.

        Raises WatcherTooSlow, and Overloaded when others leave no room for a page. Heartbeats say where it
        begins, where a page without events ends, and later that nothing comes.
        """
        page = await self._read(lambda log: event_log.start(log, position))
        yield heartbeat(page.position)
        while not self._reaches(page):
            async with self._place():
                page = await self._page_after(page, wanted)
                ends = time.monotonic() + _PAGE_SECONDS
                for event in page.events:
                    if time.monotonic() > ends:
                        raise WatcherTooSlow
                    yield News(event).told
            if not page.events:
                yield heartbeat(page.position)
            page = replace(page, events=())
        # No await since the log was known to be whole in memory from here on.
        with self._watching(wanted, page.position) as watcher:
            while True:
                yield await watcher.next()

    def _reaches(self, page: EventPage) -> bool:
        """Say whether all events after a page are in memory; with the first watcher that is the log's end."""
        if not self._watchers:
            self._recent = RecentEvents(page.bounds.newest)
        return page.position >= self._recent.start

    @contextmanager
    def _watching(self, wanted: EventFilter, position: int) -> Iterator[EventWatcher]:
        watcher = EventWatcher(wanted, position, self._recent, self._patience)
        with self._present(watcher):
            self._groups.add(watcher)
            try:
                yield watcher
            finally:
                self._groups.discard(watcher)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._pages.acquire()
        except TimeoutError:
            raise Overloaded(limit=_PAGES) from None
        try:
            yield
        finally:
            self._pages.release()

    async def _page_after(self, page: EventPage, wanted: EventFilter) -> EventPage:
        return await self._read(lambda log: event_log.following(log, page, wanted))

    async def _read(self, work: Callable[[EventLogStore], Awaitable[T]]) -> T:
        """Read the log for one watcher, of which only a few do so at a time."""
        try:
            async with asyncio.timeout(_PATIENCE), self._turns:
                return await self._database.read(lambda transaction: work(transaction.events), usage=_PAST)
        except TimeoutError:
            raise StorageUnavailable from None

    async def _look(self) -> bool:
        recent = self._recent
        events, _ = await self._database.read(
            lambda transaction: transaction.events.after(recent.end, _EVENTS)
        )
        for news in _portions(events):
            if recent is not self._recent:
                # All watchers have left meanwhile, and others began somewhere else.
                break
            recent.add(news)
            self._groups.tell(news)
            await asyncio.sleep(0)
        return bool(events)

    def _forget(self) -> None:
        self._recent = RecentEvents(0)
        self._groups = EventGroups()


def _portions(events: Iterable[EventRecord]) -> Iterator[list[News]]:
    portion: list[News] = []
    size = 0
    for event in events:
        portion.append(News(event))
        size += len(event.payload)
        if size >= _PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion

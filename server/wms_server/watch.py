"""Watching: one task looks at the database for all who watch something in this process.

It looks only while somebody watches. Each watcher has a buffer of its own; one that falls too far behind
is let go, and nobody waits for it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Generic, TypeVar

import structlog

from wms_core.domain.errors import StorageUnavailable, WmsError
from wms_server.watcher import Watcher

# Seconds that a look may take before it is given up, which takes up to ten more; then the database is away.
_PATIENCE = 5.0
_log = structlog.get_logger(__name__)
W = TypeVar("W", bound=Watcher[Any])


class WatchBroken(Exception):
    """A look failed by a fault of ours; the log has it."""


class Watch(ABC, Generic[W]):
    """The watchers of one process and what they share."""

    #: Seconds between two looks, when the last one found something and when it did not.
    busy: ClassVar[float]
    idle: ClassVar[float]

    def __init__(self) -> None:
        """Start with nobody."""
        self._watchers: set[W] = set()
        self._joined = asyncio.Event()

    @property
    def count(self) -> int:
        """How many watch."""
        return len(self._watchers)

    @abstractmethod
    async def _look(self) -> bool:
        """Look once and tell the watchers; says whether anything was new."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget what is known: nobody watches, or it may be wrong."""

    @contextmanager
    def _present(self, watcher: W) -> Iterator[W]:
        """Count a watcher among those who are told, until the end of the block."""
        self._watchers.add(watcher)
        self._joined.set()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            watcher.clear()

    async def run(self) -> None:
        """Look again and again while anybody watches, until cancelled; what goes wrong ends the watchers."""
        while True:
            while not self._watchers:
                self._forget()
                self._joined.clear()
                await self._joined.wait()
            self._joined.clear()
            found = await self._looked()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.busy if found else self.idle):
                    # Who comes is told at once.
                    await self._joined.wait()

    async def _looked(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._look()
        except (WmsError, TimeoutError) as error:
            _log.warning("watch_ended", watch=type(self).__name__, error=type(error).__name__)
            self._end(StorageUnavailable)
        except Exception:
            _log.exception("watch_ended", watch=type(self).__name__)
            self._end(WatchBroken)
        else:
            self._watchers = {watcher for watcher in self._watchers if not watcher.has_ended}
            return found
        return False

    def _end(self, error: type[Exception]) -> None:
        """End all watchers."""
        for watcher in self._watchers:
            watcher.end(error)
        self._watchers.clear()
        self._forget()

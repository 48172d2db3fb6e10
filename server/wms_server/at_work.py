"""What is at work: counted, whoever waits for it or not."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from wms_core.domain.errors import WmsError
from wms_server.memory_budget import REQUEST_FACTOR, MemoryBudget

#: What a call comes to: its answer, a function that writes it, or an error (ours, or a fault).
Outcome = bytes | Callable[[], bytes] | Exception


class AtWork:
    """The calls at work. What waits for one is a future of its own, so that to leave stops nothing."""

    def __init__(self, memory: MemoryBudget | None = None) -> None:
        """Start with none; their requests are held in the memory."""
        self.count = 0
        self._memory = memory or MemoryBudget(sys.maxsize)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watchers: list[asyncio.Future[None]] = []

    def began(self, size: int) -> None:
        """Count a call in, whose request has so many bytes."""
        self.count += 1
        self._memory.add(REQUEST_FACTOR * size)

    def ended(self, count: int, size: int) -> None:
        """Count calls out, whose requests have so many bytes together."""
        self.count -= count
        self._memory.release(REQUEST_FACTOR * size)
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
        self._watchers.clear()

    async def fewer_than(self, limit: int) -> None:
        """Wait until fewer are at work."""
        while self.count >= limit:
            watcher = asyncio.get_running_loop().create_future()
            self._watchers.append(watcher)
            await watcher

    def begin(self, work: Coroutine[Any, Any, bytes], size: int = 0) -> "asyncio.Future[Outcome]":
        """Begin work of its own on a request of so many bytes; return what is told when it is done."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        task = loop.create_task(self._done(work, outcome, size))
        # The loop itself keeps no task.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.began(size)
        return outcome

    async def _done(
        self, work: Coroutine[Any, Any, bytes], outcome: "asyncio.Future[Outcome]", size: int
    ) -> None:
        try:
            tell(outcome, await work)
        except WmsError as error:
            # Where it was raised says nothing, and would keep the request in memory until a collection.
            tell(outcome, error.with_traceback(None))
        except Exception as error:
            tell(outcome, error)
        finally:
            self.ended(1, size)


def refused(error: WmsError) -> "asyncio.Future[Outcome]":
    """Give the outcome of what was not begun."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    outcome.set_result(error.with_traceback(None))
    return outcome


def tell(waiting: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    """Give whoever waits the outcome; an error too as a result: it is no fault when nobody waits for it."""
    if not waiting.done():
        waiting.set_result(outcome)

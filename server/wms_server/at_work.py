"""What is at work: counted, whoever waits for it or not."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from wms_core.domain.errors import WmsError

#: What a call comes to: its answer, a function that writes it, or an error (ours, or a fault).
Outcome = bytes | Callable[[], bytes] | Exception


class AtWork:
    """The calls at work. What waits for one is a future of its own, so that to leave stops nothing."""

    def __init__(self) -> None:
        """Start with none."""
        self.count = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._watchers: list[asyncio.Future[None]] = []

    def ended(self, count: int) -> None:
        """Count calls out; they were counted in by raising `count`."""
        self.count -= count
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

    def begin(self, work: Coroutine[Any, Any, bytes]) -> "asyncio.Future[Outcome]":
        """Begin work of its own and give what is told when it is done."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        task = loop.create_task(self._done(work, outcome))
        # The loop itself keeps no task.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.count += 1
        return outcome

    async def _done(self, work: Coroutine[Any, Any, bytes], outcome: "asyncio.Future[Outcome]") -> None:
        try:
            tell(outcome, await work)
        except Exception as error:
            tell(outcome, error)
        finally:
            self.ended(1)


def refused(error: WmsError) -> "asyncio.Future[Outcome]":
    """Give the outcome of what was not begun."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    outcome.set_result(error)
    return outcome


def tell(waiting: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    """Give whoever waits the outcome; an error too as a result: it is no fault when nobody waits for it."""
    if not waiting.done():
        waiting.set_result(outcome)

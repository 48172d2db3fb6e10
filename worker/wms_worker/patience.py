"""Work that is waited for only so long."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """Keeps hold of work that took too long, until it has ended by itself."""

    def __init__(self) -> None:
        """With nothing under way."""
        self._left: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, or raise TimeoutError and leave it to end by itself.

        `wait_for` would wait for the end of what it cancels: on a connection that has gone silent a driver
        takes longer for that than there is time.
        """
        task = self.begin(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            task.cancel()
        if not task.done():
            raise TimeoutError
        return task.result()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work that need not be waited for; nobody is told of an error that came too late."""
        task = asyncio.create_task(work)
        self._left.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            # Read, so that asyncio does not complain that nobody did.
            task.exception()

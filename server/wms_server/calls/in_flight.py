"""In-flight calls, counted whether or not their callers still wait."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from wms_core.domain.errors import WmsError
from wms_server.limits.memory_budget import REQUEST_FACTOR, MemoryBudget

#: Result of a call: its response, a function that encodes it, or an error (expected or not).
Result = bytes | Callable[[], bytes] | Exception


class InFlightCalls:
    """In-flight calls. Callers wait on a separate future, so a disconnecting caller cancels no call."""

    def __init__(self, memory_budget: MemoryBudget | None = None) -> None:
        self.count = 0
        self._memory_budget = memory_budget or MemoryBudget(sys.maxsize)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting_futures: list[asyncio.Future[None]] = []

    def add_call(self, size_bytes: int) -> None:
        """Count a call whose request has `size_bytes`."""
        self.count += 1
        self._memory_budget.add(REQUEST_FACTOR * size_bytes)

    def remove_calls(self, count: int, size_bytes: int) -> None:
        """Remove finished calls, whose requests have `size_bytes` together."""
        self.count -= count
        self._memory_budget.release(REQUEST_FACTOR * size_bytes)
        for waiting_future in self._waiting_futures:
            if not waiting_future.done():
                waiting_future.set_result(None)
        self._waiting_futures.clear()

    async def wait_below(self, limit: int) -> None:
        """Wait until fewer than `limit` calls are in flight."""
        while self.count >= limit:
            waiting_future = asyncio.get_running_loop().create_future()
            self._waiting_futures.append(waiting_future)
            await waiting_future

    def start_task(
        self, task_coroutine: Coroutine[Any, Any, bytes], size_bytes: int = 0
    ) -> "asyncio.Future[Result]":
        """Start a task for a request of `size_bytes`; return a future of its result."""
        event_loop = asyncio.get_running_loop()
        outcome_future: asyncio.Future[Result] = event_loop.create_future()
        task = event_loop.create_task(self._run_task(task_coroutine, outcome_future, size_bytes))
        # The event loop has only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.add_call(size_bytes)
        return outcome_future

    async def _run_task(
        self,
        task_coroutine: Coroutine[Any, Any, bytes],
        outcome_future: "asyncio.Future[Result]",
        size_bytes: int,
    ) -> None:
        try:
            resolve(outcome_future, await task_coroutine)
        except WmsError as error:
            # The traceback is not needed, and would keep the request in memory until a garbage collection.
            resolve(outcome_future, error.with_traceback(None))
        except Exception as error:
            resolve(outcome_future, error)
        finally:
            self.remove_calls(1, size_bytes)


def reject_call(error: WmsError) -> "asyncio.Future[Result]":
    """Return a resolved future for a call that was rejected before it began."""
    outcome_future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    outcome_future.set_result(error.with_traceback(None))
    return outcome_future


def resolve(outcome_future: "asyncio.Future[Result]", call_outcome: Result) -> None:
    """Set the result, also for errors: asyncio would log an exception that is never retrieved."""
    if not outcome_future.done():
        outcome_future.set_result(call_outcome)

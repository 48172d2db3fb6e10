"""Background tasks with timeouts, cancellation and signals."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class AbandonableTasks:
    """Keeps references to tasks that exceeded their timeout, until they end."""

    def __init__(self) -> None:
        self._unfinished_tasks: set[asyncio.Task[Any]] = set()

    async def run_with_timeout(self, timeout_seconds: float, task_coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine. After the timeout, cancel it and raise TimeoutError before it has ended.

        `asyncio.wait_for` would wait for the end of the cancelled task: on a silent connection a driver takes
        longer for that than the timeout allows.
        """
        task = self.start_task(task_coroutine)
        try:
            await asyncio.wait({task}, timeout=timeout_seconds)
        finally:
            task.cancel()
        if not task.done():
            raise TimeoutError
        return task.result()

    def start_task(self, task_coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task without a caller that waits for it; an error after its timeout is ignored."""
        task = asyncio.create_task(task_coroutine)
        self._unfinished_tasks.add(task)
        task.add_done_callback(self._discard_task)
        return task

    def _discard_task(self, task: asyncio.Task[Any]) -> None:
        self._unfinished_tasks.discard(task)
        if not task.cancelled():
            # Read the exception, so that asyncio does not log it as never retrieved.
            task.exception()


@asynccontextmanager
async def background_task(task_coroutine: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run a task beside the body. At the end, cancel it and wait for it; its error is raised."""
    task = asyncio.create_task(task_coroutine)
    try:
        yield task
    finally:
        await cancel_and_wait(task)


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end. Raises its error, or CancelledError if the caller is cancelled."""
    # `suppress(CancelledError)` around `await task` would lose the cancellation of the caller.
    task.cancel()
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
    if not task.cancelled():
        task.result()


async def wait_for_shutdown_step(
    task_coroutine: Coroutine[Any, Any, Any], timeout_seconds: float, force_shutdown: asyncio.Event
) -> bool:
    """Run a coroutine until its end, the timeout or `force_shutdown`; return whether it has ended."""
    async with (
        background_task(task_coroutine) as task,
        background_task(force_shutdown.wait()) as shutdown_task,
    ):
        await asyncio.wait(
            {task, shutdown_task}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        return task.done()


async def wait_for_signal() -> None:
    """Wait for SIGTERM or SIGINT; both are handled by this process from now on."""
    event_loop = asyncio.get_running_loop()
    termination_signal = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        event_loop.add_signal_handler(signal_number, termination_signal.set)
    await termination_signal.wait()


async def run_until_signal(*awaited_tasks: asyncio.Task[Any]) -> None:
    """Wait for a termination signal or the end of one of the tasks; the error of a task is raised."""
    signal_task = asyncio.create_task(wait_for_signal())
    try:
        done_tasks, _ = await asyncio.wait({signal_task, *awaited_tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done_tasks - {signal_task}:
            task.result()
    finally:
        signal_task.cancel()

"""Owning background work: what is started is stopped and waited for."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def running(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Run work beside the body; at the end it is cancelled and waited for, and its own fault is raised."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await stop(task)


async def stop(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end; raises its fault, or CancelledError when we are cancelled."""
    # Not `suppress(CancelledError)` around `await task`: that would lose our own cancellation.
    task.cancel()
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
    if not task.cancelled():
        task.result()


async def finished(work: Coroutine[Any, Any, Any], seconds: float, hurry: asyncio.Event) -> bool:
    """Run work for so many seconds at most, or until somebody is in a hurry; says whether it has ended."""
    async with running(work) as task, running(hurry.wait()) as hurried:
        await asyncio.wait({task, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return task.done()


async def terminated() -> None:
    """Wait for SIGTERM or SIGINT, and take both over from now on."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()


async def until_terminated(*work: asyncio.Task[Any]) -> None:
    """Wait until a signal asks to end, or until some of the work ends; its fault is raised."""
    signalled = asyncio.create_task(terminated())
    try:
        done, _ = await asyncio.wait({signalled, *work}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {signalled}:
            task.result()
    finally:
        signalled.cancel()

"""Between threads and the event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(work: Callable[..., None], *values: object) -> None:
    """Do work that may block; not in the loop's own threads, for whose end that of the process waits."""
    threading.Thread(target=work, args=values, daemon=True, name="zookeeper").start()


def tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *values: object) -> None:
    """Have the loop call something, from any thread; nothing happens when the loop has been closed."""
    try:
        loop.call_soon_threadsafe(call, *values)
    except RuntimeError:
        return


def give(future: "asyncio.Future[T]", value: T) -> None:
    """Set a result, unless nobody waits for it any more."""
    if not future.done():
        future.set_result(value)


def fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    """Set an error, unless nobody waits any more."""
    if not future.done():
        future.set_exception(error)

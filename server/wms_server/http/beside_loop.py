"""JSON work in threads: large documents would block the event loop.

Large bodies share one thread and small ones another. More threads would be no faster, because they share the
interpreter, and each would hold a further parsed body in memory, which is many times its size.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
#: Sizes up to which the event loop itself parses a request or encodes a response, which is faster.
MAX_INLINE_REQUEST_BYTES, MAX_INLINE_RESPONSE_BYTES = 4 * 1024, 64 * 1024
_LARGE_BYTES = 64 * 1024
_large_pool, _small_pool = ThreadPoolExecutor(1, "large-json"), ThreadPoolExecutor(1, "json")


async def run_off_event_loop(json_task: Callable[[], T], size_bytes: int, max_inline_bytes: int) -> T:
    """Return the result of `json_task`, run in a thread if it processes more than `max_inline_bytes`."""
    if size_bytes <= max_inline_bytes:
        return json_task()
    json_pool = _large_pool if size_bytes > _LARGE_BYTES else _small_pool
    return await asyncio.get_running_loop().run_in_executor(json_pool, json_task)

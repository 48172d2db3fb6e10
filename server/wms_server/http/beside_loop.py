"""JSON that is not small is read and written beside the event loop, so that others are not kept waiting.

By one thread for large bodies and one for the others: several would share the interpreter and be no faster,
and each would have a body of its own in memory, which takes many times its bytes while it is looked at.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
#: Bytes up to which the loop reads a request by itself, or writes an answer, which takes less time.
MAX_INLINE_REQUEST_BYTES, MAX_INLINE_RESPONSE_BYTES = 4 * 1024, 64 * 1024
_LARGE_BYTES = 64 * 1024
_large, _others = ThreadPoolExecutor(1, "large-json"), ThreadPoolExecutor(1, "json")


async def beside_loop(work: Callable[[], T], size: int, max_inline_bytes: int) -> T:
    """Return what the work gives, which looks at so many bytes; up to a limit it is done at once."""
    if size <= max_inline_bytes:
        return work()
    thread = _large if size > _LARGE_BYTES else _others
    return await asyncio.get_running_loop().run_in_executor(thread, work)

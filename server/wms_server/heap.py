"""The heap of the C library, from which gRPC and the drivers take their buffers, gives back what is free.

By itself glibc keeps a heap for each of many threads, and of each all that lies below the last piece in use.
After three hundred large requests half a gigabyte stayed so.
"""

import asyncio
import ctypes
from pathlib import Path

#: glibc's numbers of what `mallopt` sets.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
#: Pieces of so many bytes are taken from the system by themselves, and given back at once.
_PIECE_BYTES = 256 * 1024
_PERIOD_SECONDS = 5.0
#: What the process has above the least that it had before, in bytes, when it is looked for what is free.
_ABOVE_BYTES = 32 * 1024 * 1024
_PAGE_BYTES = 4096


def limit_heaps() -> None:
    """Have one heap for all threads; to be called before there are any. Does nothing without glibc."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(_ARENA_MAX, 1)
        set_option(_MMAP_THRESHOLD, _PIECE_BYTES)


async def return_free_memory() -> None:
    """Give free memory back to the system from time to time, until cancelled."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    least = _resident_bytes()
    while trim is not None:
        await asyncio.sleep(_PERIOD_SECONDS)
        resident = _resident_bytes()
        least = min(least, resident)
        if resident > least + _ABOVE_BYTES:
            # In a thread, as it takes some milliseconds.
            await asyncio.to_thread(trim, 0)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES

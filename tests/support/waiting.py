"""Waiting for a condition, within bounds, instead of sleeping for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(condition: Callable[[], Awaitable[T]], within: float = 20.0) -> T:
    """Give the first true value of the condition; AssertionError when there is none in time."""
    ends = time.monotonic() + within
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > ends:
            raise AssertionError(f"still {value!r} after {within} s")
        await asyncio.sleep(0.02)

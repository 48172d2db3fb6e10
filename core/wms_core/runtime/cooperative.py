"""Cooperative scheduling: divides long work on the event loop into short pieces."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
#: Maximum duration of a piece; the element that exceeds it is not interrupted.
PIECE_SECONDS = 0.01


class Pieces:
    """Yields to the event loop whenever the current piece has lasted long enough."""

    def __init__(self) -> None:
        self._piece_ends_at = time.perf_counter() + PIECE_SECONDS

    async def pause_if_due(self) -> None:
        """Yield to the event loop once if the piece has ended."""
        if time.perf_counter() >= self._piece_ends_at:
            await asyncio.sleep(0)
            self._piece_ends_at = time.perf_counter() + PIECE_SECONDS


async def map_in_pieces(function: Callable[[T], R], elements: Iterable[T]) -> list[R]:
    """Return the results of a function for many elements."""
    pieces = Pieces()
    results: list[R] = []
    for element in elements:
        results.append(function(element))
        await pieces.pause_if_due()
    return results

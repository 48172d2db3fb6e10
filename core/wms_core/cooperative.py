"""Long work on the event loop in short pieces, so that others have their turn."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
#: How long a piece may last; one element more than that is never cut.
PIECE_SECONDS = 0.01


class Pieces:
    """Lets the event loop turn whenever the work since its last turn has lasted long enough."""

    def __init__(self) -> None:
        """Begin the first piece."""
        self._ends = time.perf_counter() + PIECE_SECONDS

    async def pause_if_due(self) -> None:
        """Let the loop turn once if a piece has ended."""
        if time.perf_counter() >= self._ends:
            await asyncio.sleep(0)
            self._ends = time.perf_counter() + PIECE_SECONDS


async def map_in_pieces(function: Callable[[T], R], elements: Iterable[T]) -> list[R]:
    """Return what a function gives for each of many elements."""
    pieces = Pieces()
    results: list[R] = []
    for element in elements:
        results.append(function(element))
        await pieces.pause_if_due()
    return results

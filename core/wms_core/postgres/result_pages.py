"""Pages that end early when their rows are long, so that no list fills the memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncpg

from wms_core.application.ports import ResultPage
from wms_core.cooperative import map_in_pieces

T = TypeVar("T")


async def result_page(
    rows: Sequence[asyncpg.Record], build: Callable[[asyncpg.Record], T], size: int
) -> ResultPage[T]:
    """Return a page of so many rows at most.

    Each row says in `found` how many rows there were before those beyond a number of bytes were left out.
    """
    shown = rows[:size]
    return ResultPage(await map_in_pieces(build, shown), bool(shown) and shown[0]["found"] > len(shown))

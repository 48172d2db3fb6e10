"""Pages with a size limit in bytes, so that no list fills the memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncpg

from wms_core.application.database import ResultPage
from wms_core.runtime.cooperative import map_in_pieces

T = TypeVar("T")


async def result_page(
    rows: Sequence[asyncpg.Record], build: Callable[[asyncpg.Record], T], size: int
) -> ResultPage[T]:
    """Return a page of up to `size` rows.

    The column `row_count` of each row has the number of rows before the limit in bytes was applied.
    """
    page_rows = rows[:size]
    return ResultPage(
        await map_in_pieces(build, page_rows), bool(page_rows) and page_rows[0]["row_count"] > len(page_rows)
    )

"""Pagination: limits of pages by count, by depth and by bytes."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from wms_core.application.database import MAX_RESPONSE_BYTES
from wms_core.domain.errors import PageTooDeep
from wms_core.runtime.cooperative import Pieces

T = TypeVar("T")
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGE_DEPTH = 20, 200, 10_000


def clamp_page_size(requested_size: int) -> int:
    """Return the size of a page: 20 for 0, at most 200."""
    return min(requested_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def offset_of_page(page: int, size: int) -> int:
    """Return the offset of a page number (from 1).

    Raises:
        PageTooDeep: the page ends beyond the first 10,000 elements.
    """
    return check_depth((page - 1) * size if page else 0, size)


def check_depth(offset: int, size: int) -> int:
    """Return the offset.

    Raises:
        PageTooDeep: the page ends beyond the first 10,000 elements.
    """
    if offset + size > MAX_PAGE_DEPTH:
        raise PageTooDeep(limit=MAX_PAGE_DEPTH)
    return offset


async def fill_response_list(
    response_list: Any, page_elements: Iterable[T], write_message: Callable[[T], Message]
) -> int:
    """Append elements to the list of a response, at least one, up to `MAX_RESPONSE_BYTES`.

    Return the number of appended elements.
    """
    remaining_bytes, work_pieces = MAX_RESPONSE_BYTES, Pieces()
    for page_element in page_elements:
        message = write_message(page_element)
        remaining_bytes -= message.ByteSize()
        if remaining_bytes < 0 and response_list:
            break
        response_list.append(message)
        await work_pieces.pause_if_due()
    return len(response_list)

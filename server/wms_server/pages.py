"""Pages of lists: their sizes, by count and by bytes."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from wms_core.application.ports import MAX_RESPONSE_BYTES
from wms_core.cooperative import Pieces
from wms_core.domain.errors import PageTooDeep

T = TypeVar("T")
DEFAULT, MOST, DEEPEST = 20, 200, 10_000


def page_size(asked: int) -> int:
    """Give the size of a page: 20 when 0 is asked for, never more than 200."""
    return min(asked or DEFAULT, MOST)


def numbered(page: int, size: int) -> int:
    """Give the offset of a page number (from 1). Raises PageTooDeep."""
    return deep((page - 1) * size if page else 0, size)


def deep(offset: int, size: int) -> int:
    """Give the offset if the page lies in the first 10,000. Raises PageTooDeep."""
    if offset + size > DEEPEST:
        raise PageTooDeep(limit=DEEPEST)
    return offset


async def fill(answer: Any, elements: Iterable[T], write: Callable[[T], Message]) -> int:
    """Write elements into the list of an answer, at least one, until it is too large for clients.

    Return how many it has.
    """
    room, pieces = MAX_RESPONSE_BYTES, Pieces()
    for element in elements:
        message = write(element)
        room -= message.ByteSize()
        if room < 0 and answer:
            break
        answer.append(message)
        await pieces.pause_if_due()
    return len(answer)

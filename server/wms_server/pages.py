"""Pages of lists: their sizes, by count and by bytes."""

from collections.abc import Sequence

from google.protobuf.message import Message

from wms_core.domain.errors import PageTooDeep

DEFAULT, MOST, DEEPEST = 20, 200, 10_000
#: Bytes of a page's elements: clients refuse an answer of more than 4 MiB unless they are told otherwise.
LARGEST = 3_500_000


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


def fitting(messages: Sequence[Message]) -> int:
    """Give how many of the first elements a page holds without being too large for a client; at least one."""
    room = LARGEST
    for number, message in enumerate(messages):
        room -= message.ByteSize()
        if room < 0:
            return max(number, 1)
    return len(messages)

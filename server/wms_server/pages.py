"""Pages of lists: sizes, and tokens that are bound to a list and its filters."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.message import Message

from wms_core.application.ports import MAX_RESPONSE_BYTES, Page
from wms_core.cooperative import Pieces
from wms_core.domain.errors import InvalidPageToken, PageTooDeep

T = TypeVar("T")
DEFAULT, MOST, DEEPEST = 20, 200, 10_000


#: The fields that say which page; all others are filters.
_PAGING = ("page_size", "page_token", "page", "limit", "offset")


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


def keyset(request: Any, size: int, offset: int = 0) -> Page:
    """Give the page of a list that is ordered by time and id. Raises InvalidPageToken."""
    key = read_token(request)
    if not key:
        return Page(size, offset=offset)
    try:
        moment, name = key
        return Page(size, after=(datetime.fromisoformat(moment), str(name)))
    except (ValueError, TypeError):
        raise InvalidPageToken from None


def read_token(request: Any) -> list[Any]:
    """Give the key in a request's page token, empty without a token. Raises InvalidPageToken."""
    if not request.page_token:
        return []
    try:
        raw = base64.urlsafe_b64decode(request.page_token.encode("ascii"))
        check, body = raw[:16], raw[16:]
        if check != _check(request, body):
            raise InvalidPageToken
        key = json.loads(body)
    except (ValueError, binascii.Error, UnicodeError):
        raise InvalidPageToken from None
    if not isinstance(key, list):
        raise InvalidPageToken
    return key


def next_token(request: Any, *key: str | datetime) -> str:
    """Give the token of the page after `key`, for the request's list and filters."""
    values = [part.astimezone(UTC).isoformat() if isinstance(part, datetime) else part for part in key]
    body = json.dumps(values, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(request, body) + body).decode("ascii")


def _check(request: Message, body: bytes) -> bytes:
    """Tie a token to its list, filters and content; a slip of the hand in it does not pass."""
    filters = type(request)()
    filters.CopyFrom(request)
    for name in _PAGING:
        if name in request.DESCRIPTOR.fields_by_name:
            filters.ClearField(name)
    content = request.DESCRIPTOR.full_name.encode() + b"\0" + filters.SerializeToString(deterministic=True)
    return hashlib.sha256(content + b"\0" + body).digest()[:16]


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


def text_after(request: Any) -> str:
    """Give the id after which a list that is ordered by id goes on. Raises InvalidPageToken."""
    key = read_token(request)
    if len(key) > 1 or not all(isinstance(part, str) for part in key):
        raise InvalidPageToken
    return key[0] if key else ""


def pair_after(request: Any) -> tuple[str, str]:
    """Give the pair after which a list that is ordered by two ids goes on. Raises InvalidPageToken."""
    key = read_token(request) or ["", ""]
    if len(key) != 2 or not all(isinstance(part, str) for part in key):
        raise InvalidPageToken
    return key[0], key[1]


def number_after(request: Any) -> int:
    """Give the number after which a list that is ordered by number goes on. Raises InvalidPageToken."""
    text = text_after(request) or "0"
    if not text.isdecimal():
        raise InvalidPageToken
    return int(text)

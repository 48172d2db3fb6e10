"""Tokens of pages: where a list goes on, signed, and bound to the list and its filters.

A token is read strictly all the same: a key may become known, and a token may come from another version.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from wms_core.application.ports import Page
from wms_core.domain.errors import InvalidPageToken, StorageUnavailable

#: The fields that say which page; all others are filters.
_PAGING = ("page_size", "page_token", "page", "limit", "offset")
#: The highest numbers by which lists are ordered, as Postgres stores them.
MAX_SEQUENCE, MAX_POSITION = 2**31 - 1, 2**63 - 1
_SIGNATURE_BYTES = 16
_MAX_TEXT = 512
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_TIME = re.compile(r"(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)


class PageTokens:
    """Signs tokens by the first of its keys, and reads those that any of them has signed."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        """Use these keys; without any, lists answer DATABASE_UNAVAILABLE until `keys` is set."""
        self.keys = tuple(keys)

    def next_token(self, request: Any, *key: str | datetime) -> str:
        """Return the token of the page after `key`, for the request's list and filters."""
        values = [part.astimezone(UTC).isoformat() if isinstance(part, datetime) else part for part in key]
        body = json.dumps(values, separators=(",", ":")).encode()
        return _encode(_signature(self._usable_keys()[0], request, body) + body)

    def page_after(self, request: Any, size: int, offset: int = 0) -> Page:
        """Return the page of a list that is ordered by time and id. Raises InvalidPageToken."""
        key = self.read(request)
        if not key:
            return Page(size, offset=offset)
        moment, name = _texts(key, 2)
        return Page(size, after=(_time(moment), name))

    def text_after(self, request: Any) -> str:
        """Return the id after which a list that is ordered by id goes on. Raises InvalidPageToken."""
        return _texts(self.read(request) or [""], 1)[0]

    def pair_after(self, request: Any) -> tuple[str, str]:
        """Return the pair after which a list that is ordered by two ids goes on. Raises InvalidPageToken."""
        first, second = _texts(self.read(request) or ["", ""], 2)
        return first, second

    def number_after(self, request: Any, highest: int) -> int:
        """Return the number after which a list goes on, the highest at most. Raises InvalidPageToken."""
        text = self.text_after(request) or "0"
        if not _NUMBER.fullmatch(text) or int(text) > highest:
            raise InvalidPageToken
        return int(text)

    def read(self, request: Any) -> list[Any]:
        """Return the key in a request's page token, empty without a token. Raises InvalidPageToken."""
        if not request.page_token:
            return []
        raw = _decode(request.page_token)
        given, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        signatures = (_signature(key, request, body) for key in self._usable_keys())
        if not any(hmac.compare_digest(given, signature) for signature in signatures):
            raise InvalidPageToken
        try:
            key = json.loads(body)
        except ValueError:
            raise InvalidPageToken from None
        if not isinstance(key, list):
            raise InvalidPageToken
        return key

    def _usable_keys(self) -> tuple[bytes, ...]:
        if not self.keys:
            raise StorageUnavailable
        return self.keys


def _signature(key: bytes, request: Message, body: bytes) -> bytes:
    """Return the signature of a token for this list with these filters."""
    filters = type(request)()
    filters.CopyFrom(request)
    for name in _PAGING:
        if name in request.DESCRIPTOR.fields_by_name:
            filters.ClearField(name)
    signed = hmac.new(key, digestmod=hashlib.sha256)
    # With their lengths, so that no part can be taken for another.
    for part in (request.DESCRIPTOR.full_name.encode(), filters.SerializeToString(deterministic=True), body):
        signed.update(len(part).to_bytes(8, "big") + part)
    return signed.digest()[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _decode(text: str) -> bytes:
    """Decode a token. Raises InvalidPageToken, also for one that is not written as `_encode` writes it."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise InvalidPageToken from None
    if _encode(raw) != text:
        raise InvalidPageToken
    return raw


def _texts(key: list[Any], count: int) -> list[str]:
    """Return the parts of a key, which have to be so many, and text that Postgres takes."""
    for part in key:
        if not isinstance(part, str) or len(part) > _MAX_TEXT or _CONTROL.search(part):
            raise InvalidPageToken
    if len(key) != count:
        raise InvalidPageToken
    return key


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise InvalidPageToken
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # Such as February 30.
        raise InvalidPageToken from None

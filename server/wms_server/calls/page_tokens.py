"""Page tokens: signed cursors, each bound to its list and filters.

The content of a token is validated although it is signed: a key may leak, and a token may come from another
version.
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

from wms_core.application.database import Page
from wms_core.domain.errors import InvalidPageToken, StorageUnavailable

#: The fields that select the page; all others are filters.
_PAGING_FIELDS = ("page_size", "page_token", "page", "limit", "offset")
#: The largest values of the numeric cursors, as Postgres stores them.
MAX_SEQUENCE, MAX_POSITION = 2**31 - 1, 2**63 - 1
_SIGNATURE_BYTES = 16
_MAX_PART_CHARACTERS = 512
_CONTROL_CHARACTERS = re.compile(r"[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_TIME_PATTERN = re.compile(r"(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", re.ASCII)
_NUMBER_PATTERN = re.compile(r"\d{1,19}", re.ASCII)


class PageTokens:
    """Signs tokens with the first of its keys, and accepts signatures of all of them."""

    def __init__(self, signing_keys: Sequence[bytes] = ()) -> None:
        """Without keys, lists raise `StorageUnavailable` until `signing_keys` is set."""
        self.signing_keys = tuple(signing_keys)

    def encode_next_token(self, request: Any, *key: str | datetime) -> str:
        """Return the token of the page after `key`, for the request's list and filters."""
        values = [
            key_part.astimezone(UTC).isoformat() if isinstance(key_part, datetime) else key_part
            for key_part in key
        ]
        body = json.dumps(values, separators=(",", ":")).encode()
        return _encode_token(_sign_token(self._get_usable_keys()[0], request, body) + body)

    def decode_page_cursor(self, request: Any, size: int, offset: int = 0) -> Page:
        """Return the page of a list ordered by time and id.

        Raises:
            InvalidPageToken: the token was not issued for this list and its filters.
        """
        key = self.read_cursor(request)
        if not key:
            return Page(size, offset=offset)
        time_text, name = _check_text_parts(key, 2)
        return Page(size, after_key=(_parse_time(time_text), name))

    def decode_text_cursor(self, request: Any) -> str:
        """Return the id after which a list ordered by id continues.

        Raises:
            InvalidPageToken: the token was not issued for this list and its filters.
        """
        return _check_text_parts(self.read_cursor(request) or [""], 1)[0]

    def decode_pair_cursor(self, request: Any) -> tuple[str, str]:
        """Return the pair after which a list ordered by two ids continues.

        Raises:
            InvalidPageToken: the token was not issued for this list and its filters.
        """
        first_id, second_id = _check_text_parts(self.read_cursor(request) or ["", ""], 2)
        return first_id, second_id

    def decode_number_cursor(self, request: Any, max_number: int) -> int:
        """Return the number (at most `max_number`) after which a list continues.

        Raises:
            InvalidPageToken: the token was not issued for this list and its filters.
        """
        text = self.decode_text_cursor(request) or "0"
        if not _NUMBER_PATTERN.fullmatch(text) or int(text) > max_number:
            raise InvalidPageToken
        return int(text)

    def read_cursor(self, request: Any) -> list[Any]:
        """Return the key in a request's page token, empty without a token.

        Raises:
            InvalidPageToken: the token was not issued for this list and its filters.
            StorageUnavailable: the signing keys are not loaded yet.
        """
        if not request.page_token:
            return []
        raw_bytes = _decode_token(request.page_token)
        token_signature, body = raw_bytes[:_SIGNATURE_BYTES], raw_bytes[_SIGNATURE_BYTES:]
        valid_signatures = (_sign_token(key, request, body) for key in self._get_usable_keys())
        if not any(
            hmac.compare_digest(token_signature, valid_signature) for valid_signature in valid_signatures
        ):
            raise InvalidPageToken
        try:
            key = json.loads(body)
        except ValueError:
            raise InvalidPageToken from None
        if not isinstance(key, list):
            raise InvalidPageToken
        return key

    def _get_usable_keys(self) -> tuple[bytes, ...]:
        if not self.signing_keys:
            raise StorageUnavailable
        return self.signing_keys


def _sign_token(key: bytes, request: Message, body: bytes) -> bytes:
    """Return the signature of a token for this list with these filters."""
    filter_message = type(request)()
    filter_message.CopyFrom(request)
    for name in _PAGING_FIELDS:
        if name in request.DESCRIPTOR.fields_by_name:
            filter_message.ClearField(name)
    token_hmac = hmac.new(key, digestmod=hashlib.sha256)
    # Each part is signed with its length, so that parts cannot be shifted into each other.
    for signed_part in (
        request.DESCRIPTOR.full_name.encode(),
        filter_message.SerializeToString(deterministic=True),
        body,
    ):
        token_hmac.update(len(signed_part).to_bytes(8, "big") + signed_part)
    return token_hmac.digest()[:_SIGNATURE_BYTES]


def _encode_token(raw_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(raw_bytes).decode("ascii")


def _decode_token(text: str) -> bytes:
    """Decode a token.

    Raises:
        InvalidPageToken: it is not written exactly as `_encode_token` writes it.
    """
    try:
        raw_bytes = base64.urlsafe_b64decode(text.encode("ascii"))
    except ValueError:
        raise InvalidPageToken from None
    if _encode_token(raw_bytes) != text:
        raise InvalidPageToken
    return raw_bytes


def _check_text_parts(key: list[Any], count: int) -> list[str]:
    """Return the key if it has `count` parts of text that Postgres accepts. Raise `InvalidPageToken` else."""
    for key_part in key:
        if (
            not isinstance(key_part, str)
            or len(key_part) > _MAX_PART_CHARACTERS
            or _CONTROL_CHARACTERS.search(key_part)
        ):
            raise InvalidPageToken
    if len(key) != count:
        raise InvalidPageToken
    return key


def _parse_time(text: str) -> datetime:
    if not _TIME_PATTERN.fullmatch(text):
        raise InvalidPageToken
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # For example, February 30.
        raise InvalidPageToken from None

"""The body of a request: refused by what its headers say, else read within bounds of size and time."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from wms_core.domain.errors import MessageTooLarge
from wms_server.http.json_text import parse_json
from wms_server.http.refusals import RequestTooSlow, UnsupportedMediaType
from wms_server.pipeline import MESSAGE_LIMIT

#: A longer body is read as JSON beside the event loop, so that others are not kept waiting.
AT_ONCE = 64 * 1024


def is_announced(headers: Mapping[str, str]) -> bool:
    """Say whether a request has a body, by its headers."""
    return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


async def read_json(headers: Mapping[str, str], receive: Receive, patience: float) -> Any:
    """Read the body as JSON; None when there is none.

    Raises MessageTooLarge, before anything is read if the headers say so, RequestTooSlow when it is not
    there after `patience` seconds, ClientDisconnect, and then UnsupportedMediaType and BrokenJson.
    """
    if not is_announced(headers):
        return None
    raw = await arrived(headers, receive, patience)
    _expect_json(headers)
    if not raw.strip():
        return None
    return parse_json(raw) if len(raw) <= AT_ONCE else await asyncio.to_thread(parse_json, raw)


async def arrived(headers: Mapping[str, str], receive: Receive, patience: float) -> bytes:
    """Wait for the whole body, also of a request that is refused: who still sends misses the answer.

    Raises MessageTooLarge, RequestTooSlow and ClientDisconnect.
    """
    if int(headers.get("content-length", 0)) > MESSAGE_LIMIT:
        raise MessageTooLarge(limit=MESSAGE_LIMIT)
    try:
        async with asyncio.timeout(patience):
            return await _whole(receive)
    except TimeoutError:
        raise RequestTooSlow(seconds=f"{patience:g}") from None


async def _whole(receive: Receive) -> bytes:
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts += message.get("body", b"")
        if len(parts) > MESSAGE_LIMIT:
            raise MessageTooLarge(limit=MESSAGE_LIMIT)
        if not message.get("more_body", False):
            return bytes(parts)


def _expect_json(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.lower().partition(";")
    encoded = headers.get("content-encoding", "identity").lower() != "identity"
    charset = parameters.replace('"', "").strip()
    if kind.strip() != "application/json" or charset not in ("", "charset=utf-8") or encoded:
        said = f"{given}, compressed" if encoded else given
        raise UnsupportedMediaType(media_type=said[:100] or "nothing")

"""The body of a request: refused by what its headers say, else read within bounds of size and time."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from wms_core.domain.errors import MessageTooLarge
from wms_server.http.refusals import RequestTooSlow, UnsupportedMediaType
from wms_server.memory_budget import Reservation
from wms_server.request_limits import MAX_REQUEST_BYTES


def is_announced(headers: Mapping[str, str]) -> bool:
    """Say whether a request has a body, by its headers."""
    return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


async def read_body(
    headers: Mapping[str, str], receive: Receive, patience: float, max_bytes: int, memory: Reservation
) -> bytes | None:
    """Read the body, which is said to be JSON, into the memory; None when there is none.

    Raises MessageTooLarge, before anything is read if the headers say so, TooManyBytes, RequestTooSlow when
    it is not there after `patience` seconds, ClientDisconnect, and then UnsupportedMediaType.
    """
    if not is_announced(headers):
        return None
    body = bytearray()

    def take(part: bytes) -> None:
        memory.receive(len(part))
        body.extend(part)

    await _arrived(headers, receive, patience, max_bytes, take)
    if not body:
        # It was announced by its encoding, and has ended at once.
        return None
    _expect_json(headers)
    return bytes(body) if body.strip() else None


async def passed_over(headers: Mapping[str, str], receive: Receive, patience: float) -> None:
    """Wait for the whole body of a request that is refused: who still sends misses the answer.

    Raises MessageTooLarge, RequestTooSlow and ClientDisconnect.
    """
    await _arrived(headers, receive, patience, MAX_REQUEST_BYTES, lambda _part: None)


async def _arrived(
    headers: Mapping[str, str],
    receive: Receive,
    patience: float,
    max_bytes: int,
    take: Callable[[bytes], None],
) -> None:
    if int(headers.get("content-length", 0)) > max_bytes:
        raise MessageTooLarge(limit=max_bytes)
    try:
        async with asyncio.timeout(patience):
            size, more = 0, True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > max_bytes:
                    raise MessageTooLarge(limit=max_bytes)
                take(part)
                more = message.get("more_body", False)
    except TimeoutError:
        raise RequestTooSlow(seconds=f"{patience:g}") from None


def _expect_json(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.lower().partition(";")
    encoded = headers.get("content-encoding", "identity").lower() != "identity"
    charset = parameters.replace('"', "").strip()
    if kind.strip() != "application/json" or charset not in ("", "charset=utf-8") or encoded:
        said = f"{given}, compressed" if encoded else given
        raise UnsupportedMediaType(media_type=said[:100] or "nothing")

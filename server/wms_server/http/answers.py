"""Answers: the HTTP status of an error, its JSON, and the headers that every answer has."""

from typing import Any

from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from starlette.responses import Response

from wms_core.domain.caller import Caller
from wms_server.calls import CORRELATION, UTF_8, WAVE, WORKFLOW
from wms_server.http.json_writing import status_json, to_bytes

#: As `google/rpc/code.proto` maps them.
_STATUSES: dict[int, int] = {
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.UNAUTHENTICATED: 401,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
}
#: What HTTP itself has a status for.
_BY_REASON = {
    "METHOD_NOT_ALLOWED": 405,
    "REQUEST_TOO_SLOW": 408,
    "MESSAGE_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}
#: After these it may be that the rest of the request has not been read.
_LAST = ("METHOD_NOT_ALLOWED", "REQUEST_TOO_SLOW", "MESSAGE_TOO_LARGE", "PATH_NOT_FOUND")


def failed(status: Status, headers: dict[str, str], *, conditional: bool = False) -> Response:
    """Answer with an error; a condition that the request made, as If-Match does, fails as 412."""
    info = _info_of(status)
    code = _BY_REASON.get(info.reason) or _STATUSES.get(status.code, 500)
    if conditional and info.reason == "ETAG_MISMATCH":
        code = 412
    more = dict(headers)
    if code == 405:
        more["Allow"] = info.metadata["allowed"]
    if code in (429, 503):
        more["Retry-After"] = "1"
    if info.reason in _LAST:
        more["Connection"] = "close"
    return Response(to_bytes(status_json(status)), code, more, "application/json")


def answered(body: Any, code: int, headers: dict[str, str]) -> Response:
    """Answer with JSON; its etag, which has its quotes, goes into the header too."""
    etag = body.get("etag")
    more = {**headers, "ETag": etag} if etag else headers
    return Response(to_bytes(body), code, more, "application/json")


def not_modified(etag: str, headers: dict[str, str]) -> Response:
    """Answer that the caller has what is there."""
    return Response(b"", 304, {**headers, "ETag": etag})


def caller_headers(caller: Caller) -> dict[str, str]:
    """Give back what ties a call to the work that it belongs to, as it was sent: in UTF-8."""
    named = {CORRELATION: caller.correlation_id, WAVE: caller.wave_number, WORKFLOW: caller.workflow_id}
    # Starlette writes the characters of a header as single bytes.
    return {name: value.encode(UTF_8).decode("latin-1") for name, value in named.items() if value}


def _info_of(status: Status) -> ErrorInfo:
    info = ErrorInfo()
    if status.details:
        status.details[0].Unpack(info)
    return info

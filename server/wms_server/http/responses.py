"""HTTP responses: the status of each error, its JSON body, and the headers of all responses."""

from typing import Any

from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from starlette.responses import Response

from wms_core.domain.call_context import Caller
from wms_core.domain.errors import (
    DeadlinePassed,
    InvalidArgument,
    MalformedMessage,
    NotFound,
    NotServed,
    PermissionDenied,
    ServerOverloaded,
)
from wms_server.calls.call import (
    CORRELATION_ID_HEADER,
    UTF_8_ENCODING,
    WAVE_NUMBER_HEADER,
    WORKFLOW_ID_HEADER,
)
from wms_server.http.json_encoding import encode_json, status_to_json

#: The mapping of `google/rpc/code.proto`.
_STATUS_BY_CODE: dict[int, int] = {
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
#: Error reasons with a more specific HTTP status.
_STATUS_BY_REASON = {
    "METHOD_NOT_ALLOWED": 405,
    "REQUEST_TOO_SLOW": 408,
    "MESSAGE_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}
#: The rest of the request may be unread after these errors, so the connection is closed.
_CLOSING_REASONS = ("METHOD_NOT_ALLOWED", "REQUEST_TOO_SLOW", "MESSAGE_TOO_LARGE", "PATH_NOT_FOUND")


def error_response(status: Status, headers: dict[str, str], *, is_conditional: bool = False) -> Response:
    """Return an error response. With `is_conditional` (If-Match was sent), an etag mismatch is a 412."""
    error_details = _get_error_details(status)
    status_code = _STATUS_BY_REASON.get(error_details.reason) or _STATUS_BY_CODE.get(status.code, 500)
    if is_conditional and error_details.reason == "ETAG_MISMATCH":
        status_code = 412
    response_headers = dict(headers)
    if status_code == 405:
        response_headers["Allow"] = error_details.metadata["allowed"]
    if status_code in (429, 503):
        response_headers["Retry-After"] = "1"
    if error_details.reason in _CLOSING_REASONS:
        response_headers["Connection"] = "close"
    return Response(encode_json(status_to_json(status)), status_code, response_headers, "application/json")


def json_response(body: Any, status_code: int, headers: dict[str, str]) -> Response:
    """Return a JSON response; the etag of the body, which has its quotes, is also sent as a header."""
    entity_tag = body.get("etag")
    response_headers = {**headers, "ETag": entity_tag} if entity_tag else headers
    return Response(encode_json(body), status_code, response_headers, "application/json")


def not_modified_response(entity_tag: str, headers: dict[str, str]) -> Response:
    """Return a 304 response: the client's copy is current."""
    return Response(b"", 304, {**headers, "ETag": entity_tag})


def get_caller_headers(caller: Caller) -> dict[str, str]:
    """Return the headers that identify the call (correlation id, wave, workflow), in UTF-8 as received."""
    caller_fields = {
        CORRELATION_ID_HEADER: caller.correlation_id,
        WAVE_NUMBER_HEADER: caller.wave_number,
        WORKFLOW_ID_HEADER: caller.workflow_id,
    }
    # Starlette encodes header values as latin-1, so each UTF-8 byte becomes one character.
    return {
        name: value.encode(UTF_8_ENCODING).decode("latin-1") for name, value in caller_fields.items() if value
    }


def _get_error_details(status: Status) -> ErrorInfo:
    error_details = ErrorInfo()
    if status.details:
        status.details[0].Unpack(error_details)
    return error_details


class PathNotFound(NotFound):
    """Path {path} does not exist; {hint}."""

    reason = "PATH_NOT_FOUND"

    def __init__(self, path: str, nearest_paths: str) -> None:
        hint_text = f"similar paths: {nearest_paths}" if nearest_paths else "/openapi.json lists all paths"
        super().__init__(path=path, hint=hint_text)
        self.metadata = {"path": path, "nearest": nearest_paths} if nearest_paths else {"path": path}


class MethodNotAllowed(NotServed):
    """{method} is not allowed for {path}; allowed: {allowed}."""

    reason = "METHOD_NOT_ALLOWED"


class UnsupportedMediaType(InvalidArgument):
    """The body must be uncompressed JSON in UTF-8 with Content-Type application/json, but is {media_type}."""

    reason = "UNSUPPORTED_MEDIA_TYPE"


class HostNotAllowed(PermissionDenied):
    """{host} is not a name of this server; use another name, or add it to HTTP_ALLOWED_HOSTS."""

    reason = "HOST_NOT_ALLOWED"


class CrossSiteRequest(PermissionDenied):
    """Web pages of other sites must not change data here ({header}: {value})."""

    reason = "CROSS_SITE_REQUEST"


class RequestTooSlow(DeadlinePassed):
    """The request did not arrive completely within {seconds} seconds; nothing was changed."""

    reason = "REQUEST_TOO_SLOW"


class TooManyConnections(ServerOverloaded):
    """The server has reached its limit of {limit} connections over HTTP; retry the same request later."""


class BrokenJson(MalformedMessage):
    """The body is not valid JSON: {problem} (line {line}, column {column})."""

    def __init__(self, problem_text: str, line: int, column_number: int) -> None:
        super().__init__(problem=problem_text, line=line, column=column_number)
        self.metadata = {}

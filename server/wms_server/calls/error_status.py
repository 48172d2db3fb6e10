"""Conversion of the service's errors to gRPC statuses (`google.rpc.Status` with details)."""

import string
from urllib.parse import quote

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from wms_core.domain import errors
from wms_core.domain.errors import InvalidFields, WmsError
from wms_core.domain.events.events import to_camel_case

ERROR_DOMAIN = "wms.orders"
#: Characters that gRPC does not percent-encode in a message.
_VISIBLE_CHARACTERS = string.printable.translate(
    {ord(escaped_character): None for escaped_character in "%\t\n\r\x0b\x0c"}
)

#: The first matching category determines the code.
CODES_BY_ERROR_TYPE: tuple[tuple[type[WmsError], int], ...] = (
    (errors.InvalidArgument, Code.INVALID_ARGUMENT),
    (errors.PermissionDenied, Code.PERMISSION_DENIED),
    (errors.NotFound, Code.NOT_FOUND),
    (errors.AlreadyExists, Code.ALREADY_EXISTS),
    (errors.FailedPrecondition, Code.FAILED_PRECONDITION),
    (errors.OutOfRange, Code.OUT_OF_RANGE),
    (errors.OperationAborted, Code.ABORTED),
    (errors.ServiceUnavailable, Code.UNAVAILABLE),
    (errors.ResourceExhausted, Code.RESOURCE_EXHAUSTED),
    (errors.DeadlinePassed, Code.DEADLINE_EXCEEDED),
    (errors.NotServed, Code.UNIMPLEMENTED),
)

#: Bytes of a status. It is sent in a trailer, encoded in base64, together with its message and the
#: correlation id. Clients accept 8 KiB of trailers by default, each counted with 32 bytes of overhead.
MAX_STATUS_BYTES = 4_800
#: Bytes of the encoded message: each byte that is not visible ASCII takes three.
_MAX_MESSAGE_BYTES = 1_000
#: Bytes of one value of the metadata (contract: ErrorReason).
_MAX_VALUE_BYTES = 512
#: Overhead of a detail: its type and its length.
_ENVELOPE_BYTES = 64
_RETRY_AFTER = Duration(nanos=200_000_000)


def to_status(error: WmsError, max_bytes: int = MAX_STATUS_BYTES) -> Status:
    """Return the status with code, message, ErrorInfo and, where they help, BadRequest or RetryInfo.

    A status too large for clients is truncated: texts end with `…`, and the last field violation has the
    number of the omitted ones.
    """
    code = next(
        (code for error_type, code in CODES_BY_ERROR_TYPE if isinstance(error, error_type)), Code.INTERNAL
    )
    metadata = {to_camel_case(name): _truncate_text(value) for name, value in error.metadata.items()}
    status_details = [_pack_any(ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=metadata))]
    if isinstance(error, errors.ServiceUnavailable | errors.ServerOverloaded):
        status_details.append(_pack_any(RetryInfo(retry_delay=_RETRY_AFTER)))
    message = _truncate_encoded_text(str(error), min(_MAX_MESSAGE_BYTES, max_bytes // 4))
    status = Status(code=code, message=message, details=status_details)
    if isinstance(error, InvalidFields):
        status.details.append(
            _pack_any(_build_bad_request(error, max_bytes - status.ByteSize() - _ENVELOPE_BYTES))
        )
    return status


def _truncate_text(value: str) -> str:
    """Return a value, truncated to `_MAX_VALUE_BYTES`."""
    encoded_text = value.encode()
    if len(encoded_text) <= _MAX_VALUE_BYTES:
        return value
    return encoded_text[: _MAX_VALUE_BYTES - 3].decode(errors="ignore") + "…"


def _truncate_encoded_text(text: str, max_bytes: int) -> str:
    """Return a text, truncated so that its percent-encoded form has at most `max_bytes`."""
    if len(quote(text, safe=_VISIBLE_CHARACTERS)) <= max_bytes:
        return text
    max_text_bytes, text_bytes = max_bytes - len(quote("…")), 0
    for index, text_character in enumerate(text):
        text_bytes += len(quote(text_character, safe=_VISIBLE_CHARACTERS))
        if text_bytes > max_text_bytes:
            return text[:index] + "…"
    return text


def build_internal_status(error_id: str) -> Status:
    """Return the status of an unexpected error: an id that the log has too, and no details."""
    error_detail = ErrorInfo(reason="INTERNAL", domain=ERROR_DOMAIN, metadata={"errorId": error_id})
    return Status(
        code=Code.INTERNAL, message=f"Internal error {error_id}.", details=[_pack_any(error_detail)]
    )


def _build_bad_request(error: InvalidFields, max_bytes: int) -> BadRequest:
    """List as many field errors as fit; the last violation has the number of the omitted ones."""
    bad_request, remaining_bytes = BadRequest(), max_bytes - _ENVELOPE_BYTES
    for field_error in error.field_errors:
        field_violation = BadRequest.FieldViolation(
            field=field_error.field[:200],
            description=field_error.error_description[:300],
            reason=_format_reason(field_error.rule_name),
        )
        # The violation's own tag and length.
        remaining_bytes -= field_violation.ByteSize() + 4
        if remaining_bytes < 0:
            break
        bad_request.field_violations.append(field_violation)
    if omitted_count := len(error.field_errors) + error.omitted - len(bad_request.field_violations):
        bad_request.field_violations.add(description=f"and {omitted_count} more errors")
    return bad_request


def _format_reason(rule_name: str) -> str:
    return rule_name.upper().replace(".", "_").replace("-", "_")[:63]


def _pack_any(message: ErrorInfo | BadRequest | RetryInfo) -> Any:
    any_message = Any()
    any_message.Pack(message)
    return any_message

"""The one place where an error of ours becomes a status of gRPC (google.rpc.Status with its details)."""

import string
from urllib.parse import quote

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from wms_core.domain import errors
from wms_core.domain.errors import InvalidFields, WmsError
from wms_core.domain.events import camel_case

DOMAIN = "wms.orders"
#: What travels as it is.
_VISIBLE = string.printable.translate({ord(one): None for one in "%\t\n\r\x0b\x0c"})

#: Categories, the first that fits.
CODES: tuple[tuple[type[WmsError], int], ...] = (
    (errors.InvalidArgument, Code.INVALID_ARGUMENT),
    (errors.PermissionDenied, Code.PERMISSION_DENIED),
    (errors.NotFound, Code.NOT_FOUND),
    (errors.AlreadyExists, Code.ALREADY_EXISTS),
    (errors.FailedPrecondition, Code.FAILED_PRECONDITION),
    (errors.OutOfRange, Code.OUT_OF_RANGE),
    (errors.Aborted, Code.ABORTED),
    (errors.Unavailable, Code.UNAVAILABLE),
    (errors.Exhausted, Code.RESOURCE_EXHAUSTED),
    (errors.DeadlinePassed, Code.DEADLINE_EXCEEDED),
    (errors.NotServed, Code.UNIMPLEMENTED),
)

#: Bytes of a status. It travels in a trailer, encoded in base64, beside its message once more and the
#: correlation id; clients take 8 KiB of trailers by default, each with 32 bytes for itself.
MAX_STATUS_BYTES = 4_800
#: Bytes of the message as it travels: whatever is not visible ASCII takes three for each of its own.
_MAX_MESSAGE_BYTES = 1_000
#: Bytes of one value of the metadata (contract: ErrorReason).
_MAX_VALUE_BYTES = 512
#: What a detail takes beside its content: its type and its length.
_ENVELOPE_BYTES = 64
_RETRY_AFTER = Duration(nanos=200_000_000)


def status_of(error: WmsError, max_bytes: int = MAX_STATUS_BYTES) -> Status:
    """Return the status with code, message, ErrorInfo and, where they help, BadRequest or RetryInfo.

    What would make it too large for clients is cut: texts end with `…`, and the last fault counts the others.
    """
    code = next((code for kind, code in CODES if isinstance(error, kind)), Code.INTERNAL)
    metadata = {camel_case(name): _cut(value) for name, value in error.facts.items()}
    details = [_any(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))]
    if isinstance(error, errors.Unavailable | errors.Overloaded):
        details.append(_any(RetryInfo(retry_delay=_RETRY_AFTER)))
    message = _cut_encoded(str(error), min(_MAX_MESSAGE_BYTES, max_bytes // 4))
    status = Status(code=code, message=message, details=details)
    if isinstance(error, InvalidFields):
        status.details.append(_any(_bad_request(error, max_bytes - status.ByteSize() - _ENVELOPE_BYTES)))
    return status


def _cut(value: str) -> str:
    """Return the first characters of a value that is too long."""
    encoded = value.encode()
    if len(encoded) <= _MAX_VALUE_BYTES:
        return value
    return encoded[: _MAX_VALUE_BYTES - 3].decode(errors="ignore") + "…"


def _cut_encoded(text: str, max_bytes: int) -> str:
    """Return the first characters of a text that take no more bytes in the way in which gRPC writes it."""
    if len(quote(text, safe=_VISIBLE)) <= max_bytes:
        return text
    room, length = max_bytes - len(quote("…")), 0
    for number, character in enumerate(text):
        length += len(quote(character, safe=_VISIBLE))
        if length > room:
            return text[:number] + "…"
    return text


def internal_status(error_id: str) -> Status:
    """Give the status of a fault of ours: an id that is in the log, and nothing of the fault itself."""
    info = ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"errorId": error_id})
    return Status(code=Code.INTERNAL, message=f"Internal error {error_id}.", details=[_any(info)])


def _bad_request(error: InvalidFields, max_bytes: int) -> BadRequest:
    """Name every fault, as many as there is room for; the last one says how many are missing."""
    request, room = BadRequest(), max_bytes - _ENVELOPE_BYTES
    for fault in error.faults:
        violation = BadRequest.FieldViolation(
            field=fault.field[:200], description=fault.description[:300], reason=_reason(fault.rule)
        )
        # Its own tag and length.
        room -= violation.ByteSize() + 4
        if room < 0:
            break
        request.field_violations.append(violation)
    if left := len(error.faults) + error.omitted - len(request.field_violations):
        request.field_violations.add(description=f"and {left} more faults")
    return request


def _reason(rule: str) -> str:
    return rule.upper().replace(".", "_").replace("-", "_")[:63]


def _any(message: ErrorInfo | BadRequest | RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed

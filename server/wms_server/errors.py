"""The one place where an error of ours becomes a status of gRPC (google.rpc.Status with its details)."""

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from wms_core.domain import errors
from wms_core.domain.errors import InvalidFields, WmsError
from wms_core.domain.events import camel_case

DOMAIN = "wms.orders"

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

# The status travels in a trailer, and clients take no more than 8 KiB of those by default.
_DETAILS_LIMIT = 5_500
_MESSAGE_LIMIT = 1_000
_RETRY_AFTER = Duration(nanos=200_000_000)


def status_of(error: WmsError) -> Status:
    """Give the status with code, message, ErrorInfo and, where they help, BadRequest or RetryInfo."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), Code.INTERNAL)
    metadata = {camel_case(name): value for name, value in error.facts.items()}
    details = [_any(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))]
    if isinstance(error, InvalidFields):
        details.append(_any(_bad_request(error)))
    if isinstance(error, errors.Unavailable | errors.Overloaded):
        details.append(_any(RetryInfo(retry_delay=_RETRY_AFTER)))
    return Status(code=code, message=str(error)[:_MESSAGE_LIMIT], details=details)


def internal_status(error_id: str) -> Status:
    """Give the status of a fault of ours: an id that is in the log, and nothing of the fault itself."""
    info = ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"errorId": error_id})
    return Status(code=Code.INTERNAL, message=f"Internal error {error_id}.", details=[_any(info)])


def _bad_request(error: InvalidFields) -> BadRequest:
    """Name every fault, as many as a trailer can carry; the last one says how many are missing."""
    request = BadRequest()
    for number, fault in enumerate(error.faults):
        violation = BadRequest.FieldViolation(
            field=fault.field[:200], description=fault.description[:300], reason=_reason(fault.rule)
        )
        if request.ByteSize() + violation.ByteSize() > _DETAILS_LIMIT:
            left = len(error.faults) - number
            request.field_violations.add(description=f"and {left} more faults")
            break
        request.field_violations.append(violation)
    return request


def _reason(rule: str) -> str:
    return rule.upper().replace(".", "_").replace("-", "_")[:63]


def _any(message: ErrorInfo | BadRequest | RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed

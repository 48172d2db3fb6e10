"""Errors of calls, with the reason and the metadata of the contract."""

from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from wms.orders.v1 import error_pb2

DOMAIN = "wms.orders"
_DETAILS = "grpc-status-details-bin"
T = TypeVar("T", ErrorInfo, BadRequest, RetryInfo)


@dataclass(frozen=True, slots=True)
class Violation:
    """One invalid field of a request, by its path in the contract, such as `items[0].quantity`."""

    field: str
    description: str


class OrdersError(grpc.aio.AioRpcError):  # type: ignore[misc,unused-ignore]
    """A failed call. Act on `reason`, not on the text; error.proto has the advice for each reason.

    `reason` is ERROR_REASON_UNSPECIFIED if the service did not send one: the call did not reach it, or the
    client's own deadline ended it. It also is if the reason is newer than this client; `reason_name` has it.
    """

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(
            error.code(),
            error.initial_metadata(),
            error.trailing_metadata(),
            error.details(),
            error.debug_error_string(),
        )
        status = _parse_status(error)
        info = _find_detail(status, ErrorInfo)
        bad_request = _find_detail(status, BadRequest)
        retry = _find_detail(status, RetryInfo)
        service_info = info if info is not None and info.domain == DOMAIN else None
        self.reason_name = service_info.reason if service_info else ""
        name = f"ERROR_REASON_{self.reason_name}"
        is_known = name in error_pb2.ErrorReason.keys()  # noqa: SIM118 # an enum wrapper is not a mapping
        self.reason = (
            error_pb2.ErrorReason.Value(name) if is_known else error_pb2.ErrorReason.ERROR_REASON_UNSPECIFIED
        )
        self.metadata: dict[str, str] = dict(service_info.metadata) if service_info else {}
        self.violations = (
            tuple(Violation(v.field, v.description) for v in bad_request.field_violations)
            if bad_request
            else ()
        )
        #: Seconds after which the service advises a retry; None without advice.
        self.retry_after = retry.retry_delay.ToTimedelta().total_seconds() if retry else None

    def __str__(self) -> str:
        reason_text = f" {self.reason_name}" if self.reason_name else ""
        return f"{self.code().name}{reason_text}: {self.details()}"


def _parse_status(error: grpc.aio.AioRpcError) -> Status:
    """Return the status with its details; empty if there is none, or it can't be parsed."""
    status = Status()
    for name, value in error.trailing_metadata() or ():
        if name == _DETAILS and isinstance(value, bytes):
            try:
                status.ParseFromString(value)
            except DecodeError:
                status.Clear()
    return status


def _find_detail(status: Status, kind: type[T]) -> T | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None

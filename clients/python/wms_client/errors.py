"""Errors as the contract tells them: a reason to act on, with its facts."""

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
    """One fault of a request: the field by its path in the contract, such as `items[0].quantity`."""

    field: str
    description: str


class OrdersError(grpc.aio.AioRpcError):  # type: ignore[misc,unused-ignore]
    """A call that failed. Act on `reason`, not on the text; error.proto says what to do about each.

    `reason` is ERROR_REASON_UNSPECIFIED when the service has told none: the call did not reach it, or ended
    by the client's own deadline; and when it is newer than this client (`reason_name` has it then).
    """

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        super().__init__(
            error.code(),
            error.initial_metadata(),
            error.trailing_metadata(),
            error.details(),
            error.debug_error_string(),
        )
        status = _status(error)
        info = _detail(status, ErrorInfo)
        bad = _detail(status, BadRequest)
        retry = _detail(status, RetryInfo)
        ours = info if info is not None and info.domain == DOMAIN else None
        self.reason_name = ours.reason if ours else ""
        name = f"ERROR_REASON_{self.reason_name}"
        known = name in error_pb2.ErrorReason.keys()  # noqa: SIM118 # an enum wrapper is no mapping
        self.reason = (
            error_pb2.ErrorReason.Value(name) if known else error_pb2.ErrorReason.ERROR_REASON_UNSPECIFIED
        )
        self.metadata: dict[str, str] = dict(ours.metadata) if ours else {}
        self.violations = (
            tuple(Violation(v.field, v.description) for v in bad.field_violations) if bad else ()
        )
        #: Seconds after which the service thinks another attempt worth while; None when it says nothing.
        self.retry_after = retry.retry_delay.ToTimedelta().total_seconds() if retry else None

    def __str__(self) -> str:
        told = f" {self.reason_name}" if self.reason_name else ""
        return f"{self.code().name}{told}: {self.details()}"


def _status(error: grpc.aio.AioRpcError) -> Status:
    """The status with its details; empty when none came, or none that can be read."""
    status = Status()
    for name, value in error.trailing_metadata() or ():
        if name == _DETAILS and isinstance(value, bytes):
            try:
                status.ParseFromString(value)
            except DecodeError:
                status.Clear()
    return status


def _detail(status: Status, kind: type[T]) -> T | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None

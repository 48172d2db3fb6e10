"""Errors as a client reads them: code, reason, metadata, field violations."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

T = TypeVar("T", ErrorInfo, BadRequest, RetryInfo)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a client knows of a call that failed."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    violations: dict[str, str]
    retryable: bool


def failure_of(status: Status) -> Failure:
    """Read a status with its details."""
    info = _detail(status, ErrorInfo)
    bad_request = _detail(status, BadRequest)
    assert info is not None, f"no ErrorInfo in {status}"
    assert info.domain == "wms.orders"
    return Failure(
        code=next(code for code in grpc.StatusCode if code.value[0] == status.code),
        message=status.message,
        reason=info.reason,
        metadata=dict(info.metadata),
        violations={v.field: v.description for v in bad_request.field_violations} if bad_request else {},
        retryable=_detail(status, RetryInfo) is not None,
    )


async def failing(call: Awaitable[object]) -> Failure:
    """Make a call that has to fail, and give its failure."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            failure = failure_of(Status.FromString(value))  # type: ignore[arg-type]
            assert failure.code == error.code()
            return failure
    raise AssertionError(f"{error.code()} without details: {error.details()}")


def _detail(status: Status, kind: type[T]) -> T | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None

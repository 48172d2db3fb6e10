"""Errors from a client's view: code, reason, metadata, field violations."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from wms_core.domain.errors import WmsError

T = TypeVar("T", ErrorInfo, BadRequest, RetryInfo)


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A failed call from a client's view."""

    status_code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    violations_by_field: dict[str, str]
    is_retryable: bool


def parse_failure(status: Status) -> CallFailure:
    """Parse a status with its details."""
    info = _detail(status, ErrorInfo)
    bad_request = _detail(status, BadRequest)
    assert info is not None, f"no ErrorInfo in {status}"
    assert info.domain == "wms.orders"
    return CallFailure(
        status_code=next(code for code in grpc.StatusCode if code.value[0] == status.code),
        message=status.message,
        reason=info.reason,
        metadata=dict(info.metadata),
        violations_by_field={v.field: v.description for v in bad_request.field_violations}
        if bad_request
        else {},
        is_retryable=_detail(status, RetryInfo) is not None,
    )


async def expect_failure(call: Awaitable[object]) -> CallFailure:
    """Make a call that must fail. Return its failure."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    error = raised.value
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            failure = parse_failure(Status.FromString(value))  # type: ignore[arg-type]
            assert failure.status_code == error.code()
            return failure
    raise AssertionError(f"{error.code()} without details: {error.details()}")


def _detail(status: Status, kind: type[T]) -> T | None:
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    return None


_ERROR_PROTO = Path(__file__).parents[3] / "protos" / "wms" / "orders" / "v1" / "error.proto"


@dataclass(frozen=True, slots=True)
class DocumentedReason:
    """Documentation of a reason; `has_all_keys_always` is False if some metadata keys are optional."""

    status_code: str
    metadata_keys: frozenset[str]
    has_all_keys_always: bool


def documented_reasons() -> dict[str, DocumentedReason]:
    """Parse the documentation of every reason in error.proto except the unspecified one."""
    blocks = re.findall(r"((?: +//[^\n]*\n)+) +ERROR_REASON_(\w+) = [1-9]", _ERROR_PROTO.read_text())
    return {
        reason: _parse_documented_reason(" ".join(re.findall(r"// ?([^\n]*)", block)))
        for block, reason in blocks
    }


def _parse_documented_reason(text: str) -> DocumentedReason:
    documentation_match = re.search(r"Code: (\w+)\. Metadata: (.*?)(?:\s{2,}|$)", text)
    assert documentation_match, text
    metadata = documentation_match[2].partition("; a `google.rpc.BadRequest`")[0]
    keys = frozenset() if metadata.startswith("none") else frozenset(re.findall(r"`(\w+)`", metadata))
    return DocumentedReason(
        documentation_match[1],
        keys,
        has_all_keys_always=" or " not in metadata and " when a " not in metadata,
    )


def list_reasons_in_code() -> set[str]:
    """Return the reasons of all error classes; INTERNAL is that of unexpected errors."""
    return _collect_reasons(WmsError)


def _collect_reasons(kind: type[WmsError]) -> set[str]:
    return {kind.reason}.union(*(_collect_reasons(child) for child in kind.__subclasses__()))

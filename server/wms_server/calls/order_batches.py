"""Validation of `BatchCreateOrders` before its transaction, order by order, without blocking the loop."""

from collections.abc import Sequence
from typing import NamedTuple

from google.rpc.status_pb2 import Status

from wms.orders.v1.orders_pb2 import BatchCreateOrdersRequest, CreateOrderRequest
from wms_core.application.database import MAX_RESPONSE_BYTES
from wms_core.domain.errors import InvalidFields, ResponseTooLarge
from wms_core.runtime.cooperative import Pieces
from wms_server.calls.error_status import MAX_STATUS_BYTES, to_status
from wms_server.calls.validation import find_invalid_fields

#: Field errors of a batch, after which only the first one of each further order is reported (contract:
#: BatchCreateOrders).
MAX_BATCH_FIELD_ERRORS = 1_000
#: Bytes that the response adds at most: to an order two ids, an etag and times; to a line its number.
_ADDED_ORDER_BYTES, _ADDED_LINE_BYTES = 400, 3
#: Bytes of a status with one field error.
_MIN_STATUS_BYTES = 400


class ValidatedBatch(NamedTuple):
    """A batch, and for each of its orders the error status or None."""

    request: BatchCreateOrdersRequest
    statuses: Sequence[Status | None]


async def validate_batch(request: BatchCreateOrdersRequest) -> ValidatedBatch:
    """Validate the orders of a batch.

    Raises:
        ResponseTooLarge: the response would exceed `MAX_RESPONSE_BYTES`.
    """
    order_errors: list[InvalidFields | None] = []
    work_pieces, field_error_count = Pieces(), 0
    for order_request in request.requests:
        error = find_invalid_fields(order_request, fail_fast=field_error_count >= MAX_BATCH_FIELD_ERRORS)
        field_error_count += len(error.field_errors) if error else 0
        order_errors.append(error)
        await work_pieces.pause_if_due()
    remaining_bytes = MAX_RESPONSE_BYTES - _compute_created_bytes(request.requests, order_errors)
    invalid_count = sum(error is not None for error in order_errors)
    if remaining_bytes < invalid_count * _MIN_STATUS_BYTES:
        raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
    max_status_bytes = min(MAX_STATUS_BYTES, remaining_bytes // invalid_count) if invalid_count else 0
    statuses: list[Status | None] = []
    for error in order_errors:
        statuses.append(None if error is None else to_status(error, max_status_bytes))
        await work_pieces.pause_if_due()
    return ValidatedBatch(request, statuses)


def _compute_created_bytes(
    order_requests: Sequence[CreateOrderRequest], order_errors: Sequence[InvalidFields | None]
) -> int:
    """Return an upper bound of the bytes that the valid orders take in the response."""
    return sum(
        order_request.ByteSize() + _ADDED_ORDER_BYTES + _ADDED_LINE_BYTES * len(order_request.items)
        for order_request, error in zip(order_requests, order_errors, strict=True)
        if error is None
    )

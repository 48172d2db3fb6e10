"""The orders of a batch before its transaction: each is judged by itself, while others have their turn."""

from collections.abc import Sequence
from typing import NamedTuple

from google.rpc.status_pb2 import Status

from wms.orders.v1.orders_pb2 import BatchCreateOrdersRequest, CreateOrderRequest
from wms_core.application.ports import MAX_RESPONSE_BYTES
from wms_core.cooperative import Pieces
from wms_core.domain.errors import InvalidFields, ResponseTooLarge
from wms_server.errors import MAX_STATUS_BYTES, status_of
from wms_server.validation import invalid_fields

#: Faults after which those of a further order are told by the first one (contract: BatchCreateOrders).
MAX_BATCH_FAULTS = 1_000
#: What the answer adds to an order at most: two ids, an etag, times; and to a line: its number.
_ADDED_BYTES, _ADDED_LINE_BYTES = 400, 3
#: What a status that tells of one fault needs.
_MIN_STATUS_BYTES = 400


class JudgedBatch(NamedTuple):
    """A batch, and for each of its orders the error that it has, if any."""

    request: BatchCreateOrdersRequest
    statuses: Sequence[Status | None]


async def judge_batch(request: BatchCreateOrdersRequest) -> JudgedBatch:
    """Judge the orders of a batch. Raises ResponseTooLarge when there would be no room for the answer."""
    errors: list[InvalidFields | None] = []
    pieces, faults = Pieces(), 0
    for element in request.requests:
        error = invalid_fields(element, fail_fast=faults >= MAX_BATCH_FAULTS)
        faults += len(error.faults) if error else 0
        errors.append(error)
        await pieces.pause_if_due()
    room = MAX_RESPONSE_BYTES - _size_of_created(request.requests, errors)
    bad = sum(error is not None for error in errors)
    if room < bad * _MIN_STATUS_BYTES:
        raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
    most = min(MAX_STATUS_BYTES, room // bad) if bad else 0
    statuses: list[Status | None] = []
    for error in errors:
        statuses.append(None if error is None else status_of(error, most))
        await pieces.pause_if_due()
    return JudgedBatch(request, statuses)


def _size_of_created(requests: Sequence[CreateOrderRequest], errors: Sequence[InvalidFields | None]) -> int:
    """Return the bytes that the orders without an error take in the answer, at most."""
    return sum(
        element.ByteSize() + _ADDED_BYTES + _ADDED_LINE_BYTES * len(element.items)
        for element, error in zip(requests, errors, strict=True)
        if error is None
    )

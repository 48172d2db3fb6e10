"""Send orders in batches and return the outcome of each line."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import grpc

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.bulk_import.lines import ImportLine
from wms_cli.framework.command import CliSession
from wms_cli.framework.errors import CallFailure, parse_failure, parse_status

_MIN_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.25, 10.0
_RETRYABLE_STATUS_CODES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_RETRYABLE_STATUS_NUMBERS = {code.value[0] for code in _RETRYABLE_STATUS_CODES}
_TOO_LARGE = "MESSAGE_TOO_LARGE"
_RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
#: Errors of a whole batch that the content of a single order may cause.
_CONTENT_ERROR_REASONS = (
    _TOO_LARGE,
    _RESPONSE_TOO_LARGE,
    "INVALID_REQUEST",
    "MALFORMED_MESSAGE",
    "EVENT_TOO_LARGE",
    "INTERNAL",
)


class RetryTimeoutExceeded(Exception):
    """The service deferred orders for longer than the retry timeout."""


class LineStatus(Enum):
    """Outcome of a line."""

    CREATED = "created"
    ALREADY_THERE = "already there"  # the order exists with the same content
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """Outcome of a line, and the failure if it was rejected."""

    line: ImportLine
    status: LineStatus
    failure: CallFailure | None = None


@dataclass(frozen=True, slots=True)
class ImportItem:
    """A line and the request parsed from it."""

    line: ImportLine
    request: orders_pb2.CreateOrderRequest


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """Outcomes of one attempt, and the items to retry with the cause."""

    outcomes: list[LineOutcome]
    retryable_items: list[ImportItem]
    cause: str = ""
    error: grpc.RpcError | None = None


def assign_ids(request: orders_pb2.CreateOrderRequest, line: ImportLine, source: str) -> ImportItem:
    """Set ids derived from file and line in the request, so that it can be sent again safely."""
    line_digest = hashlib.sha256(f"{source}:{line.number}".encode()).hexdigest()
    request.request_id = request.request_id or f"import-{line_digest[:32]}"
    request.order_id = request.order_id or f"ORD-IMP-{line_digest[:24].upper()}"
    return ImportItem(line, request)


class BatchSender:
    """Sends one batch at a time, the next one after the response to the previous one.

    Retries for `retry_timeout_seconds` while the service is unavailable or overloaded, and calls
    `report_waiting` with the cause before each wait.
    """

    def __init__(
        self, session: CliSession, retry_timeout_seconds: float, report_waiting: Callable[[str], None]
    ) -> None:
        self._session, self._retry_timeout_seconds, self._report_waiting = (
            session,
            retry_timeout_seconds,
            report_waiting,
        )
        # A server that has never answered may be the wrong address: fail at once, do not wait.
        self._has_answered = False

    def send(self, batch: Sequence[ImportItem]) -> list[LineOutcome]:
        """Return the outcome of each item, in any order.

        Raises:
            grpc.RpcError: the call failed for good, or for longer than the retry timeout.
            RetryTimeoutExceeded: the service deferred single orders for longer than the retry timeout.
        """
        outcomes: list[LineOutcome] = []
        remaining_items, delay_seconds, started_at = list(batch), _MIN_RETRY_SECONDS, time.monotonic()
        while remaining_items:
            attempt_result = self._attempt_batch(remaining_items)
            outcomes += attempt_result.outcomes
            remaining_items = attempt_result.retryable_items
            if remaining_items:
                if not self._has_answered or time.monotonic() - started_at > self._retry_timeout_seconds:
                    raise attempt_result.error or RetryTimeoutExceeded(
                        "The service accepts no more orders at the moment. Run the same command later."
                    )
                self._report_waiting(attempt_result.cause)
                time.sleep(delay_seconds)
                delay_seconds = min(delay_seconds * 2, _MAX_RETRY_SECONDS)
        return self._mark_existing_orders(
            outcomes, {import_item.line.number: import_item.request for import_item in batch}
        )

    def _attempt_batch(self, batch: list[ImportItem]) -> AttemptResult:
        """Send a batch once. Raises grpc.RpcError for errors that a retry would not change."""
        request = orders_pb2.BatchCreateOrdersRequest(requests=[import_item.request for import_item in batch])
        try:
            response = self._session.orders.BatchCreateOrders(request, **self._session.call_options)
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call):
                raise
            failure = parse_failure(error)
            self._has_answered = self._has_answered or bool(failure.reason)
            if failure.reason in _CONTENT_ERROR_REASONS:
                return self._attempt_halves(batch, failure)
            if error.code() not in _RETRYABLE_STATUS_CODES:
                raise
            return AttemptResult([], batch, failure.reason or failure.code, error)
        self._has_answered = True
        attempt_result = AttemptResult([], [], "the service is busy")
        for import_item, result in zip(batch, response.results, strict=True):
            if result.status.code in _RETRYABLE_STATUS_NUMBERS:
                attempt_result.retryable_items.append(import_item)
            else:
                attempt_result.outcomes.append(_to_line_outcome(import_item.line, result))
        return attempt_result

    def _attempt_halves(self, batch: list[ImportItem], failure: CallFailure) -> AttemptResult:
        """Bisect a batch that was rejected as a whole, until the invalid order is alone."""
        if len(batch) == 1:
            return AttemptResult([LineOutcome(batch[0].line, LineStatus.REJECTED, failure)], [])
        middle_index = len(batch) // 2
        first, second = self._attempt_batch(batch[:middle_index]), self._attempt_batch(batch[middle_index:])
        return AttemptResult(
            first.outcomes + second.outcomes,
            first.retryable_items + second.retryable_items,
            first.cause or second.cause,
            first.error or second.error,
        )

    def _mark_existing_orders(
        self, outcomes: Iterable[LineOutcome], requests: dict[int, orders_pb2.CreateOrderRequest]
    ) -> list[LineOutcome]:
        """Mark rejected orders as `ALREADY_THERE` if the existing order has the same content."""
        line_outcomes = list(outcomes)
        existing_orders = [
            (outcome_index, requests[line_outcome.line.number])
            for outcome_index, line_outcome in enumerate(line_outcomes)
            if line_outcome.failure is not None and line_outcome.failure.reason == "ORDER_ALREADY_EXISTS"
        ]
        if existing_orders:
            orders = self._read([request.order_id for _, request in existing_orders])
            for (outcome_index, request), order in zip(existing_orders, orders, strict=True):
                if matches_request(order, request):
                    line_outcomes[outcome_index] = LineOutcome(
                        line_outcomes[outcome_index].line, LineStatus.ALREADY_THERE
                    )
        return line_outcomes

    def _read(self, order_ids: Sequence[str]) -> list[order_pb2.Order]:
        """Return orders by their ids, in halves if they are too large for one response."""
        request = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
        try:
            return list(self._session.orders.BatchGetOrders(request, **self._session.call_options).orders)
        except grpc.RpcError as error:
            is_too_large = isinstance(error, grpc.Call) and parse_failure(error).reason == _RESPONSE_TOO_LARGE
            if not is_too_large or len(order_ids) == 1:
                raise
        middle_index = len(order_ids) // 2
        return self._read(order_ids[:middle_index]) + self._read(order_ids[middle_index:])


def matches_request(order: order_pb2.Order, request: orders_pb2.CreateOrderRequest) -> bool:
    """Return whether an order has the content of a request, as far as the request sets it."""

    def comparable_fields(message: Any) -> tuple[Any, ...]:
        lines = [(item.sku, item.quantity, str(item.unit_price)) for item in message.items]
        promised = message.promised_delivery_at.ToNanoseconds() // 1000
        return message.customer_id, message.priority, lines, message.shipping_address, promised

    return comparable_fields(order) == comparable_fields(request) and request.warehouse_id in (
        "",
        order.warehouse_id,
    )


def _to_line_outcome(line: ImportLine, result: orders_pb2.CreateOrderResult) -> LineOutcome:
    if result.HasField("order"):
        return LineOutcome(line, LineStatus.CREATED)
    return LineOutcome(line, LineStatus.REJECTED, parse_status(result.status))

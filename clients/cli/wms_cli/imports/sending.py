"""Orders sent in batches, and what became of each."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import grpc

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.failures import Failure, failure_of, failure_of_status
from wms_cli.imports.lines import Line
from wms_cli.operation import Session

_FIRST_WAIT, _LONGEST_WAIT = 0.25, 10.0
_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_PASSING_NUMBERS = {code.value[0] for code in _PASSING}
_TOO_LARGE = "MESSAGE_TOO_LARGE"
_RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
#: Refusals of a whole batch that what one of its orders holds may be the cause of.
_BY_CONTENT = (
    _TOO_LARGE,
    _RESPONSE_TOO_LARGE,
    "INVALID_REQUEST",
    "MALFORMED_MESSAGE",
    "EVENT_TOO_LARGE",
    "INTERNAL",
)


class GaveUp(Exception):
    """Single orders were put off for longer than patience lasts."""


class Fate(Enum):
    """What became of a line."""

    CREATED = "created"
    ALREADY_THERE = "already there"  # the same order
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line, and why it was rejected."""

    line: Line
    fate: Fate
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A line and the request that it says."""

    line: Line
    request: orders_pb2.CreateOrderRequest


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one try brought, and what is to be tried again, and why."""

    outcomes: list[Outcome]
    again: list[Asked]
    cause: str = ""
    error: grpc.RpcError | None = None


def named(request: orders_pb2.CreateOrderRequest, line: Line, source: str) -> Asked:
    """Give the request ids that follow from the file and the line, so that it can be sent again."""
    key = hashlib.sha256(f"{source}:{line.number}".encode()).hexdigest()
    request.request_id = request.request_id or f"import-{key[:32]}"
    request.order_id = request.order_id or f"ORD-IMP-{key[:24].upper()}"
    return Asked(line, request)


class Sender:
    """Sends one batch at a time: the next one goes when the service has answered for the last."""

    def __init__(self, session: Session, patience: float, waiting: Callable[[str], None]) -> None:
        """Try for so many seconds while the service is away or busy, and say that it waits, and why."""
        self._session, self._patience, self._waiting = session, patience, waiting
        # A server that has never answered is not waited for: it may be the wrong one.
        self._answered = False

    def send(self, batch: Sequence[Asked]) -> list[Outcome]:
        """Give the outcome of each, in any order. Raises RpcError or GaveUp when patience is at an end."""
        outcomes: list[Outcome] = []
        left, wait, began = list(batch), _FIRST_WAIT, time.monotonic()
        while left:
            tried = self._try(left)
            outcomes += tried.outcomes
            left = tried.again
            if left:
                if not self._answered or time.monotonic() - began > self._patience:
                    raise tried.error or GaveUp("The service refuses to take more at the moment.")
                self._waiting(tried.cause)
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
        return self._with_those_there(outcomes, {asked.line.number: asked.request for asked in batch})

    def _try(self, batch: list[Asked]) -> _Tried:
        """Send once. Raises RpcError when it is of no use to send it again."""
        request = orders_pb2.BatchCreateOrdersRequest(requests=[asked.request for asked in batch])
        try:
            answer = self._session.orders.BatchCreateOrders(request, **self._session.told)
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call):
                raise
            failure = failure_of(error)
            self._answered = self._answered or bool(failure.reason)
            if failure.reason in _BY_CONTENT:
                return self._try_halves(batch, failure)
            if error.code() not in _PASSING:
                raise
            return _Tried([], batch, failure.reason or failure.code, error)
        self._answered = True
        tried = _Tried([], [], "the service is busy")
        for asked, result in zip(batch, answer.results, strict=True):
            if result.status.code in _PASSING_NUMBERS:
                tried.again.append(asked)
            else:
                tried.outcomes.append(_outcome(asked.line, result))
        return tried

    def _try_halves(self, batch: list[Asked], failure: Failure) -> _Tried:
        """Send each half of a batch that was refused as a whole, until the order at fault is alone."""
        if len(batch) == 1:
            return _Tried([Outcome(batch[0].line, Fate.REJECTED, failure)], [])
        middle = len(batch) // 2
        first, second = self._try(batch[:middle]), self._try(batch[middle:])
        return _Tried(
            first.outcomes + second.outcomes,
            first.again + second.again,
            first.cause or second.cause,
            first.error or second.error,
        )

    def _with_those_there(
        self, outcomes: Iterable[Outcome], requests: dict[int, orders_pb2.CreateOrderRequest]
    ) -> list[Outcome]:
        """Tell an order that was made before from another one that has its id."""
        found = list(outcomes)
        there = [
            (place, requests[one.line.number])
            for place, one in enumerate(found)
            if one.failure is not None and one.failure.reason == "ORDER_ALREADY_EXISTS"
        ]
        if there:
            orders = self._read([request.order_id for _, request in there])
            for (place, request), order in zip(there, orders, strict=True):
                if says_the_same(order, request):
                    found[place] = Outcome(found[place].line, Fate.ALREADY_THERE)
        return found

    def _read(self, order_ids: Sequence[str]) -> list[order_pb2.Order]:
        """Return orders by their ids, by halves where they are too long for one answer."""
        wanted = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
        try:
            return list(self._session.orders.BatchGetOrders(wanted, **self._session.told).orders)
        except grpc.RpcError as error:
            too_large = isinstance(error, grpc.Call) and failure_of(error).reason == _RESPONSE_TOO_LARGE
            if not too_large or len(order_ids) == 1:
                raise
        half = len(order_ids) // 2
        return self._read(order_ids[:half]) + self._read(order_ids[half:])


def says_the_same(order: order_pb2.Order, request: orders_pb2.CreateOrderRequest) -> bool:
    """Say whether an order is the one that a request asks for, as far as the request goes."""

    def facts(of: Any) -> tuple[Any, ...]:
        lines = [(item.sku, item.quantity, str(item.unit_price)) for item in of.items]
        promised = of.promised_delivery_at.ToNanoseconds() // 1000
        return of.customer_id, of.priority, lines, of.shipping_address, promised

    return facts(order) == facts(request) and request.warehouse_id in ("", order.warehouse_id)


def _outcome(line: Line, result: orders_pb2.CreateOrderResult) -> Outcome:
    if result.HasField("order"):
        return Outcome(line, Fate.CREATED)
    return Outcome(line, Fate.REJECTED, failure_of_status(result.status))

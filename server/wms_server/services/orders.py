"""OrderService."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

from google.rpc.status_pb2 import Status

from wms.orders.v1 import orders_pb2 as pb
from wms_core.application import explanations, orders
from wms_core.application.orders import Wish
from wms_core.application.ports import (
    MAX_RESPONSE_BYTES,
    Database,
    EventFilter,
    OrderFilter,
    RequestKey,
    Transaction,
)
from wms_core.cooperative import map_in_pieces
from wms_core.domain.errors import OrderNotFound, ResponseTooLarge, WmsError
from wms_core.domain.orders import NewOrder, Order, OrderChanges
from wms_server import pages
from wms_server.at_work import Outcome
from wms_server.calls import Call
from wms_server.errors import status_of
from wms_server.event_watch import EventWatch
from wms_server.ingesting import ingest
from wms_server.joining import Asked, joined, joined_read
from wms_server.messages.orders import (
    PRIORITY_WORDS,
    address_from,
    event_message,
    explanation_fields,
    items_from,
    new_order_from,
    order_message,
    priorities,
    statuses,
    wave_message,
    write_created,
)
from wms_server.messages.values import moment
from wms_server.order_batches import JudgedBatch, judge_batch
from wms_server.page_tokens import MAX_SEQUENCE, PageTokens
from wms_server.pipeline import change, costly, prepared, read, request_key, single_change
from wms_server.streams import stream
from wms_server.validation import changed_fields


def _needs_transaction(asked: Sequence[Asked[pb.CreateOrderRequest]]) -> bool:
    return _more_than_one_statement([one.request for one in asked])


def _batch_needs_transaction(request: pb.BatchCreateOrdersRequest) -> bool:
    return _more_than_one_statement(request.requests)


def _more_than_one_statement(requests: Sequence[pb.CreateOrderRequest]) -> bool:
    """Say whether one may not do: an answer is to be kept, or an order id comes twice."""
    named = [one.order_id for one in requests if one.order_id]
    return any(one.request_id for one in requests) or len(set(named)) < len(named)


def _ids(request: pb.CreateOrderRequest) -> list[str]:
    """Give the ids by which a later request may be the same order, or the same request."""
    ids = (("order", request.order_id), ("request", request.request_id))
    return [f"{kind} {name}" for kind, name in ids if name]


class OrderService:
    """Creates, changes, lists and explains orders."""

    def __init__(self, default_warehouse_id: str, events: EventWatch, tokens: PageTokens) -> None:
        """Give orders that name no warehouse this one; take the news of all from `events`."""
        self._tokens = tokens
        self._default_warehouse_id = default_warehouse_id
        self._events = events

    @joined(_needs_transaction)
    async def create_order(
        self, transaction: Transaction, asked: Sequence[Asked[pb.CreateOrderRequest]]
    ) -> list[bytes | WmsError]:
        """Take orders in, each for its own caller."""
        wishes = [self._wish(one.request, one.call, one.key) for one in asked]
        return [
            outcome.answer() if isinstance(outcome, Wish) else outcome
            for outcome in await orders.create(transaction, wishes)
        ]

    @costly
    @single_change(_batch_needs_transaction)
    @prepared(judge_batch)
    async def batch_create_orders(
        self, transaction: Transaction, batch: JudgedBatch, call: Call
    ) -> pb.BatchCreateOrdersResponse:
        """Take orders in, each by itself."""
        answer = pb.BatchCreateOrdersResponse()
        wishes: list[tuple[pb.CreateOrderRequest, pb.CreateOrderResult, Wish]] = []
        for element, status in zip(batch.request.requests, batch.statuses, strict=True):
            result = answer.results.add()
            if status is not None:
                result.status.CopyFrom(status)
            else:
                key = request_key("CreateOrder", element)
                wishes.append((element, result, self._wish(element, call, key)))
        outcomes = await orders.create(transaction, [wish for _, _, wish in wishes])
        for (element, result, _), outcome in zip(wishes, outcomes, strict=True):
            if isinstance(outcome, Wish):
                write_created(result.order, element, outcome.new, outcome.now)
            else:
                result.CopyFrom(_result(outcome))
        return answer

    @ingest("CreateOrder", _ids)
    def ingest_orders(self, outcome: bytes | Status) -> pb.IngestOrdersResponse:
        """Tell what became of the next order of a stream."""
        if isinstance(outcome, Status):
            return pb.IngestOrdersResponse(result=pb.CreateOrderResult(status=outcome))
        return pb.IngestOrdersResponse(result=_result(outcome))

    def _wish(self, request: pb.CreateOrderRequest, call: Call, key: RequestKey | None) -> Wish:
        new = new_order_from(request, self._default_warehouse_id)
        return Wish(new, call.caller, call.now, key, partial(_created, request, new, call.now))

    @joined_read
    async def get_order(
        self, transaction: Transaction, asked: Sequence[Asked[pb.GetOrderRequest]]
    ) -> list[Outcome]:
        """Give an order to each caller."""
        found = await orders.find(transaction, [one.request.order_id for one in asked])
        return [_given(found.get(one.request.order_id), one) for one in asked]

    @costly
    @read
    async def batch_get_orders(
        self, transaction: Transaction, request: pb.BatchGetOrdersRequest, call: Call
    ) -> pb.BatchGetOrdersResponse:
        """Give orders, in the order asked for."""
        found = await orders.get_many(transaction, request.order_ids)
        messages = await map_in_pieces(partial(order_message, now=call.now), found.values())
        by_id = {message.order_id: message for message in messages}
        sizes = {order_id: message.ByteSize() for order_id, message in by_id.items()}
        if sum(sizes[order_id] for order_id in request.order_ids) > MAX_RESPONSE_BYTES:
            raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
        return pb.BatchGetOrdersResponse(orders=[by_id[order_id] for order_id in request.order_ids])

    @costly
    @read
    async def list_orders(
        self, transaction: Transaction, request: pb.ListOrdersRequest, call: Call
    ) -> pb.ListOrdersResponse:
        """Give a page of orders, newest first."""
        size = pages.page_size(request.page_size)
        page = self._tokens.page_after(request, size, pages.numbered(request.page, size))
        wanted = OrderFilter(
            statuses=statuses(request.statuses),
            priorities=priorities(request.priorities),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
            wave_id=request.wave_id,
            created_after=moment(request, "created_after"),
            created_before=moment(request, "created_before"),
            overdue_at=call.now if request.overdue_only else None,
        )
        found, has_more = await orders.list_page(transaction, wanted, page)
        answer = pb.ListOrdersResponse()
        shown = await pages.fill(answer.orders, found, partial(order_message, now=call.now))
        if has_more or shown < len(found):
            last = found[shown - 1]
            answer.next_page_token = self._tokens.next_token(request, last.created_at, last.order_id)
        return answer

    @change
    async def update_order(
        self, transaction: Transaction, request: pb.UpdateOrderRequest, call: Call
    ) -> pb.UpdateOrderResponse:
        """Change what was asked for."""
        order = await orders.update(
            transaction, request.order_id, request.etag, _changes(request), call.caller, call.now
        )
        return pb.UpdateOrderResponse(order=order_message(order, call.now))

    @change
    async def validate_order(
        self, transaction: Transaction, request: pb.ValidateOrderRequest, call: Call
    ) -> pb.ValidateOrderResponse:
        """Say that an order can be worked on."""
        order = await orders.validate(transaction, request.order_id, request.etag, call.caller, call.now)
        return pb.ValidateOrderResponse(order=order_message(order, call.now))

    @change
    async def cancel_order(
        self, transaction: Transaction, request: pb.CancelOrderRequest, call: Call
    ) -> pb.CancelOrderResponse:
        """Give an order up."""
        order = await orders.cancel(
            transaction, request.order_id, request.etag, request.reason, call.caller, call.now
        )
        return pb.CancelOrderResponse(order=order_message(order, call.now))

    @change
    async def ship_order(
        self, transaction: Transaction, request: pb.ShipOrderRequest, call: Call
    ) -> pb.ShipOrderResponse:
        """Ship what has been delivered."""
        order = await orders.ship(
            transaction,
            request.order_id,
            request.etag,
            request.carrier_code,
            request.tracking_number,
            call.caller,
            call.now,
        )
        return pb.ShipOrderResponse(order=order_message(order, call.now))

    @change
    async def complete_order(
        self, transaction: Transaction, request: pb.CompleteOrderRequest, call: Call
    ) -> pb.CompleteOrderResponse:
        """Confirm the delivery."""
        delivered_at = moment(request, "delivered_at")
        call.expect_past("delivered_at", delivered_at)
        order = await orders.complete(
            transaction, request.order_id, request.etag, delivered_at, call.caller, call.now
        )
        return pb.CompleteOrderResponse(order=order_message(order, call.now))

    @costly
    @change
    async def assign_orders_to_wave(
        self, transaction: Transaction, request: pb.AssignOrdersToWaveRequest, call: Call
    ) -> pb.AssignOrdersToWaveResponse:
        """Put orders into one wave, all of them or none."""
        wave, assigned, count = await orders.assign_to_wave(
            transaction, request.order_ids, request.destination_id, request.wave_id, call.caller, call.now
        )
        return pb.AssignOrdersToWaveResponse(
            wave=wave_message(wave, count),
            orders=await map_in_pieces(partial(order_message, now=call.now), assigned),
        )

    @read
    async def get_order_history(
        self, transaction: Transaction, request: pb.GetOrderHistoryRequest, _call: Call
    ) -> pb.GetOrderHistoryResponse:
        """Give the events of an order, oldest first."""
        size = pages.page_size(request.page_size)
        after = self._tokens.number_after(request, MAX_SEQUENCE)
        found, has_more = await orders.history(transaction, request.order_id, after, size)
        answer = pb.GetOrderHistoryResponse()
        shown = await pages.fill(answer.events, found, event_message)
        if has_more or shown < len(found):
            answer.next_page_token = self._tokens.next_token(request, str(found[shown - 1].sequence))
        return answer

    @read
    async def explain_order(
        self, transaction: Transaction, request: pb.ExplainOrderRequest, _call: Call
    ) -> pb.ExplainOrderResponse:
        """Say why an order waits."""
        explanation = await explanations.explain(transaction, request.order_id)
        return pb.ExplainOrderResponse(**explanation_fields(explanation))

    @stream
    async def watch_orders(
        self, _database: Database, request: pb.WatchOrdersRequest, call: Call
    ) -> AsyncGenerator[bytes, None]:
        """Tell of the events after a position, for ever."""
        wanted = EventFilter(
            order_ids=frozenset(request.order_ids),
            types=frozenset(request.types),
            statuses=frozenset(statuses(request.statuses)),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
        )
        position = request.position if request.HasField("position") else None
        async with aclosing(self._events.follow(wanted, position)) as messages:
            async for told in messages:
                yield told.message
                # Sent, as the next one is asked for.
                call.reached["position"] = str(told.position)


def _given(order: Order | None, asked: Asked[pb.GetOrderRequest]) -> Outcome:
    if order is None:
        return OrderNotFound(order_id=asked.request.order_id)
    return lambda: pb.GetOrderResponse(order=order_message(order, asked.call.now)).SerializeToString()


def _created(request: pb.CreateOrderRequest, new: NewOrder, now: datetime) -> bytes:
    answer = pb.CreateOrderResponse()
    write_created(answer.order, request, new, now)
    return answer.SerializeToString()


def _result(outcome: bytes | WmsError) -> pb.CreateOrderResult:
    if isinstance(outcome, WmsError):
        return pb.CreateOrderResult(status=status_of(outcome))
    return pb.CreateOrderResult(order=pb.CreateOrderResponse.FromString(outcome).order)


def _changes(request: pb.UpdateOrderRequest) -> OrderChanges:
    wanted = request.order
    return OrderChanges(
        mask=changed_fields(request),
        priority=PRIORITY_WORDS.get(wanted.priority),
        shipping_address=address_from(wanted.shipping_address),
        promised_delivery_at=moment(wanted, "promised_delivery_at"),
        items=items_from(wanted.items),
    )

"""The OrderService of the contract."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

from google.rpc.status_pb2 import Status

from wms.orders.v1 import orders_pb2 as pb
from wms_core.application import order_explanations, orders
from wms_core.application.database import (
    MAX_RESPONSE_BYTES,
    Database,
    EventFilter,
    OrderFilter,
    RequestKey,
    Transaction,
)
from wms_core.application.orders import CreateOrderCommand
from wms_core.domain.errors import OrderNotFound, ResponseTooLarge, WmsError
from wms_core.domain.orders.orders import NewOrder, Order, OrderUpdate
from wms_core.runtime.cooperative import map_in_pieces
from wms_server.calls import pagination
from wms_server.calls.batching import PendingCall, batched_read, batched_write
from wms_server.calls.call import Call
from wms_server.calls.error_status import to_status
from wms_server.calls.in_flight import Result
from wms_server.calls.order_batches import ValidatedBatch, validate_batch
from wms_server.calls.page_tokens import MAX_SEQUENCE, PageTokens
from wms_server.calls.pipeline import (
    build_request_key,
    long_running,
    unary_autocommit_write,
    unary_read,
    unary_write,
    with_prepared_request,
)
from wms_server.calls.streaming import client_stream, server_stream
from wms_server.calls.validation import get_changed_fields
from wms_server.mapping.common import read_datetime
from wms_server.mapping.orders import (
    PRIORITY_NAMES,
    to_address,
    to_event_message,
    to_explanation_fields,
    to_new_order,
    to_order_lines,
    to_order_message,
    to_priorities,
    to_statuses,
    to_wave_message,
    write_created_order,
)
from wms_server.subscriptions.order_events import EventBroadcaster


def _needs_transaction(pending_calls: Sequence[PendingCall[pb.CreateOrderRequest]]) -> bool:
    return _needs_many_statements([pending_call.request for pending_call in pending_calls])


def _batch_needs_transaction(request: pb.BatchCreateOrdersRequest) -> bool:
    return _needs_many_statements(request.requests)


def _needs_many_statements(create_requests: Sequence[pb.CreateOrderRequest]) -> bool:
    """Return whether one statement is not enough: responses must be stored, or an order id occurs twice."""
    order_ids = [create_request.order_id for create_request in create_requests if create_request.order_id]
    return any(create_request.request_id for create_request in create_requests) or len(set(order_ids)) < len(
        order_ids
    )


def _get_conflict_keys(request: pb.CreateOrderRequest) -> list[str]:
    """Return the ids that identify the order and the request: a later request may have the same ones."""
    labelled_ids = (("order", request.order_id), ("request", request.request_id))
    return [f"{kind} {name}" for kind, name in labelled_ids if name]


class OrderService:
    """Creates, changes, lists, watches and explains orders."""

    def __init__(
        self, default_warehouse_id: str, event_broadcaster: EventBroadcaster, page_tokens: PageTokens
    ) -> None:
        """Orders without a warehouse get `default_warehouse_id`."""
        self._page_tokens = page_tokens
        self._default_warehouse_id = default_warehouse_id
        self._event_broadcaster = event_broadcaster

    @batched_write(_needs_transaction)
    async def create_order(
        self, transaction: Transaction, pending_calls: Sequence[PendingCall[pb.CreateOrderRequest]]
    ) -> list[bytes | WmsError]:
        """Create orders. Return one result per call: the response or the error."""
        create_commands = [
            self._build_command(pending_call.request, pending_call.call, pending_call.key)
            for pending_call in pending_calls
        ]
        return [
            create_outcome.encode_response()
            if isinstance(create_outcome, CreateOrderCommand)
            else create_outcome
            for create_outcome in await orders.create(transaction, create_commands)
        ]

    @long_running
    @unary_autocommit_write(_batch_needs_transaction)
    @with_prepared_request(validate_batch)
    async def batch_create_orders(
        self, transaction: Transaction, batch: ValidatedBatch, call: Call
    ) -> pb.BatchCreateOrdersResponse:
        """Create the orders of a batch; each has its own result."""
        response = pb.BatchCreateOrdersResponse()
        create_commands: list[tuple[pb.CreateOrderRequest, pb.CreateOrderResult, CreateOrderCommand]] = []
        for create_request, status in zip(batch.request.requests, batch.statuses, strict=True):
            response_entry = response.results.add()
            if status is not None:
                response_entry.status.CopyFrom(status)
            else:
                key = build_request_key("CreateOrder", create_request)
                create_commands.append(
                    (create_request, response_entry, self._build_command(create_request, call, key))
                )
        create_outcomes = await orders.create(
            transaction, [create_command for _, _, create_command in create_commands]
        )
        for (create_request, response_entry, _), create_outcome in zip(
            create_commands, create_outcomes, strict=True
        ):
            if isinstance(create_outcome, CreateOrderCommand):
                write_created_order(
                    response_entry.order, create_request, create_outcome.new_order, create_outcome.now
                )
            else:
                response_entry.CopyFrom(_to_create_result(create_outcome))
        return response

    @client_stream("CreateOrder", _get_conflict_keys)
    def ingest_orders(self, call_outcome: bytes | Status) -> pb.IngestOrdersResponse:
        """Return the result of the next order of a stream."""
        if isinstance(call_outcome, Status):
            return pb.IngestOrdersResponse(result=pb.CreateOrderResult(status=call_outcome))
        return pb.IngestOrdersResponse(result=_to_create_result(call_outcome))

    def _build_command(
        self, request: pb.CreateOrderRequest, call: Call, key: RequestKey | None
    ) -> CreateOrderCommand:
        new_order = to_new_order(request, self._default_warehouse_id)
        return CreateOrderCommand(
            new_order,
            call.caller,
            call.now,
            key,
            partial(_encode_created_order, request, new_order, call.now),
        )

    @batched_read
    async def get_order(
        self, transaction: Transaction, pending_calls: Sequence[PendingCall[pb.GetOrderRequest]]
    ) -> list[Result]:
        """Return the order or the error of each call."""
        orders_by_id = await orders.find(
            transaction, [pending_call.request.order_id for pending_call in pending_calls]
        )
        return [
            _get_order_result(orders_by_id.get(pending_call.request.order_id), pending_call)
            for pending_call in pending_calls
        ]

    @long_running
    @unary_read
    async def batch_get_orders(
        self, transaction: Transaction, request: pb.BatchGetOrdersRequest, call: Call
    ) -> pb.BatchGetOrdersResponse:
        """Return orders in the order of the requested ids."""
        orders_by_id = await orders.get_many(transaction, request.order_ids)
        order_messages = await map_in_pieces(partial(to_order_message, now=call.now), orders_by_id.values())
        messages_by_id = {message.order_id: message for message in order_messages}
        sizes_by_id = {order_id: message.ByteSize() for order_id, message in messages_by_id.items()}
        if sum(sizes_by_id[order_id] for order_id in request.order_ids) > MAX_RESPONSE_BYTES:
            raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
        return pb.BatchGetOrdersResponse(orders=[messages_by_id[order_id] for order_id in request.order_ids])

    @long_running
    @unary_read
    async def list_orders(
        self, transaction: Transaction, request: pb.ListOrdersRequest, call: Call
    ) -> pb.ListOrdersResponse:
        """Return a page of orders, newest first."""
        size = pagination.clamp_page_size(request.page_size)
        page = self._page_tokens.decode_page_cursor(
            request, size, pagination.offset_of_page(request.page, size)
        )
        order_filter = OrderFilter(
            statuses=to_statuses(request.statuses),
            priorities=to_priorities(request.priorities),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
            wave_id=request.wave_id,
            created_after=read_datetime(request, "created_after"),
            created_before=read_datetime(request, "created_before"),
            overdue_at=call.now if request.overdue_only else None,
        )
        listed_orders, has_more = await orders.list_page(transaction, order_filter, page)
        response = pb.ListOrdersResponse()
        shown_count = await pagination.fill_response_list(
            response.orders, listed_orders, partial(to_order_message, now=call.now)
        )
        if has_more or shown_count < len(listed_orders):
            last_order = listed_orders[shown_count - 1]
            response.next_page_token = self._page_tokens.encode_next_token(
                request, last_order.created_at, last_order.order_id
            )
        return response

    @unary_write
    async def update_order(
        self, transaction: Transaction, request: pb.UpdateOrderRequest, call: Call
    ) -> pb.UpdateOrderResponse:
        """Change the fields of an order that the mask names."""
        order = await orders.update(
            transaction, request.order_id, request.etag, _to_order_update(request), call.caller, call.now
        )
        return pb.UpdateOrderResponse(order=to_order_message(order, call.now))

    @unary_write
    async def validate_order(
        self, transaction: Transaction, request: pb.ValidateOrderRequest, call: Call
    ) -> pb.ValidateOrderResponse:
        """Confirm that an order is ready for fulfillment."""
        order = await orders.validate(transaction, request.order_id, request.etag, call.caller, call.now)
        return pb.ValidateOrderResponse(order=to_order_message(order, call.now))

    @unary_write
    async def cancel_order(
        self, transaction: Transaction, request: pb.CancelOrderRequest, call: Call
    ) -> pb.CancelOrderResponse:
        """Cancel an order."""
        order = await orders.cancel(
            transaction, request.order_id, request.etag, request.reason, call.caller, call.now
        )
        return pb.CancelOrderResponse(order=to_order_message(order, call.now))

    @unary_write
    async def ship_order(
        self, transaction: Transaction, request: pb.ShipOrderRequest, call: Call
    ) -> pb.ShipOrderResponse:
        """Ship the delivered units of an order."""
        order = await orders.ship(
            transaction,
            request.order_id,
            request.etag,
            request.carrier_code,
            request.tracking_number,
            call.caller,
            call.now,
        )
        return pb.ShipOrderResponse(order=to_order_message(order, call.now))

    @unary_write
    async def complete_order(
        self, transaction: Transaction, request: pb.CompleteOrderRequest, call: Call
    ) -> pb.CompleteOrderResponse:
        """Confirm the delivery of an order to the customer."""
        delivered_at = read_datetime(request, "delivered_at")
        call.reject_future_time("delivered_at", delivered_at)
        order = await orders.complete(
            transaction, request.order_id, request.etag, delivered_at, call.caller, call.now
        )
        return pb.CompleteOrderResponse(order=to_order_message(order, call.now))

    @long_running
    @unary_write
    async def assign_orders_to_wave(
        self, transaction: Transaction, request: pb.AssignOrdersToWaveRequest, call: Call
    ) -> pb.AssignOrdersToWaveResponse:
        """Assign orders to one wave, all of them or none."""
        wave, assigned_orders, order_count = await orders.assign_to_wave(
            transaction, request.order_ids, request.destination_id, request.wave_id, call.caller, call.now
        )
        return pb.AssignOrdersToWaveResponse(
            wave=to_wave_message(wave, order_count),
            orders=await map_in_pieces(partial(to_order_message, now=call.now), assigned_orders),
        )

    @unary_read
    async def get_order_history(
        self, transaction: Transaction, request: pb.GetOrderHistoryRequest, _call: Call
    ) -> pb.GetOrderHistoryResponse:
        """Return a page of an order's events, oldest first."""
        size = pagination.clamp_page_size(request.page_size)
        after_sequence = self._page_tokens.decode_number_cursor(request, MAX_SEQUENCE)
        event_records, has_more = await orders.list_history(
            transaction, request.order_id, after_sequence, size
        )
        response = pb.GetOrderHistoryResponse()
        shown_count = await pagination.fill_response_list(response.events, event_records, to_event_message)
        if has_more or shown_count < len(event_records):
            response.next_page_token = self._page_tokens.encode_next_token(
                request, str(event_records[shown_count - 1].sequence)
            )
        return response

    @unary_read
    async def explain_order(
        self, transaction: Transaction, request: pb.ExplainOrderRequest, _call: Call
    ) -> pb.ExplainOrderResponse:
        """Return why an order waits, and the calls that are legal now."""
        order_explanation = await order_explanations.explain_order(transaction, request.order_id)
        return pb.ExplainOrderResponse(**to_explanation_fields(order_explanation))

    @server_stream
    async def watch_orders(
        self, _database: Database, request: pb.WatchOrdersRequest, call: Call
    ) -> AsyncGenerator[bytes, None]:
        """Yield the events after a position until the client disconnects."""
        event_filter = EventFilter(
            order_ids=frozenset(request.order_ids),
            types=frozenset(request.types),
            statuses=frozenset(to_statuses(request.statuses)),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
        )
        position = request.position if request.HasField("position") else None
        async with aclosing(
            self._event_broadcaster.follow_events(event_filter, position)
        ) as encoded_messages:
            async for encoded_message in encoded_messages:
                yield encoded_message.message
                # The generator resumes only after the message was sent.
                call.stream_position["position"] = str(encoded_message.position)


def _get_order_result(order: Order | None, pending_call: PendingCall[pb.GetOrderRequest]) -> Result:
    if order is None:
        return OrderNotFound(order_id=pending_call.request.order_id)
    return lambda: pb.GetOrderResponse(
        order=to_order_message(order, pending_call.call.now)
    ).SerializeToString()


def _encode_created_order(request: pb.CreateOrderRequest, new_order: NewOrder, now: datetime) -> bytes:
    response = pb.CreateOrderResponse()
    write_created_order(response.order, request, new_order, now)
    return response.SerializeToString()


def _to_create_result(create_outcome: bytes | WmsError) -> pb.CreateOrderResult:
    if isinstance(create_outcome, WmsError):
        return pb.CreateOrderResult(status=to_status(create_outcome))
    return pb.CreateOrderResult(order=pb.CreateOrderResponse.FromString(create_outcome).order)


def _to_order_update(request: pb.UpdateOrderRequest) -> OrderUpdate:
    updated_order = request.order
    return OrderUpdate(
        field_mask=get_changed_fields(request),
        priority=PRIORITY_NAMES.get(updated_order.priority),
        shipping_address=to_address(updated_order.shipping_address),
        promised_delivery_at=read_datetime(updated_order, "promised_delivery_at"),
        items=to_order_lines(updated_order.items),
    )

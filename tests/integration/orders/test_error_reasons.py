"""Every error reason of the code: provoked over gRPC and parsed as by a client."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from structlog.testing import capture_logs

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    dead_letter_order,
    domain_status_of,
    place_order,
    place_order_in_status,
    read_order,
    receive_stock,
    record_failure,
)
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import (
    CallFailure,
    documented_reasons,
    expect_failure,
    list_reasons_in_code,
    parse_failure,
)
from tests.support.clients.grpc_api import Api, client, is_ready, open_api
from tests.support.clients.http import open_http_server
from tests.support.clients.move_watcher import make_moves, open_small_window_client, subscribe_to_moves
from tests.support.clients.raw_calls import ORDERS, expect_raw_failure, pad_message
from tests.support.faults.row_locks import hold_order_lock, wait_for_lock_waiters
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.pytest_helpers import WITH_AND_WITHOUT_BATCHING
from tests.support.waiting import eventually
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    error_pb2,
    fulfillment_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.events.events import format_json_time
from wms_core.domain.orders.status import OrderStatus
from wms_server.limits.request_limits import MAX_REQUEST_BYTES

pytestmark = WITH_AND_WITHOUT_BATCHING


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts that a provocation may use: a server, its database, the worker's cycle and proxies."""

    api: Api
    fulfillment: Fulfillment
    sql: SqlConnection
    url: str


Provocation = Callable[[Stage], Awaitable[CallFailure]]
PROVOCATIONS: dict[str, Provocation] = {}


def provokes(reason: str) -> Callable[[Provocation], Provocation]:
    """Register a provocation of a reason."""

    def register(provocation: Provocation) -> Provocation:
        PROVOCATIONS[reason] = provocation
        return provocation

    return register


@pytest.fixture
def stage(api: Api, fulfillment: Fulfillment, sql: SqlConnection, database_url: str) -> Stage:
    """Return the stage."""
    return Stage(api, fulfillment, sql, database_url)


# Errors of the request


@provokes("INVALID_REQUEST")
async def _invalid_request(stage: Stage) -> CallFailure:
    failure = await expect_failure(stage.api.orders.CreateOrder(create_order(customer_id="")))
    assert list(failure.violations_by_field) == ["customer_id"]
    return failure


@provokes("MALFORMED_MESSAGE")
async def _malformed_message(stage: Stage) -> CallFailure:
    return await expect_raw_failure(stage.api, ORDERS, "CreateOrder", b"\xff\xff\xff\xff")


@provokes("MESSAGE_TOO_LARGE")
async def _message_too_large(stage: Stage) -> CallFailure:
    return await expect_raw_failure(
        stage.api, ORDERS, "CreateOrder", pad_message(create_order(), MAX_REQUEST_BYTES + 1)
    )


@provokes("INVALID_PAGE_TOKEN")
async def _invalid_page_token(stage: Stage) -> CallFailure:
    return await expect_failure(
        stage.api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_token="nonsense"))
    )


@provokes("PAGE_TOO_DEEP")
async def _page_too_deep(stage: Stage) -> CallFailure:
    return await expect_failure(stage.api.orders.ListOrders(orders_pb2.ListOrdersRequest(page=501)))


@provokes("TIME_IN_FUTURE")
async def _time_in_future(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason="x")
    request.failed_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    failure = await expect_failure(stage.api.reprocessing.IncrementRetryCount(request))
    assert failure.metadata["field"] == "failed_at"
    assert datetime.fromisoformat(failure.metadata["now"]) <= datetime.now(UTC)
    return failure


@provokes("EVENT_TOO_LARGE")
async def _event_too_large(stage: Stage) -> CallFailure:
    async with open_api(stage.url, event_max_bytes=1_000) as api:
        request = create_order(order_id="BIG", items=[item("S" * 200) for _ in range(5)])
        failure = await expect_failure(api.orders.CreateOrder(request))
    assert int(failure.metadata["size"]) > 1_000
    assert (failure.metadata["limit"], failure.metadata["orderId"]) == ("1000", "BIG")
    return failure


@provokes("REQUEST_ID_REUSED")
async def _request_id_reused(stage: Stage) -> CallFailure:
    await stage.api.orders.CreateOrder(create_order(request_id="R-1"))
    failure = await expect_failure(
        stage.api.orders.CreateOrder(create_order(request_id="R-1", customer_id="B"))
    )
    assert failure.metadata["requestId"] == "R-1"
    return failure


@provokes("RESPONSE_TOO_LARGE")
async def _response_too_large(stage: Stage) -> CallFailure:
    order = await place_order(stage.api, items=[item("S" * 256) for _ in range(40)])
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[order.order_id] * 500)
    return await expect_failure(stage.api.orders.BatchGetOrders(request))


# Missing and duplicate resources


@provokes("ORDER_NOT_FOUND")
async def _order_not_found(stage: Stage) -> CallFailure:
    return await expect_failure(stage.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone")))


@provokes("ORDER_ALREADY_EXISTS")
async def _order_already_exists(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    return await expect_failure(stage.api.orders.CreateOrder(create_order(order_id=order.order_id)))


@provokes("WAREHOUSE_NOT_FOUND")
async def _warehouse_not_found(stage: Stage) -> CallFailure:
    return await expect_failure(stage.api.orders.CreateOrder(create_order(warehouse_id="WH-77")))


@provokes("DESTINATION_NOT_FOUND")
async def _destination_not_found(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    return await _assign(stage.api, order.order_id, "PACK-77")


async def _assign(api: Api, order_id: str, destination_id: str) -> CallFailure:
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=destination_id)
    return await expect_failure(api.orders.AssignOrdersToWave(request))


@provokes("LANE_NOT_FOUND")
async def _lane_not_found(stage: Stage) -> CallFailure:
    return await expect_failure(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1))))


@provokes("CARRIER_NOT_FOUND")
async def _carrier_not_found(stage: Stage) -> CallFailure:
    return await _put_on_hold(stage.api, "gone")


async def _put_on_hold(api: Api, carrier_id: str) -> CallFailure:
    on_hold = storage_pb2.CARRIER_STATUS_ON_HOLD
    request = storage_pb2.SetCarrierStatusRequest(carrier_id=carrier_id, status=on_hold)
    return await expect_failure(api.storage.SetCarrierStatus(request))


@provokes("CARRIER_ALREADY_EXISTS")
async def _carrier_already_exists(stage: Stage) -> CallFailure:
    await receive_stock(stage.api)
    return await expect_failure(stage.api.storage.ReceiveCarriers(receive(("CAR-1", "A", 1))))


@provokes("MOVE_NOT_FOUND")
async def _move_not_found(stage: Stage) -> CallFailure:
    return await expect_failure(
        stage.api.storage.CompleteMove(storage_pb2.CompleteMoveRequest(move_id="gone"))
    )


@provokes("BACKORDER_NOT_FOUND")
async def _backorder_not_found(stage: Stage) -> CallFailure:
    failure = await _cancel_backorder(stage, "gone")
    assert failure.metadata == {"backorderId": "gone"}
    return failure


@provokes("RUN_NOT_FOUND")
async def _run_not_found(stage: Stage) -> CallFailure:
    request = fulfillment_pb2.GetFulfillmentRunRequest(run_id="gone")
    failure = await expect_failure(stage.api.fulfillment.GetFulfillmentRun(request))
    assert failure.metadata == {"runId": "gone"}
    return failure


@provokes("DEAD_LETTER_ENTRY_NOT_FOUND")
async def _dead_letter_entry_not_found(stage: Stage) -> CallFailure:
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=(await place_order(stage.api)).order_id)
    return await expect_failure(stage.api.dead_letters.GetDeadLetterEntry(request))


@provokes("POSITION_NOT_KEPT")
async def _position_not_kept(stage: Stage) -> CallFailure:
    watching_orders = stage.api.orders.WatchOrders(orders_pb2.WatchOrdersRequest(position=7))
    failure = await expect_failure(watching_orders.read())
    assert failure.metadata == {"position": "7", "oldestPosition": "0"}
    return failure


# Conflicts with the current state


@provokes("ETAG_MISMATCH")
async def _etag_mismatch(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    failed = await record_failure(stage.api, order.order_id)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, etag=order.etag)
    failure = await expect_failure(stage.api.orders.CancelOrder(request))
    assert failure.metadata["etag"] == failed.etag
    return failure


@provokes("ORDER_STATUS_CONFLICT")
async def _order_status_conflict(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    failure = await expect_failure(
        stage.api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order.order_id))
    )
    assert (failure.metadata["status"], failure.metadata["requiredStatuses"]) == ("received", "shipped")
    assert "received" in failure.message
    assert "shipped" in failure.message
    return failure


@provokes("NOTHING_TO_SHIP")
async def _nothing_to_ship(stage: Stage) -> CallFailure:
    await receive_stock(stage.api)
    order = await place_order_in_status(stage.api, stage.fulfillment, OrderStatus.SHIPPED)
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="U", tracking_number="1")
    return await expect_failure(stage.api.orders.ShipOrder(request))


@provokes("UNITS_NOT_SHIPPED")
async def _units_not_shipped(stage: Stage) -> CallFailure:
    await _create_backorder(stage)
    await _ship(stage, "OWED")
    await stage.api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await stage.fulfillment.deliver_all(stage.api)
    failure = await _complete(stage, "OWED")
    assert failure.metadata == {"orderId": "OWED", "quantity": "2"}
    return failure


@provokes("BACKORDER_OPEN")
async def _backorder_open(stage: Stage) -> CallFailure:
    backorder_id = await _create_backorder(stage)
    await _ship(stage, "OWED")
    failure = await _complete(stage, "OWED")
    assert failure.metadata == {"orderId": "OWED", "backorderIds": backorder_id}
    return failure


async def _create_backorder(stage: Stage) -> str:
    """Deliver three of the five units of an order, `OWED`.

    Return the id of the backorder of the other two.
    """
    await receive_stock(stage.api, quantity=3)
    await stage.api.orders.CreateOrder(create_order(order_id="OWED", items=[item(quantity=5)]))
    await stage.fulfillment.deliver_all(stage.api)
    (backorder,) = (await stage.api.storage.ListBackorders(storage_pb2.ListBackordersRequest())).backorders
    return backorder.backorder_id


async def _ship(stage: Stage, order_id: str) -> None:
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="U", tracking_number="1")
    await stage.api.orders.ShipOrder(request)


async def _complete(stage: Stage, order_id: str) -> CallFailure:
    return await expect_failure(
        stage.api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))
    )


@provokes("BACKORDER_STATUS_CONFLICT")
async def _backorder_status_conflict(stage: Stage) -> CallFailure:
    backorder_id = await _create_backorder(stage)
    await stage.api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await stage.fulfillment.deliver_all(stage.api)
    failure = await _cancel_backorder(stage, backorder_id)
    assert failure.metadata == {
        "backorderId": backorder_id,
        "status": "fulfilled",
        "requiredStatuses": "open,in_progress",
    }
    return failure


async def _cancel_backorder(stage: Stage, backorder_id: str) -> CallFailure:
    request = storage_pb2.CancelBackorderRequest(backorder_id=backorder_id)
    return await expect_failure(stage.api.storage.CancelBackorder(request))


@provokes("SKU_NOT_ON_ORDER")
async def _sku_not_on_order(stage: Stage) -> CallFailure:
    await _create_backorder(stage)
    failure = await _short_pick(stage, "OWED", "SKU-002", 1)
    assert failure.metadata == {"orderId": "OWED", "sku": "SKU-002"}
    return failure


@provokes("QUANTITY_EXCEEDED")
async def _quantity_exceeded(stage: Stage) -> CallFailure:
    await _create_backorder(stage)
    failure = await _short_pick(stage, "OWED", "SKU-001", 4)
    assert failure.metadata == {"orderId": "OWED", "sku": "SKU-001", "quantity": "3"}
    return failure


async def _short_pick(stage: Stage, order_id: str, sku: str, quantity: int) -> CallFailure:
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku=sku,
        missing_quantity=quantity,
        reason=storage_pb2.SHORT_PICK_REASON_NOT_FOUND,
    )
    return await expect_failure(stage.api.storage.ReportShortPick(report))


@provokes("NO_ACTIVE_WORKER")
async def _no_active_worker(stage: Stage) -> CallFailure:
    await stage.sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
    failure = await expect_failure(
        stage.api.fulfillment.StartFulfillment(fulfillment_pb2.StartFulfillmentRequest())
    )
    assert failure.metadata == {"role": "fulfillment"}
    return failure


@provokes("WORKER_NOT_FOUND")
async def _worker_not_found(stage: Stage) -> CallFailure:
    request = fulfillment_pb2.SetWorkerModeRequest(worker_id="w-9", mode=fulfillment_pb2.WORKER_MODE_PASSIVE)
    failure = await expect_failure(stage.api.fulfillment.SetWorkerMode(request))
    assert failure.metadata == {"workerId": "w-9"}
    return failure


@provokes("PARKED_EVENT_NOT_FOUND")
async def _parked_event_not_found(stage: Stage) -> CallFailure:
    request = fulfillment_pb2.ReleaseParkedEventRequest(event_id=str(uuid4()))
    failure = await expect_failure(stage.api.fulfillment.ReleaseParkedEvent(request))
    assert failure.metadata == {"eventId": request.event_id}
    return failure


@provokes("ROLE_NOT_FOUND")
async def _role_not_found(stage: Stage) -> CallFailure:
    request = fulfillment_pb2.StepDownRequest(role="dancing", worker_id="w-9")
    failure = await expect_failure(stage.api.fulfillment.StepDown(request))
    assert failure.metadata == {"role": "dancing", "workerId": "w-9"}
    return failure


@provokes("FULFILLMENT_PAUSED")
async def _fulfillment_paused(stage: Stage) -> CallFailure:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    failure = await _start_while_paused(stage, "WH-01", until)
    assert (failure.metadata["warehouseId"], failure.metadata["pauseReason"]) == ("WH-01", "stocktaking")
    assert failure.metadata["expiresAt"] == format_json_time(until)
    return failure


async def _start_while_paused(stage: Stage, warehouse_id: str, until: datetime | None = None) -> CallFailure:
    """Pause a warehouse, or all of them. Return the error of a run in a warehouse."""
    pause = fulfillment_pb2.PauseFulfillmentRequest(warehouse_id=warehouse_id, reason="stocktaking")
    if until:
        pause.expires_at.FromDatetime(until)
    await stage.api.fulfillment.PauseFulfillment(pause)
    request = fulfillment_pb2.StartFulfillmentRequest(warehouse_id="WH-01")
    return await expect_failure(stage.api.fulfillment.StartFulfillment(request))


@provokes("WAREHOUSE_MISMATCH")
async def _warehouse_mismatch(stage: Stage) -> CallFailure:
    await stage.api.storage.PutLane(put_lane())
    return await expect_failure(stage.api.storage.PutLane(put_lane(warehouse_id="WH-02")))


@provokes("WAVE_DESTINATION_CONFLICT")
async def _wave_destination_conflict(stage: Stage) -> CallFailure:
    await stage.api.storage.PutDestination(put_destination("PACK-1"))
    await stage.api.storage.PutDestination(put_destination("PACK-2"))
    order = await place_order_in_status(stage.api, stage.fulfillment, OrderStatus.ASSIGNED_TO_WAVE)
    failure = await _assign(stage.api, order.order_id, "PACK-2")
    assert failure.metadata == {"waveId": order.wave_id, "destinationId": "PACK-1"}
    return failure


@provokes("LANE_BLOCKED")
async def _lane_blocked(stage: Stage) -> CallFailure:
    await stage.api.storage.PutLane(put_lane(status=storage_pb2.LANE_STATUS_BLOCKED))
    return await expect_failure(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1))))


@provokes("LANE_FULL")
async def _lane_full(stage: Stage) -> CallFailure:
    await stage.api.storage.PutLane(put_lane(capacity=1))
    return await expect_failure(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1), ("C-2", "A", 1))))


@provokes("CARRIER_LEFT")
async def _carrier_left(stage: Stage) -> CallFailure:
    await receive_stock(stage.api, quantity=2)
    await place_order_in_status(stage.api, stage.fulfillment, OrderStatus.PACKING)
    return await _put_on_hold(stage.api, "CAR-1")


@provokes("MOVE_STATUS_CONFLICT")
async def _move_status_conflict(stage: Stage) -> CallFailure:
    move_id = await _requested_move(stage)
    request = storage_pb2.CompleteMoveRequest(move_id=move_id)
    failure = await expect_failure(stage.api.storage.CompleteMove(request))
    assert (failure.metadata["status"], failure.metadata["requiredStatuses"]) == ("requested", "claimed")
    return failure


async def _requested_move(stage: Stage) -> str:
    await receive_stock(stage.api)
    await place_order_in_status(stage.api, stage.fulfillment, OrderStatus.PICKING)
    move_id: str = await stage.sql.fetchval("SELECT move_id FROM moves")
    return move_id


@provokes("MOVE_CLAIMED_BY_OTHER")
async def _move_claimed_by_other(stage: Stage) -> CallFailure:
    move_id = await _requested_move(stage)
    await WarehouseDriver(stage.api).claim_moves()
    request = storage_pb2.CompleteMoveRequest(move_id=move_id, claimed_by="somebody else")
    return await expect_failure(stage.api.storage.CompleteMove(request))


@provokes("DEAD_LETTER_ALREADY_RESOLVED")
async def _dead_letter_already_resolved(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    await dead_letter_order(stage.api, order.order_id)
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order.order_id,
        resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
        resolved_by="SUP-1",
    )
    await stage.api.dead_letters.ResolveDeadLetterEntry(request)
    return await expect_failure(stage.api.dead_letters.ResolveDeadLetterEntry(request))


# Temporary failures of the service


@provokes("CONCURRENT_CHANGE")
async def _concurrent_change(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    async with (
        open_api(stage.url, database_statement_timeout=timedelta(seconds=1)) as api,
        hold_order_lock(stage.sql, order.order_id),
    ):
        return await expect_failure(api.orders.ValidateOrder(_validate(order.order_id)))


def _validate(order_id: str) -> orders_pb2.ValidateOrderRequest:
    return orders_pb2.ValidateOrderRequest(order_id=order_id)


@provokes("DATABASE_UNAVAILABLE")
async def _database_unavailable(stage: Stage) -> CallFailure:
    async with open_proxy(stage.url) as proxy, open_api(proxy.url) as api:
        await proxy.cut()
        failure = await expect_failure(api.orders.CreateOrder(create_order()))
        assert failure.is_retryable
        return failure


@provokes("OVERLOADED")
async def _overloaded(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    async with open_api(stage.url, max_in_flight=1) as api:
        async with hold_order_lock(stage.sql, order.order_id):
            blocked_call = asyncio.ensure_future(
                _awaited(api.orders.ValidateOrder(_validate(order.order_id)))
            )
            await wait_for_lock_waiters(stage.sql)
            failure = await expect_failure(
                api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order.order_id))
            )
            assert await is_ready(api.channel)
        await blocked_call
        assert domain_status_of(await read_order(api, order.order_id)) is OrderStatus.VALIDATED
    assert (failure.metadata, failure.is_retryable) == ({"limit": "1"}, True)
    return failure


async def _awaited(call: Any) -> Any:
    return await call


@provokes("DEADLINE_EXCEEDED")
async def _deadline_exceeded(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    async with (
        open_api(stage.url, deadline_cap=timedelta(milliseconds=200)) as api,
        hold_order_lock(stage.sql, order.order_id),
    ):
        return await expect_failure(api.orders.ValidateOrder(_validate(order.order_id)))


@provokes("WATCHER_TOO_SLOW")
async def _watcher_too_slow(stage: Stage) -> CallFailure:
    await WarehouseDriver(stage.api).open()
    async with (
        open_api(stage.url, watch_buffer=1) as api,
        open_small_window_client(api) as slow_client,
        subscribe_to_moves(slow_client) as subscriber,
    ):
        await subscriber.read_snapshot()
        # More than the buffer and the connection of a client that does not read can hold.
        await make_moves(stage.sql, "CAR-", 2_000)
        failure = await expect_failure(subscriber.read_until_error())
    assert not failure.is_retryable
    return failure


@provokes("SHUTTING_DOWN")
async def _shutting_down(stage: Stage) -> CallFailure:
    order = await place_order(stage.api)
    address: asyncio.Future[str] = asyncio.Future()
    shutdown_requested = asyncio.Event()

    async def serve() -> None:
        async with open_api(stage.url) as api:
            address.set_result(api.address)
            await shutdown_requested.wait()

    server_task = asyncio.ensure_future(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        api = client(channel, await address)
        async with hold_order_lock(stage.sql, order.order_id):
            blocked_call = asyncio.ensure_future(
                _awaited(api.orders.ValidateOrder(_validate(order.order_id)))
            )
            await wait_for_lock_waiters(stage.sql)
            shutdown_requested.set()
            failure = await eventually(lambda: _find_rejection(api, order.order_id))
            assert not await is_ready(channel)
        # The in-flight call still gets its response.
        assert domain_status_of((await blocked_call).order) is OrderStatus.VALIDATED
        await server_task
    assert failure is not None
    assert failure.is_retryable
    return failure


async def _find_rejection(api: Api, order_id: str) -> CallFailure | None:
    call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
    return None if await call.code() is grpc.StatusCode.OK else await expect_failure(call)


@provokes("NOT_IMPLEMENTED")
async def _not_implemented(stage: Stage) -> CallFailure:
    method: Any = stage.api.channel.unary_unary(f"/{ORDERS}/SplitOrder")
    failure = await expect_failure(method(b""))
    assert failure.metadata == {"method": "SplitOrder"}
    return failure


# Only over HTTP


async def _call_over_http(stage: Stage, request: bytes) -> CallFailure:
    """Send bytes over HTTP. Return the failure of the response."""
    async with open_http_server(stage.url, http_request_timeout="500ms") as server:
        response = await server.send_raw(request)
    return parse_failure(json_format.Parse(response.partition(b"\r\n\r\n")[2], Status()))


def _build_post(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: localhost", *headers, "", ""]).encode()


@provokes("PATH_NOT_FOUND")
async def _path_not_found(stage: Stage) -> CallFailure:
    return await _call_over_http(stage, _build_post("/api/v1/order"))


@provokes("METHOD_NOT_ALLOWED")
async def _method_not_allowed(stage: Stage) -> CallFailure:
    return await _call_over_http(stage, _build_post("/api/v1/orders/ORD-1"))


@provokes("UNSUPPORTED_MEDIA_TYPE")
async def _unsupported_media_type(stage: Stage) -> CallFailure:
    request = _build_post(
        "/api/v1/orders", "content-length: 2", "content-type: text/plain", "connection: close"
    )
    return await _call_over_http(stage, request + b"{}")


@provokes("HOST_NOT_ALLOWED")
async def _host_not_allowed(stage: Stage) -> CallFailure:
    return await _call_over_http(
        stage, b"GET /api/v1/orders HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    )


@provokes("CROSS_SITE_REQUEST")
async def _cross_site_request(stage: Stage) -> CallFailure:
    request = _build_post("/api/v1/fulfillment/resume", "sec-fetch-site: cross-site", "connection: close")
    return await _call_over_http(stage, request)


@provokes("REQUEST_TOO_SLOW")
async def _request_too_slow(stage: Stage) -> CallFailure:
    request = _build_post("/api/v1/orders", "content-length: 2", "content-type: application/json")
    return await _call_over_http(stage, request)


@provokes("INTERNAL")
async def _internal(stage: Stage) -> CallFailure:
    await stage.sql.execute("ALTER TABLE lanes RENAME TO lanes_elsewhere")
    with capture_logs() as log_entries:
        failure = await expect_failure(stage.api.storage.ListLanes(storage_pb2.ListLanesRequest()))
    error_id = failure.metadata["errorId"]
    assert failure.message == f"Internal error {error_id}."
    (entry,) = [log_entry for log_entry in log_entries if log_entry["event"] == "call_failed"]
    assert (entry["error_id"], entry["rpc"], entry["log_level"]) == (error_id, "ListLanes", "error")
    assert entry["exc_info"]
    return failure


# The tests


@pytest.mark.parametrize("reason", sorted(PROVOCATIONS))
async def test_each_reason_matches_its_documentation_in_the_contract(stage: Stage, reason: str) -> None:
    """Code, domain, reason and exactly the documented keys of the metadata."""
    failure = await PROVOCATIONS[reason](stage)
    documented = documented_reasons()[reason]
    assert failure.reason == reason
    assert failure.status_code.name == documented.status_code
    if documented.has_all_keys_always:
        assert set(failure.metadata) == documented.metadata_keys
    else:
        assert set(failure.metadata) <= documented.metadata_keys
    assert all(failure.metadata.values())
    assert failure.message


def test_every_reason_of_the_code_is_provoked() -> None:
    """Every reason is also a value of the contract."""
    assert list_reasons_in_code() == set(PROVOCATIONS)
    assert list_reasons_in_code() <= {
        name.removeprefix("ERROR_REASON_") for name, _ in error_pb2.ErrorReason.items()
    }


# Further guarantees of some errors


async def test_internal_error_hides_its_cause(stage: Stage) -> None:
    """Tables, SQL and exceptions are only in the log, with the correlation id of the call."""
    await stage.sql.execute("ALTER TABLE order_items DROP COLUMN price_nanos CASCADE")
    with capture_logs() as log_entries:
        call = stage.api.orders.CreateOrder(create_order(), metadata=(("x-wms-correlation-id", "C-9"),))
        failure = await expect_failure(call)
    for word in ("price_nanos", "order_items", "column", "asyncpg", "Traceback", "INSERT"):
        assert word not in repr(failure) + str(await call.trailing_metadata())
    (entry,) = [log_entry for log_entry in log_entries if log_entry["event"] == "call_failed"]
    assert (entry["error_id"], entry["correlation_id"]) == (failure.metadata["errorId"], "C-9")


async def test_server_recovers_after_a_database_outage(stage: Stage) -> None:
    """It is unready during the outage and ready within seconds after it."""
    async with (
        open_proxy(stage.url) as proxy,
        open_api(proxy.url, readiness_interval=timedelta(milliseconds=50)) as api,
    ):
        order = await place_order(api)
        await proxy.cut()
        read_call = orders_pb2.GetOrderRequest(order_id=order.order_id)
        for call in (api.orders.GetOrder(read_call), api.orders.CreateOrder(create_order(order_id="LOST"))):
            failure = await expect_failure(call)
            assert (failure.status_code, failure.reason) == (
                grpc.StatusCode.UNAVAILABLE,
                "DATABASE_UNAVAILABLE",
            )

        async def is_unready() -> bool:
            return not await is_ready(api.channel)

        await eventually(is_unready)
        assert await is_ready(api.channel, "liveness")
        await proxy.heal()
        await eventually(lambda: is_ready(api.channel), within=5)
        assert await read_order(api, order.order_id) == order
        await place_order(api, order_id="LOST")


async def test_overloaded_server_answers_health_checks_of_every_service(stage: Stage) -> None:
    """The in-flight limit rejects calls but not probes."""
    order = await place_order(stage.api)
    async with open_api(stage.url, max_in_flight=2) as api, hold_order_lock(stage.sql, order.order_id):
        blocked_calls = [
            asyncio.ensure_future(_awaited(api.orders.ValidateOrder(_validate(order.order_id))))
            for _ in range(2)
        ]
        await eventually(lambda: _is_overloaded(api))
        for _ in range(3):
            assert (
                await expect_failure(api.storage.GetStock(storage_pb2.GetStockRequest()))
            ).reason == "OVERLOADED"
            assert await is_ready(api.channel, ORDERS)
    for call in blocked_calls:
        call.cancel()


async def _is_overloaded(api: Api) -> bool:
    call = api.storage.GetStock(storage_pb2.GetStockRequest())
    return await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_call_in_flight_at_its_deadline_is_finished(stage: Stage) -> None:
    """The error says that the outcome is unknown. The same request id returns the outcome."""
    order = await place_order(stage.api)
    request = orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="V-1")
    async with open_api(stage.url, deadline_cap=timedelta(milliseconds=200)) as api:
        async with hold_order_lock(stage.sql, order.order_id):
            failure = await expect_failure(api.orders.ValidateOrder(request))
            assert failure.reason == "DEADLINE_EXCEEDED"
            assert domain_status_of(await read_order(api, order.order_id)) is OrderStatus.RECEIVED

        async def is_validated() -> bool:
            return domain_status_of(await read_order(api, order.order_id)) is OrderStatus.VALIDATED

        await eventually(is_validated)
    replayed = (await stage.api.orders.ValidateOrder(request)).order
    assert replayed == await read_order(stage.api, order.order_id)


async def test_call_of_a_disconnected_client_is_finished(stage: Stage) -> None:
    """The client's own deadline ends its wait but not the change."""
    order = await place_order(stage.api)
    async with hold_order_lock(stage.sql, order.order_id):
        call = stage.api.orders.ValidateOrder(_validate(order.order_id), timeout=0.3)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await wait_for_lock_waiters(stage.sql)

    async def is_validated() -> bool:
        return domain_status_of(await read_order(stage.api, order.order_id)) is OrderStatus.VALIDATED

    await eventually(is_validated)


async def test_call_that_starts_after_its_deadline_is_skipped(stage: Stage) -> None:
    """It waits for the only connection, and its deadline expires before it gets it."""
    first, second = await place_order(stage.api), await place_order(stage.api)
    async with open_api(stage.url, deadline_cap=timedelta(milliseconds=300), database_pool_size=1) as api:
        async with hold_order_lock(stage.sql, first.order_id):
            first_call = asyncio.ensure_future(
                expect_failure(api.orders.ValidateOrder(_validate(first.order_id)))
            )
            await wait_for_lock_waiters(stage.sql)
            second_failure = await expect_failure(api.orders.ValidateOrder(_validate(second.order_id)))
            assert (second_failure.reason, (await first_call).reason) == (
                "DEADLINE_EXCEEDED",
                "DEADLINE_EXCEEDED",
            )

        async def first_is_validated() -> bool:
            return domain_status_of(await read_order(stage.api, first.order_id)) is OrderStatus.VALIDATED

        await eventually(first_is_validated)
        # This call waits behind the second one for the connection, so the second one has been processed.
        await eventually(lambda: _succeeds(api, first.order_id))
        assert domain_status_of(await read_order(stage.api, second.order_id)) is OrderStatus.RECEIVED


async def _succeeds(api: Api, order_id: str) -> bool:
    call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
    return await call.code() is grpc.StatusCode.OK


async def test_oversized_event_fails_only_its_change(stage: Stage) -> None:
    """In a batch it fails its element, and in an update the order stays unchanged."""
    long_items = [item("S" * 200) for _ in range(5)]
    async with open_api(stage.url, event_max_bytes=1_000) as api:
        requests = [create_order(order_id="S-1"), create_order(order_id="S-2", items=long_items)]
        response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
        assert response.results[0].order.order_id == "S-1"
        assert parse_failure(response.results[1].status).reason == "EVENT_TOO_LARGE"
        order = await read_order(api, "S-1")
        update = orders_pb2.UpdateOrderRequest(order_id="S-1")
        update.order.items.extend(long_items)
        assert (await expect_failure(api.orders.UpdateOrder(update))).reason == "EVENT_TOO_LARGE"
        assert await read_order(api, "S-1") == order
        assert (
            await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="S-2")))
        ).reason == ("ORDER_NOT_FOUND")


async def test_pause_error_omits_empty_metadata(stage: Stage) -> None:
    """A pause everywhere has no warehouse, and a pause without an end has no time."""
    assert (await _start_while_paused(stage, "")).metadata == {"pauseReason": "stocktaking"}


@pytest.mark.parametrize("method_kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
async def test_unknown_method_of_the_service_fails_with_not_implemented(
    stage: Stage, method_kind: str
) -> None:
    """The error has the correlation id, for every kind of streaming."""
    method = getattr(stage.api.channel, method_kind)(f"/{ORDERS}/SplitOrder")
    metadata = (("x-wms-correlation-id", "C-1"),)
    call = method(iter((b"",)) if method_kind.startswith("stream") else b"", metadata=metadata)
    failure = await expect_failure(call if method_kind.endswith("unary") else call.read())
    assert (failure.reason, failure.metadata) == ("NOT_IMPLEMENTED", {"method": "SplitOrder"})
    assert dict(await call.trailing_metadata())["x-wms-correlation-id"] == "C-1"


async def test_unknown_service_gets_the_standard_grpc_error(stage: Stage) -> None:
    """The error is the one of gRPC for methods that no service has."""
    method: Any = stage.api.channel.unary_unary("/grpc.testing.TestService/EmptyCall")
    with pytest.raises(grpc.aio.AioRpcError, match="Method not found") as error:
        await method(b"")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED

"""Every reason for an error that the code has: provoked over gRPC and read as a client reads it."""

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

from tests.support.api import Api, client, is_ready, open_api
from tests.support.error_reasons import documented_reasons, reasons_in_code
from tests.support.failures import Failure, failing, failure_of
from tests.support.fulfillment import Fulfillment
from tests.support.group_commit import BOTH_WAYS
from tests.support.http import open_web
from tests.support.invariants import Sql
from tests.support.locks import order_locked, until_waiting
from tests.support.orders import created, dead_letter, fail, order_in, read, status_of, stocked
from tests.support.proxy import open_proxy
from tests.support.raw import ORDERS, padded, raw_failing
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from tests.support.site import Site
from tests.support.waiting import eventually
from tests.support.watching import make_moves, unwilling, watching
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    error_pb2,
    fulfillment_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.events import json_time
from wms_core.domain.order_status import OrderStatus
from wms_server.request_limits import MAX_REQUEST_BYTES

pytestmark = BOTH_WAYS


@dataclass(frozen=True, slots=True)
class Stage:
    """What a provocation may use: a server and its database, the worker's cycle, the wires between."""

    api: Api
    fulfillment: Fulfillment
    sql: Sql
    url: str


Provocation = Callable[[Stage], Awaitable[Failure]]
PROVOKED: dict[str, Provocation] = {}


def provokes(reason: str) -> Callable[[Provocation], Provocation]:
    """Enter a provocation of a reason."""

    def enter(provocation: Provocation) -> Provocation:
        PROVOKED[reason] = provocation
        return provocation

    return enter


@pytest.fixture
def stage(api: Api, fulfillment: Fulfillment, sql: Sql, database_url: str) -> Stage:
    """Give the stage."""
    return Stage(api, fulfillment, sql, database_url)


# What is wrong with the request


@provokes("INVALID_REQUEST")
async def _invalid_request(stage: Stage) -> Failure:
    failure = await failing(stage.api.orders.CreateOrder(create_order(customer_id="")))
    assert list(failure.violations) == ["customer_id"]
    return failure


@provokes("MALFORMED_MESSAGE")
async def _malformed_message(stage: Stage) -> Failure:
    return await raw_failing(stage.api, ORDERS, "CreateOrder", b"\xff\xff\xff\xff")


@provokes("MESSAGE_TOO_LARGE")
async def _message_too_large(stage: Stage) -> Failure:
    return await raw_failing(stage.api, ORDERS, "CreateOrder", padded(create_order(), MAX_REQUEST_BYTES + 1))


@provokes("INVALID_PAGE_TOKEN")
async def _invalid_page_token(stage: Stage) -> Failure:
    return await failing(stage.api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_token="nonsense")))


@provokes("PAGE_TOO_DEEP")
async def _page_too_deep(stage: Stage) -> Failure:
    return await failing(stage.api.orders.ListOrders(orders_pb2.ListOrdersRequest(page=501)))


@provokes("TIME_IN_FUTURE")
async def _time_in_future(stage: Stage) -> Failure:
    order = await created(stage.api)
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason="x")
    request.failed_at.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    failure = await failing(stage.api.reprocessing.IncrementRetryCount(request))
    assert failure.metadata["field"] == "failed_at"
    assert datetime.fromisoformat(failure.metadata["now"]) <= datetime.now(UTC)
    return failure


@provokes("EVENT_TOO_LARGE")
async def _event_too_large(stage: Stage) -> Failure:
    async with open_api(stage.url, event_max_bytes=1_000) as api:
        request = create_order(order_id="BIG", items=[item("S" * 200) for _ in range(5)])
        failure = await failing(api.orders.CreateOrder(request))
    assert int(failure.metadata["size"]) > 1_000
    assert (failure.metadata["limit"], failure.metadata["orderId"]) == ("1000", "BIG")
    return failure


@provokes("REQUEST_ID_REUSED")
async def _request_id_reused(stage: Stage) -> Failure:
    await stage.api.orders.CreateOrder(create_order(request_id="R-1"))
    failure = await failing(stage.api.orders.CreateOrder(create_order(request_id="R-1", customer_id="B")))
    assert failure.metadata["requestId"] == "R-1"
    return failure


@provokes("RESPONSE_TOO_LARGE")
async def _response_too_large(stage: Stage) -> Failure:
    order = await created(stage.api, items=[item("S" * 256) for _ in range(40)])
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[order.order_id] * 500)
    return await failing(stage.api.orders.BatchGetOrders(request))


# What does not exist, or does already


@provokes("ORDER_NOT_FOUND")
async def _order_not_found(stage: Stage) -> Failure:
    return await failing(stage.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone")))


@provokes("ORDER_ALREADY_EXISTS")
async def _order_already_exists(stage: Stage) -> Failure:
    order = await created(stage.api)
    return await failing(stage.api.orders.CreateOrder(create_order(order_id=order.order_id)))


@provokes("WAREHOUSE_NOT_FOUND")
async def _warehouse_not_found(stage: Stage) -> Failure:
    return await failing(stage.api.orders.CreateOrder(create_order(warehouse_id="WH-77")))


@provokes("DESTINATION_NOT_FOUND")
async def _destination_not_found(stage: Stage) -> Failure:
    order = await created(stage.api)
    return await _assign(stage.api, order.order_id, "PACK-77")


async def _assign(api: Api, order_id: str, destination_id: str) -> Failure:
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id=destination_id)
    return await failing(api.orders.AssignOrdersToWave(request))


@provokes("LANE_NOT_FOUND")
async def _lane_not_found(stage: Stage) -> Failure:
    return await failing(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1))))


@provokes("CARRIER_NOT_FOUND")
async def _carrier_not_found(stage: Stage) -> Failure:
    return await _hold(stage.api, "gone")


async def _hold(api: Api, carrier_id: str) -> Failure:
    on_hold = storage_pb2.CARRIER_STATUS_ON_HOLD
    request = storage_pb2.SetCarrierStatusRequest(carrier_id=carrier_id, status=on_hold)
    return await failing(api.storage.SetCarrierStatus(request))


@provokes("CARRIER_ALREADY_EXISTS")
async def _carrier_already_exists(stage: Stage) -> Failure:
    await stocked(stage.api)
    return await failing(stage.api.storage.ReceiveCarriers(receive(("CAR-1", "A", 1))))


@provokes("MOVE_NOT_FOUND")
async def _move_not_found(stage: Stage) -> Failure:
    return await failing(stage.api.storage.CompleteMove(storage_pb2.CompleteMoveRequest(move_id="gone")))


@provokes("BACKORDER_NOT_FOUND")
async def _backorder_not_found(stage: Stage) -> Failure:
    failure = await _cancel_backorder(stage, "gone")
    assert failure.metadata == {"backorderId": "gone"}
    return failure


@provokes("RUN_NOT_FOUND")
async def _run_not_found(stage: Stage) -> Failure:
    request = fulfillment_pb2.GetFulfillmentRunRequest(run_id="gone")
    failure = await failing(stage.api.fulfillment.GetFulfillmentRun(request))
    assert failure.metadata == {"runId": "gone"}
    return failure


@provokes("DEAD_LETTER_ENTRY_NOT_FOUND")
async def _dead_letter_entry_not_found(stage: Stage) -> Failure:
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=(await created(stage.api)).order_id)
    return await failing(stage.api.dead_letters.GetDeadLetterEntry(request))


@provokes("POSITION_NOT_KEPT")
async def _position_not_kept(stage: Stage) -> Failure:
    watching_orders = stage.api.orders.WatchOrders(orders_pb2.WatchOrdersRequest(position=7))
    failure = await failing(watching_orders.read())
    assert failure.metadata == {"position": "7", "oldestPosition": "0"}
    return failure


# What the state of things does not allow


@provokes("ETAG_MISMATCH")
async def _etag_mismatch(stage: Stage) -> Failure:
    order = await created(stage.api)
    failed = await fail(stage.api, order.order_id)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, etag=order.etag)
    failure = await failing(stage.api.orders.CancelOrder(request))
    assert failure.metadata["etag"] == failed.etag
    return failure


@provokes("ORDER_STATUS_CONFLICT")
async def _order_status_conflict(stage: Stage) -> Failure:
    order = await created(stage.api)
    failure = await failing(
        stage.api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order.order_id))
    )
    assert (failure.metadata["status"], failure.metadata["requiredStatuses"]) == ("received", "shipped")
    assert "received" in failure.message
    assert "shipped" in failure.message
    return failure


@provokes("NOTHING_TO_SHIP")
async def _nothing_to_ship(stage: Stage) -> Failure:
    await stocked(stage.api)
    order = await order_in(stage.api, stage.fulfillment, OrderStatus.SHIPPED)
    request = orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="U", tracking_number="1")
    return await failing(stage.api.orders.ShipOrder(request))


@provokes("UNITS_NOT_SHIPPED")
async def _units_not_shipped(stage: Stage) -> Failure:
    await _owed(stage)
    await _ship(stage, "OWED")
    await stage.api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await stage.fulfillment.deliver(stage.api)
    failure = await _complete(stage, "OWED")
    assert failure.metadata == {"orderId": "OWED", "quantity": "2"}
    return failure


@provokes("BACKORDER_OPEN")
async def _backorder_open(stage: Stage) -> Failure:
    backorder_id = await _owed(stage)
    await _ship(stage, "OWED")
    failure = await _complete(stage, "OWED")
    assert failure.metadata == {"orderId": "OWED", "backorderIds": backorder_id}
    return failure


async def _owed(stage: Stage) -> str:
    """Deliver three of the five units of an order, `OWED`; gives the backorder of the other two."""
    await stocked(stage.api, quantity=3)
    await stage.api.orders.CreateOrder(create_order(order_id="OWED", items=[item(quantity=5)]))
    await stage.fulfillment.deliver(stage.api)
    (owed,) = (await stage.api.storage.ListBackorders(storage_pb2.ListBackordersRequest())).backorders
    return owed.backorder_id


async def _ship(stage: Stage, order_id: str) -> None:
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="U", tracking_number="1")
    await stage.api.orders.ShipOrder(request)


async def _complete(stage: Stage, order_id: str) -> Failure:
    return await failing(stage.api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id)))


@provokes("BACKORDER_STATUS_CONFLICT")
async def _backorder_status_conflict(stage: Stage) -> Failure:
    backorder_id = await _owed(stage)
    await stage.api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 2)))
    await stage.fulfillment.deliver(stage.api)
    failure = await _cancel_backorder(stage, backorder_id)
    assert failure.metadata == {
        "backorderId": backorder_id,
        "status": "fulfilled",
        "requiredStatuses": "open,in_progress",
    }
    return failure


async def _cancel_backorder(stage: Stage, backorder_id: str) -> Failure:
    request = storage_pb2.CancelBackorderRequest(backorder_id=backorder_id)
    return await failing(stage.api.storage.CancelBackorder(request))


@provokes("SKU_NOT_ON_ORDER")
async def _sku_not_on_order(stage: Stage) -> Failure:
    await _owed(stage)
    failure = await _short_pick(stage, "OWED", "SKU-002", 1)
    assert failure.metadata == {"orderId": "OWED", "sku": "SKU-002"}
    return failure


@provokes("QUANTITY_EXCEEDED")
async def _quantity_exceeded(stage: Stage) -> Failure:
    await _owed(stage)
    failure = await _short_pick(stage, "OWED", "SKU-001", 4)
    assert failure.metadata == {"orderId": "OWED", "sku": "SKU-001", "quantity": "3"}
    return failure


async def _short_pick(stage: Stage, order_id: str, sku: str, quantity: int) -> Failure:
    report = storage_pb2.ReportShortPickRequest(
        order_id=order_id,
        sku=sku,
        missing_quantity=quantity,
        reason=storage_pb2.SHORT_PICK_REASON_NOT_FOUND,
    )
    return await failing(stage.api.storage.ReportShortPick(report))


@provokes("NO_ACTIVE_WORKER")
async def _no_active_worker(stage: Stage) -> Failure:
    await stage.sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
    failure = await failing(stage.api.fulfillment.StartFulfillment(fulfillment_pb2.StartFulfillmentRequest()))
    assert failure.metadata == {"role": "fulfillment"}
    return failure


@provokes("WORKER_NOT_FOUND")
async def _worker_not_found(stage: Stage) -> Failure:
    request = fulfillment_pb2.SetWorkerModeRequest(worker_id="w-9", mode=fulfillment_pb2.WORKER_MODE_PASSIVE)
    failure = await failing(stage.api.fulfillment.SetWorkerMode(request))
    assert failure.metadata == {"workerId": "w-9"}
    return failure


@provokes("PARKED_EVENT_NOT_FOUND")
async def _parked_event_not_found(stage: Stage) -> Failure:
    request = fulfillment_pb2.ReleaseParkedEventRequest(event_id=str(uuid4()))
    failure = await failing(stage.api.fulfillment.ReleaseParkedEvent(request))
    assert failure.metadata == {"eventId": request.event_id}
    return failure


@provokes("ROLE_NOT_FOUND")
async def _role_not_found(stage: Stage) -> Failure:
    request = fulfillment_pb2.StepDownRequest(role="dancing", worker_id="w-9")
    failure = await failing(stage.api.fulfillment.StepDown(request))
    assert failure.metadata == {"role": "dancing", "workerId": "w-9"}
    return failure


@provokes("FULFILLMENT_PAUSED")
async def _fulfillment_paused(stage: Stage) -> Failure:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    failure = await _paused(stage, "WH-01", until)
    assert (failure.metadata["warehouseId"], failure.metadata["pauseReason"]) == ("WH-01", "stocktaking")
    assert failure.metadata["expiresAt"] == json_time(until)
    return failure


async def _paused(stage: Stage, warehouse_id: str, until: datetime | None = None) -> Failure:
    """Pause a warehouse, or everything; gives the refusal of a run in a warehouse."""
    pause = fulfillment_pb2.PauseFulfillmentRequest(warehouse_id=warehouse_id, reason="stocktaking")
    if until:
        pause.expires_at.FromDatetime(until)
    await stage.api.fulfillment.PauseFulfillment(pause)
    request = fulfillment_pb2.StartFulfillmentRequest(warehouse_id="WH-01")
    return await failing(stage.api.fulfillment.StartFulfillment(request))


@provokes("WAREHOUSE_MISMATCH")
async def _warehouse_mismatch(stage: Stage) -> Failure:
    await stage.api.storage.PutLane(put_lane())
    return await failing(stage.api.storage.PutLane(put_lane(warehouse_id="WH-02")))


@provokes("WAVE_DESTINATION_CONFLICT")
async def _wave_destination_conflict(stage: Stage) -> Failure:
    await stage.api.storage.PutDestination(put_destination("PACK-1"))
    await stage.api.storage.PutDestination(put_destination("PACK-2"))
    order = await order_in(stage.api, stage.fulfillment, OrderStatus.ASSIGNED_TO_WAVE)
    failure = await _assign(stage.api, order.order_id, "PACK-2")
    assert failure.metadata == {"waveId": order.wave_id, "destinationId": "PACK-1"}
    return failure


@provokes("LANE_BLOCKED")
async def _lane_blocked(stage: Stage) -> Failure:
    await stage.api.storage.PutLane(put_lane(status=storage_pb2.LANE_STATUS_BLOCKED))
    return await failing(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1))))


@provokes("LANE_FULL")
async def _lane_full(stage: Stage) -> Failure:
    await stage.api.storage.PutLane(put_lane(capacity=1))
    return await failing(stage.api.storage.ReceiveCarriers(receive(("C-1", "A", 1), ("C-2", "A", 1))))


@provokes("CARRIER_LEFT")
async def _carrier_left(stage: Stage) -> Failure:
    await stocked(stage.api, quantity=2)
    await order_in(stage.api, stage.fulfillment, OrderStatus.PACKING)
    return await _hold(stage.api, "CAR-1")


@provokes("MOVE_STATUS_CONFLICT")
async def _move_status_conflict(stage: Stage) -> Failure:
    move_id = await _requested_move(stage)
    request = storage_pb2.CompleteMoveRequest(move_id=move_id)
    failure = await failing(stage.api.storage.CompleteMove(request))
    assert (failure.metadata["status"], failure.metadata["requiredStatuses"]) == ("requested", "claimed")
    return failure


async def _requested_move(stage: Stage) -> str:
    await stocked(stage.api)
    await order_in(stage.api, stage.fulfillment, OrderStatus.PICKING)
    move_id: str = await stage.sql.fetchval("SELECT move_id FROM moves")
    return move_id


@provokes("MOVE_CLAIMED_BY_OTHER")
async def _move_claimed_by_other(stage: Stage) -> Failure:
    move_id = await _requested_move(stage)
    await Site(stage.api).claim()
    request = storage_pb2.CompleteMoveRequest(move_id=move_id, claimed_by="somebody else")
    return await failing(stage.api.storage.CompleteMove(request))


@provokes("DEAD_LETTER_ALREADY_RESOLVED")
async def _dead_letter_already_resolved(stage: Stage) -> Failure:
    order = await created(stage.api)
    await dead_letter(stage.api, order.order_id)
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order.order_id,
        resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
        resolved_by="SUP-1",
    )
    await stage.api.dead_letters.ResolveDeadLetterEntry(request)
    return await failing(stage.api.dead_letters.ResolveDeadLetterEntry(request))


# What the service itself can't do at the moment


@provokes("CONCURRENT_CHANGE")
async def _concurrent_change(stage: Stage) -> Failure:
    order = await created(stage.api)
    async with (
        open_api(stage.url, database_statement_timeout=timedelta(seconds=1)) as api,
        order_locked(stage.sql, order.order_id),
    ):
        return await failing(api.orders.ValidateOrder(_validate(order.order_id)))


def _validate(order_id: str) -> orders_pb2.ValidateOrderRequest:
    return orders_pb2.ValidateOrderRequest(order_id=order_id)


@provokes("DATABASE_UNAVAILABLE")
async def _database_unavailable(stage: Stage) -> Failure:
    async with open_proxy(stage.url) as proxy, open_api(proxy.url) as api:
        await proxy.cut()
        failure = await failing(api.orders.CreateOrder(create_order()))
        assert failure.retryable
        return failure


@provokes("OVERLOADED")
async def _overloaded(stage: Stage) -> Failure:
    order = await created(stage.api)
    async with open_api(stage.url, max_in_flight=1) as api:
        async with order_locked(stage.sql, order.order_id):
            held = asyncio.ensure_future(_awaited(api.orders.ValidateOrder(_validate(order.order_id))))
            await until_waiting(stage.sql)
            failure = await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order.order_id)))
            assert await is_ready(api.channel)
        await held
        assert status_of(await read(api, order.order_id)) is OrderStatus.VALIDATED
    assert (failure.metadata, failure.retryable) == ({"limit": "1"}, True)
    return failure


async def _awaited(call: Any) -> Any:
    return await call


@provokes("DEADLINE_EXCEEDED")
async def _deadline_exceeded(stage: Stage) -> Failure:
    order = await created(stage.api)
    async with (
        open_api(stage.url, deadline_cap=timedelta(milliseconds=200)) as api,
        order_locked(stage.sql, order.order_id),
    ):
        return await failing(api.orders.ValidateOrder(_validate(order.order_id)))


@provokes("WATCHER_TOO_SLOW")
async def _watcher_too_slow(stage: Stage) -> Failure:
    await Site(stage.api).open()
    async with (
        open_api(stage.url, watch_buffer=1) as api,
        unwilling(api) as lazy,
        watching(lazy) as watcher,
    ):
        await watcher.first_part()
        # More at once than the buffer holds, and more than fits on the way to a client that does not read.
        await make_moves(stage.sql, "CAR-", 2_000)
        failure = await failing(watcher.until_end())
    assert not failure.retryable
    return failure


@provokes("SHUTTING_DOWN")
async def _shutting_down(stage: Stage) -> Failure:
    order = await created(stage.api)
    address: asyncio.Future[str] = asyncio.Future()
    ending = asyncio.Event()

    async def serve() -> None:
        async with open_api(stage.url) as api:
            address.set_result(api.address)
            await ending.wait()

    serving = asyncio.ensure_future(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        api = client(channel, await address)
        async with order_locked(stage.sql, order.order_id):
            held = asyncio.ensure_future(_awaited(api.orders.ValidateOrder(_validate(order.order_id))))
            await until_waiting(stage.sql)
            ending.set()
            failure = await eventually(lambda: _refusal(api, order.order_id))
            assert not await is_ready(channel)
        # The call that was at work is answered all the same.
        assert status_of((await held).order) is OrderStatus.VALIDATED
        await serving
    assert failure is not None
    assert failure.retryable
    return failure


async def _refusal(api: Api, order_id: str) -> Failure | None:
    call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
    return None if await call.code() is grpc.StatusCode.OK else await failing(call)


@provokes("NOT_IMPLEMENTED")
async def _not_implemented(stage: Stage) -> Failure:
    method: Any = stage.api.channel.unary_unary(f"/{ORDERS}/SplitOrder")
    failure = await failing(method(b""))
    assert failure.metadata == {"method": "SplitOrder"}
    return failure


# Over HTTP only


async def _over_http(stage: Stage, request: bytes) -> Failure:
    """Send bytes of HTTP and give the failure that is answered."""
    async with open_web(stage.url, http_request_timeout="500ms") as web:
        answer = await web.raw(request)
    return failure_of(json_format.Parse(answer.partition(b"\r\n\r\n")[2], Status()))


def _posted(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: localhost", *headers, "", ""]).encode()


@provokes("PATH_NOT_FOUND")
async def _path_not_found(stage: Stage) -> Failure:
    return await _over_http(stage, _posted("/api/v1/order"))


@provokes("METHOD_NOT_ALLOWED")
async def _method_not_allowed(stage: Stage) -> Failure:
    return await _over_http(stage, _posted("/api/v1/orders/ORD-1"))


@provokes("UNSUPPORTED_MEDIA_TYPE")
async def _unsupported_media_type(stage: Stage) -> Failure:
    request = _posted("/api/v1/orders", "content-length: 2", "content-type: text/plain", "connection: close")
    return await _over_http(stage, request + b"{}")


@provokes("HOST_NOT_ALLOWED")
async def _host_not_allowed(stage: Stage) -> Failure:
    return await _over_http(
        stage, b"GET /api/v1/orders HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    )


@provokes("CROSS_SITE_REQUEST")
async def _cross_site_request(stage: Stage) -> Failure:
    request = _posted("/api/v1/fulfillment/resume", "sec-fetch-site: cross-site", "connection: close")
    return await _over_http(stage, request)


@provokes("REQUEST_TOO_SLOW")
async def _request_too_slow(stage: Stage) -> Failure:
    request = _posted("/api/v1/orders", "content-length: 2", "content-type: application/json")
    return await _over_http(stage, request)


@provokes("INTERNAL")
async def _internal(stage: Stage) -> Failure:
    await stage.sql.execute("ALTER TABLE lanes RENAME TO lanes_elsewhere")
    with capture_logs() as logged:
        failure = await failing(stage.api.storage.ListLanes(storage_pb2.ListLanesRequest()))
    error_id = failure.metadata["errorId"]
    assert failure.message == f"Internal error {error_id}."
    (line,) = [one for one in logged if one["event"] == "call_broke"]
    assert (line["error_id"], line["rpc"], line["log_level"]) == (error_id, "ListLanes", "error")
    assert line["exc_info"]
    return failure


# The tests


@pytest.mark.parametrize("reason", sorted(PROVOKED))
async def test_each_reason_is_told_as_the_contract_documents_it(stage: Stage, reason: str) -> None:
    """Code, domain, reason and the documented keys of the metadata, all of them and no others."""
    failure = await PROVOKED[reason](stage)
    documented = documented_reasons()[reason]
    assert failure.reason == reason
    assert failure.code.name == documented.code
    if documented.always:
        assert set(failure.metadata) == documented.keys
    else:
        assert set(failure.metadata) <= documented.keys
    assert all(failure.metadata.values())
    assert failure.message


def test_every_reason_that_the_code_has_is_provoked_here() -> None:
    """And every one of them is a value of the contract."""
    assert reasons_in_code() == set(PROVOKED)
    assert reasons_in_code() <= {
        name.removeprefix("ERROR_REASON_") for name, _ in error_pb2.ErrorReason.items()
    }


# What else is promised of some of them


async def test_a_fault_of_the_service_tells_nothing_of_itself(stage: Stage) -> None:
    """Neither table nor SQL nor exception leaves; the log has it, under the correlation id of the call."""
    await stage.sql.execute("ALTER TABLE order_items DROP COLUMN price_nanos CASCADE")
    with capture_logs() as logged:
        call = stage.api.orders.CreateOrder(create_order(), metadata=(("x-wms-correlation-id", "C-9"),))
        failure = await failing(call)
    for word in ("price_nanos", "order_items", "column", "asyncpg", "Traceback", "INSERT"):
        assert word not in repr(failure) + str(await call.trailing_metadata())
    (line,) = [one for one in logged if one["event"] == "call_broke"]
    assert (line["error_id"], line["correlation_id"]) == (failure.metadata["errorId"], "C-9")


async def test_a_server_whose_database_went_away_comes_back_by_itself(stage: Stage) -> None:
    """Unready and UNAVAILABLE meanwhile; within seconds of its return ready and right again."""
    async with (
        open_proxy(stage.url) as proxy,
        open_api(proxy.url, readiness_interval=timedelta(milliseconds=50)) as api,
    ):
        order = await created(api)
        await proxy.cut()
        read_call = orders_pb2.GetOrderRequest(order_id=order.order_id)
        for call in (api.orders.GetOrder(read_call), api.orders.CreateOrder(create_order(order_id="LOST"))):
            failure = await failing(call)
            assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")

        async def unready() -> bool:
            return not await is_ready(api.channel)

        await eventually(unready)
        assert await is_ready(api.channel, "liveness")
        await proxy.heal()
        await eventually(lambda: is_ready(api.channel), within=5)
        assert await read(api, order.order_id) == order
        await created(api, order_id="LOST")


async def test_health_is_answered_by_a_server_at_its_limit_for_every_service(stage: Stage) -> None:
    """Calls are refused, probes are spared."""
    order = await created(stage.api)
    async with open_api(stage.url, max_in_flight=2) as api, order_locked(stage.sql, order.order_id):
        held = [
            asyncio.ensure_future(_awaited(api.orders.ValidateOrder(_validate(order.order_id))))
            for _ in range(2)
        ]
        await eventually(lambda: _is_overloaded(api))
        for _ in range(3):
            assert (await failing(api.storage.GetStock(storage_pb2.GetStockRequest()))).reason == "OVERLOADED"
            assert await is_ready(api.channel, ORDERS)
    for call in held:
        call.cancel()


async def _is_overloaded(api: Api) -> bool:
    call = api.storage.GetStock(storage_pb2.GetStockRequest())
    return await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_call_that_was_at_work_when_its_deadline_passed_is_finished(stage: Stage) -> None:
    """The caller is told that the outcome is unknown; the same request id shows what it was."""
    order = await created(stage.api)
    request = orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="V-1")
    async with open_api(stage.url, deadline_cap=timedelta(milliseconds=200)) as api:
        async with order_locked(stage.sql, order.order_id):
            failure = await failing(api.orders.ValidateOrder(request))
            assert failure.reason == "DEADLINE_EXCEEDED"
            assert status_of(await read(api, order.order_id)) is OrderStatus.RECEIVED

        async def validated() -> bool:
            return status_of(await read(api, order.order_id)) is OrderStatus.VALIDATED

        await eventually(validated)
    replayed = (await stage.api.orders.ValidateOrder(request)).order
    assert replayed == await read(stage.api, order.order_id)


async def test_a_call_whose_caller_has_left_is_finished(stage: Stage) -> None:
    """A client's own deadline ends its wait, not the change that was begun."""
    order = await created(stage.api)
    async with order_locked(stage.sql, order.order_id):
        call = stage.api.orders.ValidateOrder(_validate(order.order_id), timeout=0.3)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until_waiting(stage.sql)

    async def validated() -> bool:
        return status_of(await read(stage.api, order.order_id)) is OrderStatus.VALIDATED

    await eventually(validated)


async def test_a_call_whose_deadline_passed_before_its_work_began_is_not_done(stage: Stage) -> None:
    """It waited for the only connection; when it gets that, nobody waits for its answer any more."""
    first, second = await created(stage.api), await created(stage.api)
    async with open_api(stage.url, deadline_cap=timedelta(milliseconds=300), database_pool_size=1) as api:
        async with order_locked(stage.sql, first.order_id):
            one = asyncio.ensure_future(failing(api.orders.ValidateOrder(_validate(first.order_id))))
            await until_waiting(stage.sql)
            two = await failing(api.orders.ValidateOrder(_validate(second.order_id)))
            assert (two.reason, (await one).reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")

        async def first_is_done() -> bool:
            return status_of(await read(stage.api, first.order_id)) is OrderStatus.VALIDATED

        await eventually(first_is_done)
        # This one waits behind the second for the connection, so the second has had its turn.
        await eventually(lambda: _answered(api, first.order_id))
        assert status_of(await read(stage.api, second.order_id)) is OrderStatus.RECEIVED


async def _answered(api: Api, order_id: str) -> bool:
    call = api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))
    return await call.code() is grpc.StatusCode.OK


async def test_an_event_that_is_too_large_hurts_only_its_own_change(stage: Stage) -> None:
    """In a batch its element; of an update the update; the order stays as it was."""
    big = [item("S" * 200) for _ in range(5)]
    async with open_api(stage.url, event_max_bytes=1_000) as api:
        requests = [create_order(order_id="S-1"), create_order(order_id="S-2", items=big)]
        answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
        assert answer.results[0].order.order_id == "S-1"
        assert failure_of(answer.results[1].status).reason == "EVENT_TOO_LARGE"
        order = await read(api, "S-1")
        update = orders_pb2.UpdateOrderRequest(order_id="S-1")
        update.order.items.extend(big)
        assert (await failing(api.orders.UpdateOrder(update))).reason == "EVENT_TOO_LARGE"
        assert await read(api, "S-1") == order
        assert (await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="S-2")))).reason == (
            "ORDER_NOT_FOUND"
        )


async def test_a_pause_everywhere_names_no_warehouse_and_one_without_end_no_time(stage: Stage) -> None:
    """What is empty is left out, as a client reads a missing key."""
    assert (await _paused(stage, "")).metadata == {"pauseReason": "stocktaking"}


@pytest.mark.parametrize("streams", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
async def test_a_call_of_a_newer_contract_is_told_so_with_its_correlation_id(
    stage: Stage, streams: str
) -> None:
    """So that its caller can tell it from a call that broke, whichever way it streams."""
    method = getattr(stage.api.channel, streams)(f"/{ORDERS}/SplitOrder")
    metadata = (("x-wms-correlation-id", "C-1"),)
    call = method(iter((b"",)) if streams.startswith("stream") else b"", metadata=metadata)
    failure = await failing(call if streams.endswith("unary") else call.read())
    assert (failure.reason, failure.metadata) == ("NOT_IMPLEMENTED", {"method": "SplitOrder"})
    assert dict(await call.trailing_metadata())["x-wms-correlation-id"] == "C-1"


async def test_a_call_of_another_package_is_none_of_ours(stage: Stage) -> None:
    """It gets what gRPC says of methods that nobody serves."""
    method: Any = stage.api.channel.unary_unary("/grpc.testing.TestService/EmptyCall")
    with pytest.raises(grpc.aio.AioRpcError, match="Method not found") as caught:
        await method(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

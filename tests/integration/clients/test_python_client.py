"""Features of the Python client beyond the conformance cases of all clients (clients/conformance)."""

import asyncio
from contextlib import aclosing

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from tests.support.builders.orders import place_order
from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import Api
from tests.support.waiting import eventually

from wms.orders.v1 import error_pb2, orders_pb2
from wms_client import OrdersError, connect
from wms_client.calls import with_request_id
from wms_dev.conformance.fault_proxy import FAULT_HEADER, FaultProxy


def test_a_request_id_is_set_on_a_copy() -> None:
    """The caller may reuse the message for another request."""
    request = create_order()
    first, second = with_request_id(request), with_request_id(request)
    assert request.request_id == ""
    assert len({first.request_id, second.request_id, ""}) == 3
    first.request_id = ""
    assert first == request


def test_an_existing_request_id_is_kept_and_reads_get_none() -> None:
    """Both requests are sent unchanged."""
    own = create_order(request_id="R-1")
    read = orders_pb2.GetOrderRequest(order_id="ORD-1")
    assert with_request_id(own) is own
    assert with_request_id(read) is read


def _error(*details: ErrorInfo, trailer: bytes | None = None) -> OrdersError:
    status = Status(code=5)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    value = status.SerializeToString() if trailer is None else trailer
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", value))
    return OrdersError(grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), trailers, "gone"))


def test_an_unknown_reason_keeps_its_name() -> None:
    """Its enum value is UNSPECIFIED."""
    error = _error(ErrorInfo(domain="wms.orders", reason="MOON_NOT_FOUND", metadata={"moonId": "1"}))
    assert (error.reason, error.reason_name) == (error_pb2.ERROR_REASON_UNSPECIFIED, "MOON_NOT_FOUND")
    assert error.metadata == {"moonId": "1"}
    assert str(error) == "NOT_FOUND MOON_NOT_FOUND: gone"


@pytest.mark.parametrize("trailer", [None, b"\xff\xff"], ids=["of another service", "broken"])
def test_foreign_error_details_are_not_a_reason(trailer: bytes | None) -> None:
    """Only the gRPC code is available."""
    error = _error(ErrorInfo(domain="example.com", reason="ORDER_NOT_FOUND"), trailer=trailer)
    assert (error.code(), error.reason, error.reason_name) == (grpc.StatusCode.NOT_FOUND, 0, "")
    assert (error.metadata, error.violations, error.retry_after) == ({}, (), None)


async def test_an_error_is_a_grpc_error(api: Api) -> None:
    """Existing handlers of AioRpcError catch it."""
    async with connect(api.address) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone"))
    assert isinstance(caught.value, OrdersError)
    assert caught.value.reason == error_pb2.ERROR_REASON_ORDER_NOT_FOUND


async def test_the_metadata_of_a_response_is_readable(api: Api) -> None:
    """For example the correlation id of a successful call."""
    async with connect(api.address) as client:
        call = client.orders.CreateOrder(create_order(), metadata=((FAULT_HEADER, "C-7"),))
        assert (await call).order.order_id
        assert (FAULT_HEADER, "C-7") in tuple(await call.trailing_metadata())


async def test_a_silent_watch_is_restarted(api: Api) -> None:
    """A connection may be dead without being closed."""
    async with FaultProxy(api.address) as proxy, connect(proxy.target) as client:
        header = "hang-0.silent"
        stream = client.watch_orders(
            orders_pb2.WatchOrdersRequest(), silence=0.1, metadata=((FAULT_HEADER, header),)
        )

        async def listen() -> None:
            async for _ in stream:
                pass

        listening = asyncio.ensure_future(listen())
        await eventually(lambda: _has_repeated(proxy, header))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _has_repeated(proxy: FaultProxy, header: str) -> bool:
    return proxy.count_calls(header) >= 3


async def test_leaving_a_watch_ends_its_stream(api: Api) -> None:
    """No stream stays open on the connection."""
    order = await place_order(api)
    async with connect(api.address) as client:
        request = orders_pb2.WatchOrdersRequest(order_ids=[order.order_id], position=0)
        async with aclosing(client.watch_orders(request)) as events:
            async for event in events:
                assert event.order_id == order.order_id
                break
        # The connection is usable for another call.
        await client.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order.order_id))

"""What the Python client does beyond the cases that all clients are held to (clients/conformance)."""

import asyncio
from contextlib import aclosing

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from tests.support.api import Api
from tests.support.orders import created
from tests.support.requests import create_order
from tests.support.waiting import eventually
from wms.orders.v1 import error_pb2, orders_pb2
from wms_client import OrdersError, connect
from wms_client.calls import with_request_id
from wms_dev.conformance.fault_proxy import HEADER, FaultProxy


def test_an_id_is_put_into_a_copy() -> None:
    """The caller's message may be the pattern for another request."""
    request = create_order()
    first, second = with_request_id(request), with_request_id(request)
    assert request.request_id == ""
    assert len({first.request_id, second.request_id, ""}) == 3
    first.request_id = ""
    assert first == request


def test_the_callers_own_id_stays_and_reads_get_none() -> None:
    """Both are sent as they are."""
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


def test_a_reason_newer_than_the_client_keeps_its_name() -> None:
    """The value is the unspecified one then."""
    error = _error(ErrorInfo(domain="wms.orders", reason="MOON_NOT_FOUND", metadata={"moonId": "1"}))
    assert (error.reason, error.reason_name) == (error_pb2.ERROR_REASON_UNSPECIFIED, "MOON_NOT_FOUND")
    assert error.metadata == {"moonId": "1"}
    assert str(error) == "NOT_FOUND MOON_NOT_FOUND: gone"


@pytest.mark.parametrize("trailer", [None, b"\xff\xff"], ids=["of another service", "broken"])
def test_details_that_are_not_ours_are_no_reason(trailer: bytes | None) -> None:
    """The gRPC code is all that is known then."""
    error = _error(ErrorInfo(domain="example.com", reason="ORDER_NOT_FOUND"), trailer=trailer)
    assert (error.code(), error.reason, error.reason_name) == (grpc.StatusCode.NOT_FOUND, 0, "")
    assert (error.metadata, error.violations, error.retry_after) == ({}, (), None)


async def test_an_error_is_still_one_of_grpc(api: Api) -> None:
    """Who catches AioRpcError sees no difference."""
    async with connect(api.address) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="gone"))
    assert isinstance(caught.value, OrdersError)
    assert caught.value.reason == error_pb2.ERROR_REASON_ORDER_NOT_FOUND


async def test_the_metadata_of_an_answer_can_be_read(api: Api) -> None:
    """The correlation id of a call that went well, for example."""
    async with connect(api.address) as client:
        call = client.orders.CreateOrder(create_order(), metadata=((HEADER, "C-7"),))
        assert (await call).order.order_id
        assert (HEADER, "C-7") in tuple(await call.trailing_metadata())


async def test_a_watch_that_hears_nothing_is_begun_anew(api: Api) -> None:
    """A connection may be dead without an end."""
    async with FaultProxy(api.address) as proxy, connect(proxy.target) as client:
        header = "hang-0.silent"
        stream = client.watch_orders(
            orders_pb2.WatchOrdersRequest(), silence=0.1, metadata=((HEADER, header),)
        )

        async def listen() -> None:
            async for _ in stream:
                pass

        listening = asyncio.ensure_future(listen())
        await eventually(lambda: _many(proxy, header))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _many(proxy: FaultProxy, header: str) -> bool:
    return proxy.seen(header) >= 3


async def test_a_watch_that_is_left_ends_its_stream(api: Api) -> None:
    """Nothing stays behind on the connection."""
    order = await created(api)
    async with connect(api.address) as client:
        request = orders_pb2.WatchOrdersRequest(order_ids=[order.order_id], position=0)
        async with aclosing(client.watch_orders(request)) as events:
            async for event in events:
                assert event.order_id == order.order_id
                break
        # The connection is good for another call.
        await client.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order.order_id))

"""A watch that goes on by itself after a break."""

import asyncio
from collections.abc import AsyncGenerator
from random import uniform
from typing import TYPE_CHECKING

import grpc

from wms.orders.v1 import event_pb2, orders_pb2
from wms_client.errors import OrdersError
from wms_client.policy import default_backoff

if TYPE_CHECKING:
    from wms.orders.v1.orders_pb2_grpc import OrderServiceAsyncStub

#: The server sends a sign of life every few seconds; after so many without any the stream counts as broken.
SILENCE = 30.0
#: Away for a while, or this watcher was slow: from the last position on all is well again.
RESUMED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})

Metadata = tuple[tuple[str, str | bytes], ...]


async def watch_orders(
    orders: "OrderServiceAsyncStub",
    request: orders_pb2.WatchOrdersRequest,
    *,
    silence: float = SILENCE,
    metadata: Metadata = (),
) -> AsyncGenerator[event_pb2.Event, None]:
    """Give the events that the request asks for, each once and in order, without an end.

    After a break it goes on behind the last position that was seen, with growing waits between attempts that
    bring nothing. Raises OrdersError for what another attempt would not mend, such as POSITION_NOT_KEPT.
    """
    wanted = orders_pb2.WatchOrdersRequest()
    wanted.CopyFrom(request)
    backoff, failures = default_backoff(), 0
    while True:
        call = orders.WatchOrders(wanted, metadata=metadata)
        try:
            while (message := await _next(call, silence)) is not None:
                failures = 0
                if message.HasField("event"):
                    wanted.position = message.event.position
                    yield message.event
                else:
                    wanted.position = message.heartbeat.position
        except grpc.aio.AioRpcError as error:
            if error.code() not in RESUMED:
                raise OrdersError(error) from None
        except TimeoutError:
            pass
        finally:
            call.cancel()
        failures += 1
        await asyncio.sleep(backoff.before(failures) * uniform(0.8, 1.2))  # noqa: S311 # spreads the load only


async def _next(
    call: "grpc.aio.UnaryStreamCall[orders_pb2.WatchOrdersRequest, orders_pb2.WatchOrdersResponse]",
    silence: float,
) -> orders_pb2.WatchOrdersResponse | None:
    """The next message, None at the end of the stream; raises TimeoutError when none comes."""
    async with asyncio.timeout(silence):
        message = await call.read()
    return message if isinstance(message, orders_pb2.WatchOrdersResponse) else None

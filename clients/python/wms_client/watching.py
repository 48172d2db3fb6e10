"""A subscription to events that resumes after a lost connection."""

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

#: The server sends a heartbeat every few seconds; a stream that is silent for this time is broken.
SILENCE = 30.0
#: The server was unavailable, or this subscriber was too slow; the watch resumes after the last position.
RESUMED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})

Metadata = tuple[tuple[str, str | bytes], ...]


async def watch_orders(
    orders: "OrderServiceAsyncStub",
    request: orders_pb2.WatchOrdersRequest,
    *,
    silence: float = SILENCE,
    metadata: Metadata = (),
) -> AsyncGenerator[event_pb2.Event, None]:
    """Yield the events that match the request, each once and in order, without an end.

    After a lost connection the watch resumes after the last seen position, with backoff between failed
    attempts. `silence` is the timeout of a silent stream in seconds.

    Raises:
        OrdersError: an error that a retry does not change, such as POSITION_NOT_KEPT.
    """
    resumable_request = orders_pb2.WatchOrdersRequest()
    resumable_request.CopyFrom(request)
    backoff, failures = default_backoff(), 0
    while True:
        call = orders.WatchOrders(resumable_request, metadata=metadata)
        try:
            while (message := await _read_message(call, silence)) is not None:
                failures = 0
                if message.HasField("event"):
                    resumable_request.position = message.event.position
                    yield message.event
                else:
                    resumable_request.position = message.heartbeat.position
        except grpc.aio.AioRpcError as error:
            if error.code() not in RESUMED:
                raise OrdersError(error) from None
        except TimeoutError:
            pass
        finally:
            call.cancel()
        failures += 1
        await asyncio.sleep(backoff.before(failures) * uniform(0.8, 1.2))  # noqa: S311 # jitter, not security


async def _read_message(
    call: "grpc.aio.UnaryStreamCall[orders_pb2.WatchOrdersRequest, orders_pb2.WatchOrdersResponse]",
    silence: float,
) -> orders_pb2.WatchOrdersResponse | None:
    """Return the next message, None at the end of the stream. Raises TimeoutError after `silence` seconds."""
    async with asyncio.timeout(silence):
        message = await call.read()
    return message if isinstance(message, orders_pb2.WatchOrdersResponse) else None

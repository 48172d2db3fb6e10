"""A connection to a server, with the stubs of the five services."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from wms.orders.v1 import event_pb2, orders_pb2
from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceStub
from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceStub
from wms.orders.v1.orders_pb2_grpc import OrderServiceStub
from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceStub
from wms.orders.v1.storage_pb2_grpc import StorageServiceStub
from wms_client.calls import Unary
from wms_client.policy import service_config
from wms_client.watching import SILENCE, Metadata, watch_orders

if TYPE_CHECKING:
    # These names exist only in the type stubs.
    from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceAsyncStub
    from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceAsyncStub
    from wms.orders.v1.orders_pb2_grpc import OrderServiceAsyncStub
    from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceAsyncStub
    from wms.orders.v1.storage_pb2_grpc import StorageServiceAsyncStub

#: A batch of orders with 500 lines exceeds the 4 MiB that gRPC accepts by default.
ANSWER_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Client:
    """The services. Calls raise OrdersError; retries and deadlines follow the service config."""

    channel: grpc.aio.Channel
    orders: "OrderServiceAsyncStub"
    reprocessing: "ReprocessingServiceAsyncStub"
    dead_letters: "DeadLetterQueueServiceAsyncStub"
    storage: "StorageServiceAsyncStub"
    fulfillment: "FulfillmentServiceAsyncStub"

    def watch_orders(
        self, request: orders_pb2.WatchOrdersRequest, *, silence: float = SILENCE, metadata: Metadata = ()
    ) -> AsyncGenerator[event_pb2.Event, None]:
        """Yield events, also after lost connections; see `wms_client.watch_orders`."""
        return watch_orders(self.orders, request, silence=silence, metadata=metadata)


@asynccontextmanager
async def connect(
    address: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: Sequence[tuple[str, Any]] = (),
) -> AsyncIterator[Client]:
    """Yield a client of the server at `host:port`, closed at the end; without credentials it uses no TLS.

    It connects at the first call. `options` are gRPC channel arguments, which override those of the client.
    """
    arguments = [
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", ANSWER_LIMIT),
        *options,
    ]
    channel = (
        grpc.aio.secure_channel(address, credentials, options=arguments, interceptors=[Unary()])
        if credentials
        else grpc.aio.insecure_channel(address, options=arguments, interceptors=[Unary()])
    )
    async with channel:
        stubs: list[Any] = [
            kind(channel)
            for kind in (
                OrderServiceStub,
                ReprocessingServiceStub,
                DeadLetterQueueServiceStub,
                StorageServiceStub,
                FulfillmentServiceStub,
            )
        ]
        yield Client(channel, *stubs)

"""A connection to the service, and its five services on it."""

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
    # These names are in the stubs only.
    from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceAsyncStub
    from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceAsyncStub
    from wms.orders.v1.orders_pb2_grpc import OrderServiceAsyncStub
    from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceAsyncStub
    from wms.orders.v1.storage_pb2_grpc import StorageServiceAsyncStub

#: An order of 500 lines and a batch of them are larger than the 4 MiB that gRPC takes by default.
ANSWER_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Client:
    """The services; calls raise OrdersError, are retried and end as the contract's service config says."""

    channel: grpc.aio.Channel
    orders: "OrderServiceAsyncStub"
    reprocessing: "ReprocessingServiceAsyncStub"
    dead_letters: "DeadLetterQueueServiceAsyncStub"
    storage: "StorageServiceAsyncStub"
    fulfillment: "FulfillmentServiceAsyncStub"

    def watch_orders(
        self, request: orders_pb2.WatchOrdersRequest, *, silence: float = SILENCE, metadata: Metadata = ()
    ) -> AsyncGenerator[event_pb2.Event, None]:
        """Follow events, also over breaks; see `wms_client.watch_orders`."""
        return watch_orders(self.orders, request, silence=silence, metadata=metadata)


@asynccontextmanager
async def connect(
    address: str,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: Sequence[tuple[str, Any]] = (),
) -> AsyncIterator[Client]:
    """Give a client of the service at `host:port`, closed at the end; plain text without credentials.

    Nothing is sent before the first call. `options` are gRPC's channel arguments, and go before ours.
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

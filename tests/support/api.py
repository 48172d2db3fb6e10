"""A server inside the test and a client of it that speaks gRPC over loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.sdk.trace.export import SpanExporter
from pydantic import SecretStr

from tests.support.waiting import eventually
from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceStub
from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceStub
from wms.orders.v1.orders_pb2_grpc import OrderServiceStub
from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceStub
from wms.orders.v1.storage_pb2_grpc import StorageServiceStub
from wms_dev.ports import free_port
from wms_server.app import open_application
from wms_server.settings import ServerSettings

if TYPE_CHECKING:
    # These names are in the stubs only.
    from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceAsyncStub
    from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceAsyncStub
    from wms.orders.v1.orders_pb2_grpc import OrderServiceAsyncStub
    from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceAsyncStub
    from wms.orders.v1.storage_pb2_grpc import StorageServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Api:
    """The services, as a client sees them."""

    channel: grpc.aio.Channel
    address: str
    orders: "OrderServiceAsyncStub"
    reprocessing: "ReprocessingServiceAsyncStub"
    dead_letters: "DeadLetterQueueServiceAsyncStub"
    storage: "StorageServiceAsyncStub"
    fulfillment: "FulfillmentServiceAsyncStub"


def client(channel: grpc.aio.Channel, address: str) -> Api:
    """Give the stubs on a channel."""
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
    return Api(channel, address, *stubs)


@asynccontextmanager
async def open_api(
    database_url: str, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[Api]:
    """Run a server with these settings in this process until the end, and give a client of it.

    It is traced when the test says where spans go.
    """
    address = f"127.0.0.1:{free_port()}"
    chosen = {
        "server_addr": address,
        "http_addr": "",
        "tracing_enabled": exporter is not None,
        # A call that a test holds up waits until the test lets it go on.
        "database_lock_timeout": timedelta(minutes=1),
        **settings,
    }
    server = ServerSettings(database_url=SecretStr(database_url), **chosen)
    async with open_application(server, exporter), grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        api = client(channel, address)
        await eventually(lambda: is_ready(channel))
        yield api


async def is_ready(channel: grpc.aio.Channel, service: str = "") -> bool:
    """Say whether the health service calls a service serving; False when it can't be asked."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    try:
        # The stubs of this package do not know the methods of a stub.
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

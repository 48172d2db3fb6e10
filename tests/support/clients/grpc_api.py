"""A server in the process of the test, and a gRPC client of it over loopback."""

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
from wms_dev.free_port import find_free_port
from wms_server.app import open_application
from wms_server.settings import ServerSettings

if TYPE_CHECKING:
    # These names exist only in the type stubs.
    from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceAsyncStub
    from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceAsyncStub
    from wms.orders.v1.orders_pb2_grpc import OrderServiceAsyncStub
    from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceAsyncStub
    from wms.orders.v1.storage_pb2_grpc import StorageServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Api:
    """Stubs of all services on one channel."""

    channel: grpc.aio.Channel
    address: str
    orders: "OrderServiceAsyncStub"
    reprocessing: "ReprocessingServiceAsyncStub"
    dead_letters: "DeadLetterQueueServiceAsyncStub"
    storage: "StorageServiceAsyncStub"
    fulfillment: "FulfillmentServiceAsyncStub"


def client(channel: grpc.aio.Channel, address: str) -> Api:
    """Return the stubs on a channel."""
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
    """Run a server with these settings in this process during the block. Yield a client of it.

    Tracing is enabled if there is an exporter.
    """
    address = f"127.0.0.1:{find_free_port()}"
    values = {
        "server_addr": address,
        "http_addr": "",
        "tracing_enabled": exporter is not None,
        # A call that a test blocks by a lock must wait until the test releases it.
        "database_lock_timeout": timedelta(minutes=1),
        **settings,
    }
    server = ServerSettings(database_url=SecretStr(database_url), **values)
    async with open_application(server, exporter), grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        api = client(channel, address)
        await eventually(lambda: is_ready(channel))
        yield api


async def is_ready(channel: grpc.aio.Channel, service: str = "") -> bool:
    """Return whether the health service reports SERVING; False if the call fails."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    try:
        # The type stubs of this package lack the methods of the gRPC stub.
        stub: Any = health_pb2_grpc.HealthStub(channel)
        response = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    except grpc.aio.AioRpcError:
        return False
    return bool(response.status == health_pb2.HealthCheckResponse.SERVING)

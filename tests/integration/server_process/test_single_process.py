"""The server as a process: start, rejected configurations, reflection and health."""

import socket

import asyncpg
import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.support.builders.requests import create_order
from tests.support.processes.processes import Process, Processes, open_client
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres

SERVICES = {
    "wms.orders.v1.OrderService",
    "wms.orders.v1.ReprocessingService",
    "wms.orders.v1.DeadLetterQueueService",
    "wms.orders.v1.StorageService",
    "wms.orders.v1.FulfillmentService",
}


def _sync_channel(process: Process) -> grpc.Channel:
    return grpc.insecure_channel(process.address)


async def test_a_server_starts_with_an_empty_database(processes: Processes, empty_database_url: str) -> None:
    """It runs the migrations, creates the default warehouse, and accepts orders."""
    server = processes.server(empty_database_url)
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        created = (await api.orders.CreateOrder(create_order())).order
        assert created.warehouse_id == "WH-01"
    assert await server.terminate_and_wait() == 0


async def test_two_servers_start_concurrently_on_an_empty_database(
    processes: Processes, empty_database_url: str
) -> None:
    """One of them runs the migrations."""
    servers = [processes.server(empty_database_url) for _ in range(2)]
    for server in servers:
        await server.wait_until_serving()
    has_migrated = [
        bool(entry["applied"]) for server in servers for entry in server.find_log_entries("schema_ready")
    ]
    assert sorted(has_migrated) == [False, True]


async def test_a_second_server_on_the_same_port_exits(processes: Processes, database_url: str) -> None:
    """It logs the variable. The first server continues."""
    first = processes.server(database_url)
    await first.wait_until_serving()
    second = processes.server(database_url, first.address)
    assert await second.wait_for_exit() == 1
    assert "SERVER_ADDR" in second.output_text
    assert "Traceback" not in second.output_text
    assert await first.is_serving()


async def test_a_port_of_another_process_is_reported(processes: Processes, database_url: str) -> None:
    """Also when that process is not a gRPC server."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = processes.server(database_url, f"127.0.0.1:{listener.getsockname()[1]}")
        assert await server.wait_for_exit() == 1
    assert "SERVER_ADDR" in server.output_text
    assert "Traceback" not in server.output_text


# Invalid configuration


@pytest.mark.parametrize("command", ["server", "worker", "migrate"])
async def test_a_missing_database_url_is_reported(processes: Processes, command: str) -> None:
    """In one line, with a non-zero exit code."""
    process: Process = getattr(processes, command)(None)
    assert await process.wait_for_exit() == 1
    assert "DATABASE_URL" in process.output_text
    assert "Traceback" not in process.output_text


_NO_URLS = (
    "",
    "nonsense",
    "mysql://root:s3cret@localhost/db",
    "postgresql://user:s3cret@localhost:port/db",
    "postgresql://localhost/db?sslmode=maybe",
)


@pytest.mark.parametrize(
    ("command", "url"),
    [
        *(("server", url) for url in _NO_URLS),
        *((command, _NO_URLS[number]) for command in ("worker", "migrate") for number in (2, 4)),
    ],
)
async def test_an_invalid_database_url_is_reported(processes: Processes, command: str, url: str) -> None:
    """Without a traceback, and without its password."""
    process: Process = getattr(processes, command)(url)
    assert await process.wait_for_exit() == 1
    assert "DATABASE_URL" in process.output_text
    assert "Traceback" not in process.output_text
    assert "s3cret" not in process.output_text


@pytest.mark.parametrize("wrong", ["password", "database", "user"])
async def test_a_database_that_rejects_the_migration_user_is_reported(
    processes: Processes, postgres: str, wrong: str
) -> None:
    """The migrate command exits. Server and worker wait (`database/test_refusals.py`)."""
    credentials, location = postgres.removeprefix("postgresql://").split("@")
    user, password = credentials.split(":")
    url = {
        "password": f"postgresql://{user}:s3cret@{location}",
        "database": f"{postgres.rsplit('/', 1)[0]}/nowhere",
        "user": f"postgresql://stranger:{password}@{location}",
    }[wrong]
    process = processes.migrate(url)
    assert await process.wait_for_exit() == 1
    assert "DATABASE_URL" in process.output_text
    assert "Traceback" not in process.output_text
    assert "s3cret" not in process.output_text
    assert password not in process.output_text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SERVER_ADDR", "nowhere"),
        ("SERVER_ADDR", "127.0.0.1:99999"),
        ("REFLECTION_ENABLED", "perhaps"),
        ("DRAIN_GRACE", "soon"),
        ("MAX_IN_FLIGHT", "0"),
        ("RETRY_BASE", "-15m"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DEFAULT_WAREHOUSE_ID", "no such id"),
    ],
)
async def test_an_invalid_variable_is_reported(
    processes: Processes, database_url: str, variable: str, value: str
) -> None:
    """In one line, without a traceback."""
    settings = {variable.lower(): value}
    server = processes.server(database_url, settings.pop("server_addr", ""), **settings)
    assert await server.wait_for_exit() == 1
    assert variable in server.output_text
    assert "Traceback" not in server.output_text


async def test_all_invalid_variables_are_reported_together(processes: Processes) -> None:
    """One start reports all five errors."""
    server = processes.server(None, drain_grace="soon", log_level="loud")
    assert await server.wait_for_exit() == 1
    assert all(name in server.output_text for name in ("DATABASE_URL", "DRAIN_GRACE", "LOG_LEVEL"))


async def test_a_server_rejects_a_schema_of_a_later_version(processes: Processes, database_url: str) -> None:
    """It does not change the schema, and reports its version."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    finally:
        await connection.close()
    server = processes.server(database_url)
    assert await server.wait_for_exit() == 1
    assert "9999" in server.output_text
    assert "Traceback" not in server.output_text


# Reflection, channelz and health


async def test_reflection_lists_the_services(processes: Processes, database_url: str) -> None:
    """By default, so that grpcurl needs no protos. Each service has its messages."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    with _sync_channel(server) as channel:
        reflected = ProtoReflectionDescriptorDatabase(channel)
        assert set(reflected.get_services()) >= SERVICES | {"grpc.health.v1.Health"}
        pool = DescriptorPool(reflected)
        service = pool.FindServiceByName("wms.orders.v1.OrderService")
        assert service.methods_by_name["CreateOrder"].input_type.fields_by_name["customer_id"].number == 1


async def test_reflection_can_be_disabled(processes: Processes, database_url: str) -> None:
    """With REFLECTION_ENABLED=false."""
    server = processes.server(database_url, reflection_enabled="false")
    await server.wait_until_serving()
    with _sync_channel(server) as channel, pytest.raises(grpc.RpcError) as caught:
        list(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("enabled", [False, True])
async def test_channelz_is_disabled_by_default(
    processes: Processes, database_url: str, enabled: bool
) -> None:
    """CHANNELZ_ENABLED=true shows channels and sockets. Otherwise the service does not exist."""
    server = processes.server(database_url, **({"channelz_enabled": "true"} if enabled else {}))
    await server.wait_until_serving()
    with _sync_channel(server) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        request = channelz_pb2.GetServersRequest(start_server_id=0)
        if enabled:
            assert stub.GetServers(request, timeout=5).server
            return
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetServers(request, timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_health_covers_each_known_service(processes: Processes, database_url: str) -> None:
    """The empty name, every service and `liveness` are serving. Another name is not found."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    for service in ("", "liveness", *SERVICES):
        await server.wait_until_serving(service, within=2)
    assert not await server.is_serving("wms.orders.v1.NoService")


async def test_an_order_survives_its_server(processes: Processes, database_url: str) -> None:
    """The next server has acknowledged orders, also after a kill."""
    first = processes.server(database_url)
    await first.wait_until_serving()
    async with open_client(first.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    first.kill_if_running()
    second = processes.server(database_url, first.address)
    await second.wait_until_serving()
    async with open_client(second.address) as api:
        assert (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order.order_id

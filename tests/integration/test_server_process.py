"""The server as a process of its own: how it starts, what it refuses, what it tells of itself."""

import socket

import asyncpg
import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.support.processes import Process, Processes, open_client
from tests.support.requests import create_order
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


async def test_a_server_starts_with_nothing_but_its_database(
    processes: Processes, empty_database_url: str
) -> None:
    """It brings an empty database up to date, makes the default warehouse, and takes orders."""
    server = processes.server(empty_database_url)
    await server.serving()
    async with open_client(server.address) as api:
        created = (await api.orders.CreateOrder(create_order())).order
        assert created.warehouse_id == "WH-01"
    assert await server.stopped() == 0


async def test_two_servers_start_at_once_on_an_empty_database(
    processes: Processes, empty_database_url: str
) -> None:
    """Both come up; one of them has made the schema."""
    servers = [processes.server(empty_database_url) for _ in range(2)]
    for server in servers:
        await server.serving()
    made = [bool(entry["applied"]) for server in servers for entry in server.said("schema_ready")]
    assert sorted(made) == [False, True]


async def test_a_second_server_on_the_same_port_says_so(processes: Processes, database_url: str) -> None:
    """It names the variable and ends; the first one goes on."""
    first = processes.server(database_url)
    await first.serving()
    second = processes.server(database_url, first.address)
    assert await second.ended() == 1
    assert "SERVER_ADDR" in second.text
    assert "Traceback" not in second.text
    assert await first.is_serving()


async def test_a_port_that_somebody_else_has_is_named(processes: Processes, database_url: str) -> None:
    """Also when no gRPC server holds it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = processes.server(database_url, f"127.0.0.1:{taken.getsockname()[1]}")
        assert await server.ended() == 1
    assert "SERVER_ADDR" in server.text
    assert "Traceback" not in server.text


# Wrong configuration


@pytest.mark.parametrize("command", ["server", "worker", "migrate"])
async def test_a_missing_database_url_is_named(processes: Processes, command: str) -> None:
    """One line says what is missing; the exit code says that it failed."""
    process: Process = getattr(processes, command)(None)
    assert await process.ended() == 1
    assert "DATABASE_URL" in process.text
    assert "Traceback" not in process.text


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
async def test_a_database_url_that_is_none_is_named(processes: Processes, command: str, url: str) -> None:
    """Without a traceback, and without the secret in it."""
    process: Process = getattr(processes, command)(url)
    assert await process.ended() == 1
    assert "DATABASE_URL" in process.text
    assert "Traceback" not in process.text
    assert "s3cret" not in process.text


@pytest.mark.parametrize("wrong", ["password", "database", "user"])
async def test_a_database_that_does_not_let_migrations_in_is_named(
    processes: Processes, postgres: str, wrong: str
) -> None:
    """The command says so and ends; server and worker wait (`test_database_refusals.py`)."""
    credentials, place = postgres.removeprefix("postgresql://").split("@")
    user, password = credentials.split(":")
    url = {
        "password": f"postgresql://{user}:s3cret@{place}",
        "database": f"{postgres.rsplit('/', 1)[0]}/nowhere",
        "user": f"postgresql://stranger:{password}@{place}",
    }[wrong]
    process = processes.migrate(url)
    assert await process.ended() == 1
    assert "DATABASE_URL" in process.text
    assert "Traceback" not in process.text
    assert "s3cret" not in process.text
    assert password not in process.text


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
async def test_a_wrong_variable_is_named(
    processes: Processes, database_url: str, variable: str, value: str
) -> None:
    """One line says which one it is; there is no traceback."""
    given = {variable.lower(): value}
    server = processes.server(database_url, given.pop("server_addr", ""), **given)
    assert await server.ended() == 1
    assert variable in server.text
    assert "Traceback" not in server.text


async def test_all_wrong_variables_are_named_at_once(processes: Processes) -> None:
    """Nobody has to start five times to learn of five mistakes."""
    server = processes.server(None, drain_grace="soon", log_level="loud")
    assert await server.ended() == 1
    assert all(name in server.text for name in ("DATABASE_URL", "DRAIN_GRACE", "LOG_LEVEL"))


async def test_a_schema_of_a_later_version_is_no_ground_to_start(
    processes: Processes, database_url: str
) -> None:
    """A server that does not know the schema leaves it alone, and says what it found."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    finally:
        await connection.close()
    server = processes.server(database_url)
    assert await server.ended() == 1
    assert "9999" in server.text
    assert "Traceback" not in server.text


# What it tells of itself


async def test_reflection_lists_the_services(processes: Processes, database_url: str) -> None:
    """By default, so that grpcurl needs no protos; each service comes with its messages."""
    server = processes.server(database_url)
    await server.serving()
    with _sync_channel(server) as channel:
        reflected = ProtoReflectionDescriptorDatabase(channel)
        assert set(reflected.get_services()) >= SERVICES | {"grpc.health.v1.Health"}
        pool = DescriptorPool(reflected)
        service = pool.FindServiceByName("wms.orders.v1.OrderService")
        assert service.methods_by_name["CreateOrder"].input_type.fields_by_name["customer_id"].number == 1


async def test_reflection_can_be_switched_off(processes: Processes, database_url: str) -> None:
    """REFLECTION_ENABLED=false takes it away."""
    server = processes.server(database_url, reflection_enabled="false")
    await server.serving()
    with _sync_channel(server) as channel, pytest.raises(grpc.RpcError) as caught:
        list(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("enabled", [False, True])
async def test_channelz_is_there_only_when_asked_for(
    processes: Processes, database_url: str, enabled: bool
) -> None:
    """CHANNELZ_ENABLED=true shows channels and sockets; without it there is no such service."""
    server = processes.server(database_url, **({"channelz_enabled": "true"} if enabled else {}))
    await server.serving()
    with _sync_channel(server) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        request = channelz_pb2.GetServersRequest(start_server_id=0)
        if enabled:
            assert stub.GetServers(request, timeout=5).server
            return
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetServers(request, timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_health_is_told_for_each_service_and_for_none_unknown(
    processes: Processes, database_url: str
) -> None:
    """The empty name, every service and `liveness` are serving; another name is not known."""
    server = processes.server(database_url)
    await server.serving()
    for service in ("", "liveness", *SERVICES):
        await server.serving(service, within=2)
    assert not await server.is_serving("wms.orders.v1.NoService")


async def test_an_order_survives_its_server(processes: Processes, database_url: str) -> None:
    """What was acknowledged is there for the next server, also after a kill."""
    first = processes.server(database_url)
    await first.serving()
    async with open_client(first.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
    first.end()
    second = processes.server(database_url, first.address)
    await second.serving()
    async with open_client(second.address) as api:
        assert (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order.order_id

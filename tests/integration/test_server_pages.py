"""What the server tells by HTTP: alive, ready, metrics."""

import socket

import httpx
import pytest

from tests.support.api import open_api
from tests.support.pages import get, metric
from tests.support.processes import Processes
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres


async def test_watchers_and_streams_are_counted(database_url: str) -> None:
    """Each by what it watches, while it does."""
    port = free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        assert await metric(port, "wms_server_watchers", stream="orders") == 0
        watches = [api.orders.WatchOrders(orders_pb2.WatchOrdersRequest()) for _ in range(3)]
        moves = api.storage.WatchMoves(storage_pb2.WatchMovesRequest(warehouse_id="WH-01"))

        async def counted() -> bool:
            orders = await metric(port, "wms_server_watchers", stream="orders")
            others = await metric(port, "wms_server_watchers", stream="moves")
            return (orders, others, await metric(port, "wms_server_streams")) == (3, 1, 4)

        await eventually(counted)
        for watch in watches:
            watch.cancel()

        async def left() -> bool:
            return await metric(port, "wms_server_watchers", stream="orders") == 0

        await eventually(left)
        moves.cancel()


async def test_a_server_is_ready_by_http_when_it_is_by_grpc(database_url: str) -> None:
    """And alive as long as it runs."""
    port = free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}"):
        assert (await get(port, "/ready"))[0] == 200
        assert (await get(port, "/health"))[0] == 200
        assert (await get(port, "/nothing"))[0] == 404


async def test_a_server_without_its_database_is_alive_and_not_ready(processes: Processes) -> None:
    """Probes tell the two apart."""
    port = free_port()
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    server = processes.server(url, http_addr=f"127.0.0.1:{port}")
    await server.serving("liveness")
    assert (await get(port, "/health"))[0] == 200
    assert (await get(port, "/ready"))[0] == 503
    assert await server.stopped() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_a_port_that_is_taken_is_named(processes: Processes, database_url: str, host: str) -> None:
    """With the variable; the server ends instead of running without its pages."""
    port = free_port()
    with socket.create_server((host, port)):
        server = processes.server(database_url, http_addr=f"{host}:{port}")
        assert await server.ended() == 1
    assert f"HTTP_ADDR={host}:{port}" in server.text


async def test_pages_are_at_an_ipv6_address(database_url: str) -> None:
    """It is written in brackets, as that of gRPC is."""
    address = f"[::1]:{free_port()}"
    async with open_api(database_url, http_addr=address), httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/health")).status_code == 200

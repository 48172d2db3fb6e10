"""Admin endpoints of the server over HTTP: liveness, readiness, metrics."""

import socket

import httpx
import pytest

from tests.support.clients.grpc_api import open_api
from tests.support.processes.admin_endpoints import get_page, read_metric
from tests.support.processes.processes import Processes
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres


async def test_subscribers_and_streams_are_counted(database_url: str) -> None:
    """By stream, while they are open."""
    port = find_free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        assert await read_metric(port, "wms_server_watchers", stream="orders") == 0
        watches = [api.orders.WatchOrders(orders_pb2.WatchOrdersRequest()) for _ in range(3)]
        moves = api.storage.WatchMoves(storage_pb2.WatchMovesRequest(warehouse_id="WH-01"))

        async def are_counted() -> bool:
            orders = await read_metric(port, "wms_server_watchers", stream="orders")
            move_subscribers = await read_metric(port, "wms_server_watchers", stream="moves")
            return (orders, move_subscribers, await read_metric(port, "wms_server_streams")) == (3, 1, 4)

        await eventually(are_counted)
        for watch in watches:
            watch.cancel()

        async def are_gone() -> bool:
            return await read_metric(port, "wms_server_watchers", stream="orders") == 0

        await eventually(are_gone)
        moves.cancel()


async def test_readiness_is_the_same_over_http_and_grpc(database_url: str) -> None:
    """The server is live as long as it runs."""
    port = find_free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}"):
        assert (await get_page(port, "/ready"))[0] == 200
        assert (await get_page(port, "/health"))[0] == 200
        assert (await get_page(port, "/nothing"))[0] == 404


async def test_a_server_without_its_database_is_live_and_not_ready(processes: Processes) -> None:
    """Probes can distinguish liveness and readiness."""
    port = find_free_port()
    url = f"postgresql://user@127.0.0.1:{find_free_port()}/none"
    server = processes.server(url, http_addr=f"127.0.0.1:{port}")
    await server.wait_until_serving("liveness")
    assert (await get_page(port, "/health"))[0] == 200
    assert (await get_page(port, "/ready"))[0] == 503
    assert await server.terminate_and_wait() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_a_port_in_use_is_reported(processes: Processes, database_url: str, host: str) -> None:
    """With its variable. The server exits instead of running without its admin endpoints."""
    port = find_free_port()
    with socket.create_server((host, port)):
        server = processes.server(database_url, http_addr=f"{host}:{port}")
        assert await server.wait_for_exit() == 1
    assert f"HTTP_ADDR={host}:{port}" in server.output_text


async def test_admin_endpoints_listen_on_an_ipv6_address(database_url: str) -> None:
    """The address is in brackets, as for gRPC."""
    address = f"[::1]:{find_free_port()}"
    async with open_api(database_url, http_addr=address), httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/health")).status_code == 200

"""Clients that open streams and do not read them: readiness, roles, drain and shutdown are not affected."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.builders.requests import create_order, item
from tests.support.clients.grpc_api import is_ready, open_api
from tests.support.clients.stalled_client import (
    HEALTH_WATCH,
    open_stalled_client,
    open_stalled_health_watches,
)
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.processes.admin_endpoints import get_page, read_metric
from tests.support.processes.processes import (
    FULFILLMENT_HEALTH,
    Processes,
    open_client,
    start_active_and_passive,
)
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

LEASE_SECONDS = 3.0


async def test_readiness_changes_while_health_watches_are_stalled(
    processes: Processes, database_url: str
) -> None:
    """Not ready while the database does not respond, then ready again, over gRPC and HTTP."""
    port = find_free_port()
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{port}", readiness_interval="100ms")
        await server.wait_until_serving()
        async with open_stalled_health_watches(server.address):
            proxy.freeze()
            await server.wait_until_not_serving(within=8)
            assert (await get_page(port, "/ready"))[0] == 503
            await proxy.heal()
            await server.wait_until_serving(within=8)
            assert (await get_page(port, "/ready"))[0] == 200


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_server_drains_while_streams_are_stalled(
    processes: Processes, database_url: str, count: int
) -> None:
    """Health watches, subscriptions and reflection delay neither its drain nor its exit."""
    server = processes.server(database_url, server_processes=str(count))
    await server.wait_until_serving()
    # With eight connections each process gets some.
    watched = [server.address] * (1 if count == 1 else 8)
    async with open_stalled_health_watches(*watched), open_stalled_client(server.address) as client:
        await client.wait_until_stalled(
            client.call("/wms.orders.v1.OrderService/WatchOrders", orders_pb2.WatchOrdersRequest()),
            client.call(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\x00", is_unfinished=True
            ),
        )
        watch = Stopwatch()
        assert await server.terminate_and_wait(within=10) == 0
        assert watch.seconds < 4


async def test_a_worker_takes_over_while_health_watches_are_stalled(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """With such watches on every replica the next one is active within the lease and a second."""
    lease = f"{LEASE_SECONDS}s"
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=lease)
    async with open_stalled_health_watches(first.address, second.address):
        first.send_signal(signal.SIGKILL)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=LEASE_SECONDS + 1)
        await eventually(lambda: _has_ended_a_cycle(sql, "second"), within=5)


async def test_a_worker_hands_over_and_ends_while_health_watches_are_stalled(
    processes: Processes, database_url: str
) -> None:
    """On SIGTERM it releases the role immediately, and exits."""
    lease = f"{LEASE_SECONDS}s"
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=lease)
    async with open_stalled_health_watches(first.address, second.address):
        first.send_signal(signal.SIGTERM)
        await second.wait_until_serving(FULFILLMENT_HEALTH, within=LEASE_SECONDS + 1)
        assert await first.wait_for_exit(within=5) == 0


async def _has_ended_a_cycle(sql: SqlConnection, worker_id: str) -> bool:
    return await sql.fetchval("SELECT last_cycle_at FROM workers WHERE worker_id = $1", worker_id) is not None


# Clients that disconnect


async def test_a_client_that_disconnects_during_a_write_causes_no_error(
    processes: Processes, database_url: str
) -> None:
    """Streams and single calls over gRPC and HTTP count as cancelled or done. No error is logged."""
    port = find_free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        for _ in range(10):
            await api.orders.CreateOrder(create_order(items=[item(f"SKU-{n}") for n in range(500)]))
    for resets in (False, True):
        for _ in range(4):
            await _disconnect_streams_and_calls(server.address, resets=resets)
        for path in ("/api/v1/orders:watch?position=0", "/api/v1/orders?pageSize=100"):
            await _disconnect_unread(port, path)
            await _disconnect_unread(port, path, requests=200)

    async def have_all_ended() -> bool:
        return (
            await read_metric(port, "wms_server_streams") == 0 == await read_metric(port, "wms_server_calls")
        )

    await eventually(have_all_ended)
    _, page = await get_page(port, "/metrics")
    assert await server.terminate_and_wait() == 0
    finished_series = {line.partition("} ")[0] for line in page.splitlines() if not line.endswith(" 0.0")}
    assert 'wms_server_requests_total{code="CANCELLED",method="WatchOrders"' in finished_series
    assert [line for line in finished_series if 'code="INTERNAL"' in line] == []
    assert [entry for entry in server.log_entries if entry["level"] == "error"] == []


async def _disconnect_streams_and_calls(address: str, *, resets: bool) -> None:
    """Start streams and calls with responses that wait for the client.

    Reset them, or close the connection.
    """
    orders = "/wms.orders.v1.OrderService"
    async with open_stalled_client(address, window_bytes=20) as client:
        watch = orders_pb2.WatchOrdersRequest(position=0)
        streams = [client.call(f"{orders}/WatchOrders", watch) for _ in range(10)]
        await client.wait_until_stalled(*streams)
        streams += [client.call(f"{orders}/ListOrders", orders_pb2.ListOrdersRequest()) for _ in range(10)]
        new = orders_pb2.IngestOrdersRequest(request=create_order())
        streams += [client.call(f"{orders}/IngestOrders", new, new, is_unfinished=True) for _ in range(5)]
        await client.wait_until_stalled(*streams)
        if resets:
            for stream in streams:
                client.reset(stream)
        else:
            client.abort_connection()


async def _disconnect_unread(port: int, path: str, requests: int = 1) -> None:
    """Request a page over HTTP, once or several times, read its beginning, and close the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * requests)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.transport.abort()


# Streams that are not read


async def test_unread_streams_are_ended(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subscriptions, reflection and health watches. They count until they are closed, and others continue."""
    monkeypatch.setattr("wms_server.calls.streaming.SEND_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr("wms_core.runtime.health_service.SEND_TIMEOUT_SECONDS", 0.3)
    port = find_free_port()
    async with (
        open_api(database_url, http_addr=f"127.0.0.1:{port}") as api,
        open_stalled_client(api.address) as client,
    ):
        health = client.call(HEALTH_WATCH, health_pb2.HealthCheckRequest())
        too_slow = [
            client.call(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\x00", is_unfinished=True
            ),
            client.call("/wms.orders.v1.OrderService/WatchOrders", orders_pb2.WatchOrdersRequest()),
        ]
        await client.wait_until_stalled(*too_slow, health)
        labels = {"method": "WatchOrders", "code": "RESOURCE_EXHAUSTED"}
        await eventually(lambda: _is(1, port, "wms_server_requests_total", **labels))
        assert await read_metric(port, "wms_server_streams") == 2
        assert await read_metric(port, "wms_server_watchers", stream="health") == 1
        assert await is_ready(api.channel)
        for stream in (*too_slow, health):
            client.widen_window(stream, 65_535)
        for stream in too_slow:
            assert await client.wait_for_end(stream) == str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])
        assert await client.wait_for_end(health) == str(grpc.StatusCode.DEADLINE_EXCEEDED.value[0])
        await eventually(lambda: _is(0, port, "wms_server_streams"))
        await eventually(lambda: _is(0, port, "wms_server_watchers", stream="health"))


async def _is(value: float, port: int, name: str, **labels: str) -> bool:
    return await read_metric(port, name, **labels) == value


async def test_a_stalled_stream_is_not_counted_after_its_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after it was ended because the client did not read."""
    monkeypatch.setattr("wms_server.calls.streaming.SEND_TIMEOUT_SECONDS", 0.1)
    port = find_free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        async with open_stalled_client(api.address) as client:
            watch = orders_pb2.WatchOrdersRequest()
            streams = [client.call("/wms.orders.v1.OrderService/WatchOrders", watch) for _ in range(5)]
            await client.wait_until_stalled(*streams)
            labels = {"method": "WatchOrders", "code": "RESOURCE_EXHAUSTED"}
            await eventually(lambda: _is(5, port, "wms_server_requests_total", **labels))
            assert await read_metric(port, "wms_server_streams") == 5
            client.abort_connection()
        await eventually(lambda: _is(0, port, "wms_server_streams"))


async def test_health_watchers_are_limited(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next Watch call is rejected, but Check is served. After one watch ends another one is accepted."""
    monkeypatch.setattr("wms_server.app.MAX_HEALTH_WATCHERS", 3)
    async with open_api(database_url) as api:
        stub: Any = health_pb2_grpc.HealthStub(api.channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(3)]
        for watch in watches:
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        rejected_watch = stub.Watch(health_pb2.HealthCheckRequest())
        with pytest.raises(grpc.aio.AioRpcError, match="3 clients watch"):
            await rejected_watch.read()
        assert await rejected_watch.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await is_ready(api.channel)
        watches[0].cancel()

        async def is_available() -> bool:
            watch = stub.Watch(health_pb2.HealthCheckRequest(service="unknown"))
            with suppress(grpc.aio.AioRpcError):
                state: int = (await watch.read()).status
                return state == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            return False

        await eventually(is_available)

"""Clients that open streams and do not read them: readiness, roles, drain and shutdown go on without them."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.api import is_ready, open_api
from tests.support.invariants import Sql
from tests.support.pages import get, metric
from tests.support.processes import FULFILLMENT, Processes, open_client, start_active_and_passive
from tests.support.proxy import open_proxy
from tests.support.requests import create_order, item
from tests.support.stalled_client import HEALTH_WATCH, open_stalled_client, stalled_health_watches
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

LEASE_SECONDS = 3.0


async def test_readiness_changes_while_health_watches_are_stalled(
    processes: Processes, database_url: str
) -> None:
    """Not ready while the database does not answer, and ready again, over gRPC and HTTP alike."""
    port = free_port()
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{port}", readiness_interval="100ms")
        await server.serving()
        async with stalled_health_watches(server.address):
            proxy.freeze()
            await server.not_serving(within=8)
            assert (await get(port, "/ready"))[0] == 503
            await proxy.heal()
            await server.serving(within=8)
            assert (await get(port, "/ready"))[0] == 200


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_server_drains_while_streams_are_stalled(
    processes: Processes, database_url: str, count: int
) -> None:
    """Health watches, watches of orders and reflection hold neither its drain nor its end up."""
    server = processes.server(database_url, server_processes=str(count))
    await server.serving()
    # Of eight connections each process gets some.
    watched = [server.address] * (1 if count == 1 else 8)
    async with stalled_health_watches(*watched), open_stalled_client(server.address) as client:
        await client.stalled(
            client.call("/wms.orders.v1.OrderService/WatchOrders", orders_pb2.WatchOrdersRequest()),
            client.call(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\x00", more=True
            ),
        )
        watch = Stopwatch()
        assert await server.stopped(within=10) == 0
        assert watch.seconds < 4


async def test_a_worker_takes_over_while_health_watches_are_stalled(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """With such watches on every replica the next one acts within the lease and a second."""
    lease = f"{LEASE_SECONDS}s"
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=lease)
    async with stalled_health_watches(first.address, second.address):
        first.signal(signal.SIGKILL)
        await second.serving(FULFILLMENT, within=LEASE_SECONDS + 1)
        await eventually(lambda: _has_ended_a_cycle(sql, "second"), within=5)


async def test_a_worker_hands_over_and_ends_while_health_watches_are_stalled(
    processes: Processes, database_url: str
) -> None:
    """It gives the role up at once when it is asked to end, and ends."""
    lease = f"{LEASE_SECONDS}s"
    first, second = await start_active_and_passive(processes, database_url, standalone_lease=lease)
    async with stalled_health_watches(first.address, second.address):
        first.signal(signal.SIGTERM)
        await second.serving(FULFILLMENT, within=LEASE_SECONDS + 1)
        assert await first.ended(within=5) == 0


async def _has_ended_a_cycle(sql: Sql, worker_id: str) -> bool:
    return await sql.fetchval("SELECT last_cycle_at FROM workers WHERE worker_id = $1", worker_id) is not None


# Clients that leave


async def test_a_client_that_leaves_during_a_write_is_no_fault_of_the_server(
    processes: Processes, database_url: str
) -> None:
    """Streams and single calls, over gRPC and HTTP, count as cancelled or done; no error is logged."""
    port = free_port()
    server = processes.server(database_url, http_addr=f"127.0.0.1:{port}")
    await server.serving()
    async with open_client(server.address) as api:
        for _ in range(10):
            await api.orders.CreateOrder(create_order(items=[item(f"SKU-{n}") for n in range(500)]))
    for resets in (False, True):
        for _ in range(4):
            await _leave_streams_and_calls(server.address, resets=resets)
        for path in ("/api/v1/orders:watch?position=0", "/api/v1/orders?pageSize=100"):
            await _leave_unread(port, path)
            await _leave_unread(port, path, requests=200)

    async def all_have_ended() -> bool:
        return await metric(port, "wms_server_streams") == 0 == await metric(port, "wms_server_calls")

    await eventually(all_have_ended)
    _, page = await get(port, "/metrics")
    assert await server.stopped() == 0
    ended = {line.partition("} ")[0] for line in page.splitlines() if not line.endswith(" 0.0")}
    assert 'wms_server_requests_total{code="CANCELLED",method="WatchOrders"' in ended
    assert [line for line in ended if 'code="INTERNAL"' in line] == []
    assert [entry for entry in server.entries if entry["level"] == "error"] == []


async def _leave_streams_and_calls(address: str, *, resets: bool) -> None:
    """Begin streams and calls whose answers wait for the client; reset them, or break the connection."""
    orders = "/wms.orders.v1.OrderService"
    async with open_stalled_client(address, window_bytes=20) as client:
        watch = orders_pb2.WatchOrdersRequest(position=0)
        streams = [client.call(f"{orders}/WatchOrders", watch) for _ in range(10)]
        await client.stalled(*streams)
        streams += [client.call(f"{orders}/ListOrders", orders_pb2.ListOrdersRequest()) for _ in range(10)]
        new = orders_pb2.IngestOrdersRequest(request=create_order())
        streams += [client.call(f"{orders}/IngestOrders", new, new, more=True) for _ in range(5)]
        await client.stalled(*streams)
        if resets:
            for stream in streams:
                client.reset(stream)
        else:
            client.leave()


async def _leave_unread(port: int, path: str, requests: int = 1) -> None:
    """Ask for a page over HTTP, once or many times at once, read its beginning, and break the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * requests)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.transport.abort()


# Streams that are not read


async def test_streams_that_are_not_read_are_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watches, reflection and health watches; they count until they are gone, and others go on."""
    monkeypatch.setattr("wms_server.streams.SEND_PATIENCE", 0.3)
    monkeypatch.setattr("wms_core.health.SEND_TIMEOUT_SECONDS", 0.3)
    port = free_port()
    async with (
        open_api(database_url, http_addr=f"127.0.0.1:{port}") as api,
        open_stalled_client(api.address) as client,
    ):
        health = client.call(HEALTH_WATCH, health_pb2.HealthCheckRequest())
        too_slow = [
            client.call(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\x00", more=True
            ),
            client.call("/wms.orders.v1.OrderService/WatchOrders", orders_pb2.WatchOrdersRequest()),
        ]
        await client.stalled(*too_slow, health)
        ended = {"method": "WatchOrders", "code": "RESOURCE_EXHAUSTED"}
        await eventually(lambda: _is(1, port, "wms_server_requests_total", **ended))
        assert await metric(port, "wms_server_streams") == 2
        assert await metric(port, "wms_server_watchers", stream="health") == 1
        assert await is_ready(api.channel)
        for stream in (*too_slow, health):
            client.read_on(stream, 65_535)
        for stream in too_slow:
            assert await client.end_of(stream) == str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])
        assert await client.end_of(health) == str(grpc.StatusCode.DEADLINE_EXCEEDED.value[0])
        await eventually(lambda: _is(0, port, "wms_server_streams"))
        await eventually(lambda: _is(0, port, "wms_server_watchers", stream="health"))


async def _is(value: float, port: int, name: str, **labels: str) -> bool:
    return await metric(port, name, **labels) == value


async def test_a_stalled_stream_that_leaves_is_counted_no_more(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was ended for not reading, too."""
    monkeypatch.setattr("wms_server.streams.SEND_PATIENCE", 0.1)
    port = free_port()
    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        async with open_stalled_client(api.address) as client:
            watch = orders_pb2.WatchOrdersRequest()
            streams = [client.call("/wms.orders.v1.OrderService/WatchOrders", watch) for _ in range(5)]
            await client.stalled(*streams)
            ended = {"method": "WatchOrders", "code": "RESOURCE_EXHAUSTED"}
            await eventually(lambda: _is(5, port, "wms_server_requests_total", **ended))
            assert await metric(port, "wms_server_streams") == 5
            client.leave()
        await eventually(lambda: _is(0, port, "wms_server_streams"))


async def test_health_watchers_are_limited(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is told so, and may call Check; a place that is given up is free again."""
    monkeypatch.setattr("wms_server.app.HEALTH_WATCHER_LIMIT", 3)
    async with open_api(database_url) as api:
        stub: Any = health_pb2_grpc.HealthStub(api.channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(3)]
        for watch in watches:
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        refused = stub.Watch(health_pb2.HealthCheckRequest())
        with pytest.raises(grpc.aio.AioRpcError, match="3 clients watch"):
            await refused.read()
        assert await refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await is_ready(api.channel)
        watches[0].cancel()

        async def free() -> bool:
            watch = stub.Watch(health_pb2.HealthCheckRequest(service="unknown"))
            with suppress(grpc.aio.AioRpcError):
                state: int = (await watch.read()).status
                return state == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            return False

        await eventually(free)

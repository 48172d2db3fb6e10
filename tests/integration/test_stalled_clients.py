"""Clients that open streams and do not read them: readiness, roles, drain and shutdown go on without them."""

import signal
import time
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.api import is_ready, open_api
from tests.support.invariants import Sql
from tests.support.pages import get
from tests.support.processes import FULFILLMENT, Processes
from tests.support.proxy import open_proxy
from tests.support.stalled_client import open_stalled_client, stalled_health_watches
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

LEASE_SECONDS = 1.0


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


async def test_a_server_drains_while_streams_are_stalled(processes: Processes, database_url: str) -> None:
    """Health watches, watches of orders and reflection hold neither its drain nor its end up."""
    server = processes.server(database_url)
    await server.serving()
    async with stalled_health_watches(server.address), open_stalled_client(server.address) as client:
        await client.stalled(
            client.call("/wms.orders.v1.OrderService/WatchOrders", orders_pb2.WatchOrdersRequest()),
            client.call(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b":\x00", more=True
            ),
        )
        asked = time.monotonic()
        assert await server.stopped(within=10) == 0
        assert time.monotonic() - asked < 4


async def test_a_worker_takes_over_while_health_watches_are_stalled(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """With such watches on every replica the next one acts within the lease and a second."""
    first = processes.worker(database_url, worker_id="first")
    await first.serving(FULFILLMENT)
    second = processes.worker(database_url, worker_id="second")
    await second.serving()
    async with stalled_health_watches(first.address, second.address):
        first.signal(signal.SIGKILL)
        await second.serving(FULFILLMENT, within=LEASE_SECONDS + 1)
        await eventually(lambda: _has_ended_a_cycle(sql, "second"), within=5)


async def test_a_worker_hands_over_and_ends_while_health_watches_are_stalled(
    processes: Processes, database_url: str
) -> None:
    """It gives the role up at once when it is asked to end, and ends."""
    first = processes.worker(database_url, worker_id="first")
    await first.serving(FULFILLMENT)
    second = processes.worker(database_url, worker_id="second")
    await second.serving()
    async with stalled_health_watches(first.address, second.address):
        first.signal(signal.SIGTERM)
        await second.serving(FULFILLMENT, within=LEASE_SECONDS + 1)
        assert await first.ended(within=5) == 0


async def _has_ended_a_cycle(sql: Sql, worker_id: str) -> bool:
    return await sql.fetchval("SELECT last_cycle_at FROM workers WHERE worker_id = $1", worker_id) is not None


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

"""Two servers on one Postgres, with clients that balance calls over both as with a headless DNS name."""

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import Api, client
from tests.support.clients.order_watcher import event_keys, logged_event_keys, subscribe_to_orders
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import read_log
from tests.support.processes.processes import Processes, open_client
from tests.support.processes.server_group import ServerGroup
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_dev.local_stack.process_identity import identify_process

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

#: The client configuration of docs/guides/scaling.md.
ROUND_ROBIN: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}


@pytest.fixture
async def two_servers(processes: Processes, database_url: str) -> tuple[ServerGroup, ServerGroup]:
    """Return two servers of one process each."""
    servers = tuple(ServerGroup(processes, database_url, server_processes="1") for _ in range(2))
    for server in servers:
        await server.wait_until_serving()
    first, second = servers
    return first, second


@asynccontextmanager
async def open_balanced_api(*servers: ServerGroup) -> AsyncIterator[Api]:
    """Yield a client of all servers: one target with several addresses, as of a headless DNS name."""
    target = "ipv4:" + ",".join(server.supervisor.address for server in servers)
    options = (
        ("grpc.service_config", json.dumps(ROUND_ROBIN)),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    )
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        await channel.channel_ready()
        yield client(channel, target)


async def count_created(server: ServerGroup) -> float:
    """Return the number of successful CreateOrder calls of a server."""
    return await server.read_metric("wms_server_requests_total", method="CreateOrder", code="OK") or 0


async def test_calls_of_one_client_are_balanced(two_servers: tuple[ServerGroup, ServerGroup]) -> None:
    """Call by call over one connection to each server."""
    async with open_balanced_api(*two_servers) as api:

        async def have_both_answered() -> bool:
            await api.orders.CreateOrder(create_order())
            return min([await count_created(server) for server in two_servers]) > 0

        await eventually(have_both_answered)
        before = [await count_created(server) for server in two_servers]
        await asyncio.gather(*(api.orders.CreateOrder(create_order()) for _ in range(100)))
        shares = [
            await count_created(server) - count for server, count in zip(two_servers, before, strict=True)
        ]
        assert sum(shares) == 100
        assert min(shares) >= 40


async def test_a_request_id_is_shared_by_all_servers(
    two_servers: tuple[ServerGroup, ServerGroup], sql: SqlConnection
) -> None:
    """Concurrent and repeated requests at both servers create one order and get the same response."""
    async with (
        open_client(two_servers[0].supervisor.address) as first,
        open_client(two_servers[1].supervisor.address) as second,
    ):
        for number in range(20):
            request = create_order(request_id=f"same-{number}")
            responses = await asyncio.gather(
                *(api.orders.CreateOrder(request) for api in (first, second, first, second))
            )
            assert len({response.order.order_id for response in responses}) == 1
    assert await sql.fetchval("SELECT count(*) FROM orders") == 20


async def test_writes_of_one_server_are_immediately_visible_at_others(
    two_servers: tuple[ServerGroup, ServerGroup],
) -> None:
    """An order, its new state, and the next page of a list."""
    async with (
        open_client(two_servers[0].supervisor.address) as first,
        open_client(two_servers[1].supervisor.address) as second,
    ):
        placed = [(await first.orders.CreateOrder(create_order())).order for _ in range(10)]
        for order in placed:
            get = orders_pb2.GetOrderRequest(order_id=order.order_id)
            assert (await second.orders.GetOrder(get)).order == order
        cancel = orders_pb2.CancelOrderRequest(order_id=placed[0].order_id, reason="changed my mind")
        cancelled = (await second.orders.CancelOrder(cancel)).order
        get = orders_pb2.GetOrderRequest(order_id=cancelled.order_id)
        assert (await first.orders.GetOrder(get)).order == cancelled
        request = orders_pb2.ListOrdersRequest(page_size=4)
        order_ids: list[str] = []
        for api in (first, second, first):
            page = await api.orders.ListOrders(request)
            order_ids += [order.order_id for order in page.orders]
            request.page_token = page.next_page_token
        assert order_ids == [order.order_id for order in reversed(placed)]


async def test_a_subscriber_of_one_server_receives_events_of_all(
    two_servers: tuple[ServerGroup, ServerGroup], sql: SqlConnection
) -> None:
    """In the order of the log. It resumes at the other server from its position."""
    async with (
        open_balanced_api(*two_servers) as api,
        open_client(two_servers[1].supervisor.address) as second,
    ):
        async with subscribe_to_orders(second) as watcher:
            await watcher.read_first_heartbeat()
            await asyncio.gather(*(api.orders.CreateOrder(create_order()) for _ in range(60)))
            events = await watcher.read_events(60)
        assert await two_servers[1].terminate_and_wait() == 0
        await asyncio.gather(*(_place_order(api, f"more-{number}") for number in range(20)))
        async with (
            open_client(two_servers[0].supervisor.address) as first,
            subscribe_to_orders(first, position=watcher.position) as watcher,
        ):
            events += await watcher.read_events(20)
    assert event_keys(events) == logged_event_keys(await read_log(sql))


async def test_callers_continue_when_a_server_is_killed(
    two_servers: tuple[ServerGroup, ServerGroup], sql: SqlConnection
) -> None:
    """Each repeats its call with the same request id. Acknowledged orders are there once."""
    async with open_balanced_api(*two_servers) as api:
        calls = [asyncio.create_task(_place_order(api, f"ORD-{uuid.uuid4()}")) for _ in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        two_servers[0].supervisor.send_signal(signal.SIGKILL)
        acknowledged = await asyncio.gather(*calls)
        await asyncio.gather(*(_place_order(api, f"ORD-{uuid.uuid4()}") for _ in range(50)))
    rows = await sql.fetch("SELECT order_id FROM orders WHERE order_id = ANY ($1)", acknowledged)
    assert len(rows) == len(set(acknowledged)) == 200
    assert await sql.fetchval("SELECT count(*) FROM orders") == 250


async def test_an_old_connection_is_replaced_without_errors(processes: Processes, database_url: str) -> None:
    """New calls use another connection, maybe to another server. A subscription stays on the old one."""
    server = ServerGroup(processes, database_url, server_processes="1", connection_age="1s")
    await server.wait_until_serving()
    serving = identify_process(server.supervisor.pid)
    async with open_client(server.supervisor.address) as api, subscribe_to_orders(api) as watcher:
        await watcher.read_first_heartbeat()
        placed = 0

        async def are_both_used() -> bool:
            nonlocal placed
            await api.orders.CreateOrder(create_order())
            placed += 1
            return server.count_connections(serving) == 2

        await eventually(are_both_used)
        assert len(await watcher.read_events(placed)) == placed


async def _place_order(api: Api, name: str) -> str:
    """Place an order, retry until it is acknowledged, and return its id."""
    request = create_order(order_id=name, request_id=name)
    while True:
        with suppress(grpc.aio.AioRpcError):
            return (await api.orders.CreateOrder(request, timeout=10)).order.order_id
        await asyncio.sleep(0.01)

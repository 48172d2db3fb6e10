"""Two servers on one Postgres, and clients that share calls among them, as a headless name lets them."""

import asyncio
import json
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import pytest

from tests.support.api import Api, client
from tests.support.event_log import read_log
from tests.support.invariants import Sql
from tests.support.order_watching import following, ids, logged_ids
from tests.support.processes import Processes, open_client
from tests.support.requests import create_order
from tests.support.several import Several
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_dev.processes.identity import identify

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

#: What docs/scaling.md tells clients to be configured with.
ROUND_ROBIN: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}


@pytest.fixture
async def two(processes: Processes, database_url: str) -> tuple[Several, Several]:
    """Give two servers of one process each."""
    servers = tuple(Several(processes, database_url, server_processes="1") for _ in range(2))
    for server in servers:
        await server.serving()
    first, second = servers
    return first, second


@asynccontextmanager
async def balanced(*servers: Several) -> AsyncIterator[Api]:
    """Give a client of all: one target that has several addresses, as a headless name has."""
    target = "ipv4:" + ",".join(server.supervisor.address for server in servers)
    options = (
        ("grpc.service_config", json.dumps(ROUND_ROBIN)),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    )
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        await channel.channel_ready()
        yield client(channel, target)


async def created(server: Several) -> float:
    """Say how many CreateOrder calls a server has answered well."""
    return await server.metric("wms_server_requests_total", method="CreateOrder", code="OK") or 0


async def test_calls_of_one_client_are_shared(two: tuple[Several, Several]) -> None:
    """Each server gets its part, call by call over one connection each."""
    async with balanced(*two) as api:

        async def both_have_answered() -> bool:
            await api.orders.CreateOrder(create_order())
            return min([await created(server) for server in two]) > 0

        await eventually(both_have_answered)
        before = [await created(server) for server in two]
        await asyncio.gather(*(api.orders.CreateOrder(create_order()) for _ in range(100)))
        shares = [await created(server) - count for server, count in zip(two, before, strict=True)]
        assert sum(shares) == 100
        assert min(shares) >= 40


async def test_a_request_id_is_one_at_all_servers(two: tuple[Several, Several], sql: Sql) -> None:
    """Sent to both at once, and again, it makes one order and has one answer."""
    async with (
        open_client(two[0].supervisor.address) as first,
        open_client(two[1].supervisor.address) as second,
    ):
        for number in range(20):
            request = create_order(request_id=f"same-{number}")
            answers = await asyncio.gather(
                *(api.orders.CreateOrder(request) for api in (first, second, first, second))
            )
            assert len({answer.order.order_id for answer in answers}) == 1
    assert await sql.fetchval("SELECT count(*) FROM orders") == 20


async def test_what_one_server_has_written_every_other_reads_at_once(two: tuple[Several, Several]) -> None:
    """An order, its new state, and the next page of a list, whichever is asked."""
    async with (
        open_client(two[0].supervisor.address) as first,
        open_client(two[1].supervisor.address) as second,
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
        found: list[str] = []
        for api in (first, second, first):
            page = await api.orders.ListOrders(request)
            found += [order.order_id for order in page.orders]
            request.page_token = page.next_page_token
        assert found == [order.order_id for order in reversed(placed)]


async def test_a_watcher_at_one_server_is_told_of_orders_at_all(
    two: tuple[Several, Several], sql: Sql
) -> None:
    """In the order of the log, and goes on at the other server from where it was."""
    async with balanced(*two) as api, open_client(two[1].supervisor.address) as second:
        async with following(second) as watcher:
            await watcher.begin()
            await asyncio.gather(*(api.orders.CreateOrder(create_order()) for _ in range(60)))
            seen = await watcher.take(60)
        assert await two[1].stopped() == 0
        await asyncio.gather(*(_placed(api, f"more-{number}") for number in range(20)))
        async with (
            open_client(two[0].supervisor.address) as first,
            following(first, position=watcher.position) as watcher,
        ):
            seen += await watcher.take(20)
    assert ids(seen) == logged_ids(await read_log(sql))


async def test_callers_go_on_when_a_server_is_killed(two: tuple[Several, Several], sql: Sql) -> None:
    """Each sends its call again under the same id; what was acknowledged is there, once."""
    async with balanced(*two) as api:
        calls = [asyncio.create_task(_placed(api, f"ORD-{uuid.uuid4()}")) for _ in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        two[0].supervisor.signal(signal.SIGKILL)
        acknowledged = await asyncio.gather(*calls)
        await asyncio.gather(*(_placed(api, f"ORD-{uuid.uuid4()}") for _ in range(50)))
    rows = await sql.fetch("SELECT order_id FROM orders WHERE order_id = ANY ($1)", acknowledged)
    assert len(rows) == len(set(acknowledged)) == 200
    assert await sql.fetchval("SELECT count(*) FROM orders") == 250


async def test_an_old_connection_is_given_up_and_nothing_on_it_breaks(
    processes: Processes, database_url: str
) -> None:
    """New calls come by another one, which may be at another server; a watcher stays where it is."""
    server = Several(processes, database_url, server_processes="1", connection_age="1s")
    await server.serving()
    serving = identify(server.supervisor.pid)
    async with open_client(server.supervisor.address) as api, following(api) as watcher:
        await watcher.begin()
        placed = 0

        async def both_are_used() -> bool:
            nonlocal placed
            await api.orders.CreateOrder(create_order())
            placed += 1
            return server.connections(serving) == 2

        await eventually(both_are_used)
        assert len(await watcher.take(placed)) == placed


async def _placed(api: Api, name: str) -> str:
    """Place an order, again until it is acknowledged; gives its id."""
    request = create_order(order_id=name, request_id=name)
    while True:
        with suppress(grpc.aio.AioRpcError):
            return (await api.orders.CreateOrder(request, timeout=10)).order.order_id
        await asyncio.sleep(0.01)

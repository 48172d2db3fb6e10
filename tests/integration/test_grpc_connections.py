"""Connections over gRPC that are of no use: closed, so that they leave their places to others."""

import asyncio

import pytest

from tests.support.processes import Processes
from tests.support.stalled_client import HEALTH_WATCH, StalledClient, open_stalled_client
from tests.support.waiting import eventually, time_limit

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


async def _is_closed(client: StalledClient) -> bool:
    return client.is_closed


async def test_a_connection_without_a_call_is_closed(processes: Processes, database_url: str) -> None:
    """After GRPC_CONNECTION_IDLE; one that watches is not idle."""
    server = processes.server(database_url, grpc_connection_idle="1s")
    await server.serving()
    async with open_stalled_client(server.address) as watching, open_stalled_client(server.address) as idle:
        await watching.stalled(watching.call(HEALTH_WATCH, b""))
        await eventually(lambda: _is_closed(idle))
        assert not watching.is_closed


async def test_a_client_that_says_nothing_is_closed(processes: Processes, database_url: str) -> None:
    """A connection that is opened and of which no byte comes."""
    server = processes.server(database_url)
    await server.serving()
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with time_limit(30):
        while await reader.read(4096):
            pass
    writer.close()
    await writer.wait_closed()


async def test_connections_over_the_limit_are_closed(processes: Processes, database_url: str) -> None:
    """Those that are there stay; when one leaves there is room for another."""
    server = processes.server(database_url, grpc_max_connections="3")
    await server.serving()
    async with (
        open_stalled_client(server.address) as first,
        open_stalled_client(server.address) as second,
        open_stalled_client(server.address) as third,
    ):
        clients = [first, second, third]
        for client in clients:
            await client.stalled(client.call(HEALTH_WATCH, b""))
        async with open_stalled_client(server.address) as fourth:
            await eventually(lambda: _is_closed(fourth))
        assert not any(client.is_closed for client in clients)
        first.leave()
        await eventually(server.is_serving)

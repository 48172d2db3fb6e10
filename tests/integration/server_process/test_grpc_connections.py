"""Idle and excess connections over gRPC are closed, so that others can connect."""

import asyncio

import pytest

from tests.support.clients.stalled_client import HEALTH_WATCH, StalledClient, open_stalled_client
from tests.support.processes.processes import Processes
from tests.support.waiting import eventually, time_limit

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


async def _is_closed(client: StalledClient) -> bool:
    return client.is_closed


async def test_a_connection_without_a_call_is_closed(processes: Processes, database_url: str) -> None:
    """After GRPC_CONNECTION_IDLE. A connection with a subscription is not idle."""
    server = processes.server(database_url, grpc_connection_idle="1s")
    await server.wait_until_serving()
    async with open_stalled_client(server.address) as watching, open_stalled_client(server.address) as idle:
        await watching.wait_until_stalled(watching.call(HEALTH_WATCH, b""))
        await eventually(lambda: _is_closed(idle))
        assert not watching.is_closed


async def test_a_connection_without_a_byte_is_closed(processes: Processes, database_url: str) -> None:
    """The client connects and sends no byte."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with time_limit(30):
        while await reader.read(4096):
            pass
    writer.close()
    await writer.wait_closed()


async def test_connections_over_the_limit_are_closed(processes: Processes, database_url: str) -> None:
    """Existing connections stay. When one is closed, another one is accepted."""
    server = processes.server(database_url, grpc_max_connections="3")
    await server.wait_until_serving()
    async with (
        open_stalled_client(server.address) as first,
        open_stalled_client(server.address) as second,
        open_stalled_client(server.address) as third,
    ):
        clients = [first, second, third]
        for client in clients:
            await client.wait_until_stalled(client.call(HEALTH_WATCH, b""))
        async with open_stalled_client(server.address) as fourth:
            await eventually(lambda: _is_closed(fourth))
        assert not any(client.is_closed for client in clients)
        first.abort_connection()
        await eventually(server.is_serving)

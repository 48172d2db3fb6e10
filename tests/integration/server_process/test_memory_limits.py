"""Memory that callers can occupy in a server process, measured from outside during each attempt.

After each attempt the memory is free again, and a second attempt needs no more than the first.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from tests.support.builders.requests import create_order, item
from tests.support.clients.grpc_api import Api
from tests.support.clients.raw_calls import pad_message
from tests.support.clients.stalled_client import HEALTH_WATCH, StalledClient, open_stalled_client
from tests.support.faults.tcp_proxy import TcpProxy, open_proxy
from tests.support.processes.memory import MIB, MemoryGrowth
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes, open_client
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_core.runtime.background_tasks import background_task
from wms_dev.free_port import find_free_port
from wms_server.app import MAX_RECEIVE_BYTES, WINDOW_BYTES
from wms_server.calls.reflection import MAX_REFLECTION_STREAMS
from wms_server.calls.streaming import MAX_INGEST_STREAMS
from wms_server.limits.incoming_requests import MAX_READING, MAX_SLOW, MAX_WAITING
from wms_server.settings import ServerSettings

pytestmark = [pytest.mark.one_postgres, pytest.mark.slow]

_CREATE = "/wms.orders.v1.OrderService/CreateOrder"
_LIST = "/wms.orders.v1.OrderService/ListOrders"
_INGEST = "/wms.orders.v1.OrderService/IngestOrders"
_REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
_LARGE_BYTES = 3_900_000
#: Maximum of incomplete requests in gRPC (docs/guides/operations.md).
_UNFINISHED_BYTES = (MAX_READING + MAX_SLOW) * MAX_RECEIVE_BYTES + MAX_WAITING * WINDOW_BYTES
_IN_FLIGHT_BYTES: int = ServerSettings.model_fields["max_bytes_in_flight"].default
#: Calls and connections themselves, and memory that the heap keeps for a while.
_OVERHEAD_BYTES = 40 * MIB
#: Lists while they are encoded, at most as many as Postgres connections (docs/adr/0031).
_MAKING_BYTES = 2 * 20 * MIB
#: One list at a time is also encoded as JSON.
_MAKING_JSON_BYTES = _MAKING_BYTES + 64 * MIB
_OVERLOADED = str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


@dataclass(frozen=True, slots=True)
class _Served:
    pid: int
    api: Api
    http_port: int
    proxy: TcpProxy

    @asynccontextmanager
    async def clients(self, count: int) -> AsyncIterator[list[StalledClient]]:
        """Connect this many clients that read nothing."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(open_stalled_client(self.api.address)) for _ in range(count)
            ]


@pytest.fixture
async def served(processes: Processes, database_url: str) -> AsyncIterator[_Served]:
    """Yield a server process that has served each kind of call and has large orders."""
    port = find_free_port()
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{port}")
        await server.wait_until_serving()
        async with open_client(server.address) as api:
            lines = [item(f"SKU-{number:0252}") for number in range(500)]
            for _ in range(20):
                await api.orders.CreateOrder(create_order(items=lines))
            for _ in range(3):
                await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=200))
            yield _Served(server.pid, api, port, proxy)


async def _check_twice(served: _Served, attempt: Callable[[], Awaitable[None]], bound_bytes: int) -> None:
    """Run an attempt twice: it needs at most `bound_bytes` beside the overhead, and frees them.

    The first one may allocate memory that the process needs for the next one.
    """
    for remaining_bytes in (48 * MIB, 8 * MIB):
        memory = MemoryGrowth(served.pid)
        await attempt()
        await served.api.orders.CreateOrder(create_order(), timeout=10)
        await memory.wait_until_returned(within_bytes=remaining_bytes)
        assert memory.grown_bytes < bound_bytes + _OVERHEAD_BYTES


@asynccontextmanager
async def _small_calls(api: Api) -> AsyncIterator[None]:
    """Make small calls in sequence, which must succeed, and wait for twenty of them."""
    codes: Counter[str] = Counter()

    async def make_calls() -> None:
        while True:
            try:
                await api.orders.CreateOrder(create_order(), timeout=10)
                codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1
            await asyncio.sleep(0.02)

    async def has_made_enough() -> bool:
        return codes.total() >= 20

    async with background_task(make_calls()):
        yield
        await eventually(has_made_enough)
    assert codes.keys() == {"OK"}


async def test_incomplete_messages_are_limited(served: _Served) -> None:
    """Two hundred of 4 MB on twenty connections, which never end. Small calls are served meanwhile."""
    chunk = b"q" * (_LARGE_BYTES - 1)

    async def attempt() -> None:
        async with (
            served.clients(20) as clients,
            _uploads(clients, 10, _CREATE, _LARGE_BYTES, chunk),
            _small_calls(served.api),
        ):
            # The remaining calls have sent all their bytes, and the server waits for more.
            await eventually(lambda: _all_but(MAX_SLOW + MAX_READING, clients, 200))

    await _check_twice(served, attempt, _UNFINISHED_BYTES)


@pytest.mark.parametrize(
    ("method", "places"),
    [(HEALTH_WATCH, 6), (_REFLECTION, MAX_REFLECTION_STREAMS), (_INGEST, MAX_INGEST_STREAMS)],
    ids=["health", "reflection", "ingest"],
)
async def test_incomplete_messages_of_other_services_are_limited(
    served: _Served, method: str, places: int
) -> None:
    """They have their own limit. Calls and health probes are served meanwhile."""
    chunk = b"q" * (_LARGE_BYTES - 1)
    probe: Any = served.api.channel.unary_unary("/grpc.health.v1.Health/Check")

    async def attempt() -> None:
        async with (
            served.clients(10) as clients,
            _uploads(clients, 10, method, _LARGE_BYTES, chunk),
            _small_calls(served.api),
        ):
            await eventually(lambda: _all_but(places, clients, 100))
            await probe(b"", timeout=5)

    await _check_twice(served, attempt, places * MAX_RECEIVE_BYTES + 16 * WINDOW_BYTES)


async def test_a_worker_rejects_large_health_requests(processes: Processes, database_url: str) -> None:
    """Ten connections announce 4 MB in ten calls each, and are rejected before they send them."""
    worker = processes.worker(database_url)
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    memory = MemoryGrowth(worker.pid)
    chunk = b"q" * (_LARGE_BYTES - 1)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(open_stalled_client(worker.address)) for _ in range(10)]
        async with _uploads(clients, 10, HEALTH_WATCH, _LARGE_BYTES, chunk):
            await eventually(lambda: _all_but(0, clients, 100))
        assert {status for client in clients for status in client.endings_by_stream.values()} == {_OVERLOADED}
        assert all(client.max_streams == 100 for client in clients)
    assert await worker.is_serving("liveness")
    assert memory.grown_bytes < _OVERHEAD_BYTES


@asynccontextmanager
async def _uploads(
    clients: list[StalledClient], calls: int, method: str, announced_bytes: int, chunk: bytes
) -> AsyncIterator[None]:
    """Let each client send parts of this many messages concurrently, until the end of the block."""
    uploads = [
        client.upload(client.call(method, is_unfinished=True), announced_bytes, chunk)
        for client in clients
        for _ in range(calls)
    ]
    async with background_task(_all(uploads)):
        yield


async def _all(coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


async def _all_but(count: int, clients: list[StalledClient], calls: int) -> bool:
    return sum(len(client.endings_by_stream) for client in clients) >= calls - count


async def test_calls_without_a_message_are_limited(served: _Served) -> None:
    """Three thousand on ten connections are rejected. Another call is answered soon afterwards."""

    async def attempt() -> None:
        async with served.clients(10) as clients:
            for client in clients:
                for _ in range(300):
                    client.call(_CREATE, is_unfinished=True)
            await eventually(
                lambda: _all_but(MAX_SLOW + MAX_READING + MAX_WAITING, clients, 3_000), within=60
            )
            # Calls without a message are closed within a moment.
            await eventually(lambda: _is_served(served.api), within=1)

    await _check_twice(served, attempt, 32 * MIB)


async def _is_served(api: Api) -> bool:
    return await api.orders.CreateOrder(create_order(), timeout=5).code() is grpc.StatusCode.OK


async def test_large_requests_while_the_database_does_not_respond(served: _Served) -> None:
    """Sixty of 3.9 MB, five at a time. Those beyond the limit are rejected with OVERLOADED."""
    request = pad_message(create_order(), _LARGE_BYTES)

    async def calls(client: StalledClient) -> None:
        for _ in range(12):
            await client.upload(client.call(_CREATE, is_unfinished=True), len(request), request)

    async def attempt() -> None:
        memory = MemoryGrowth(served.pid)
        served.proxy.freeze()
        async with served.clients(5) as clients:
            await asyncio.gather(*(calls(client) for client in clients))
            await eventually(lambda: _all_but(5, clients, 60))
            statuses = Counter(status for client in clients for status in client.endings_by_stream.values())
            assert statuses[_OVERLOADED] >= 55
        assert memory.grown_bytes > 3 * _LARGE_BYTES
        await served.proxy.heal()

    await _check_twice(served, attempt, _UNFINISHED_BYTES + _IN_FLIGHT_BYTES)


async def test_unread_responses_are_limited(served: _Served) -> None:
    """Three hundred lists of 2.8 MB over gRPC. They count until they are written."""

    async def attempt() -> None:
        async with served.clients(6) as clients:
            calls = [
                (client, client.call(_LIST, orders_pb2.ListOrdersRequest(page_size=200)))
                for client in clients
                for _ in range(50)
            ]
            rejections = Counter[str]()

            async def are_all_made() -> bool:
                rejections.update(
                    status for client, call in calls if (status := client.endings_by_stream.pop(call, ""))
                )
                return rejections.total() + sum(len(client.started_streams) for client in clients) >= len(
                    calls
                )

            await eventually(are_all_made)
            assert rejections.keys() == {_OVERLOADED}

    await _check_twice(served, attempt, _IN_FLIGHT_BYTES + _MAKING_BYTES)


async def test_unread_responses_over_http_are_limited(served: _Served) -> None:
    """A hundred lists of 3 MB as JSON."""

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            readers = []
            for _ in range(100):
                reader, writer = await stack.enter_async_context(_connect(served.http_port))
                writer.write(b"GET /api/v1/orders?pageSize=200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                readers.append(reader)
            statuses = Counter([await _read_status(reader) for reader in readers])
            assert statuses[429]
            # Calls that wait too long for a Postgres connection are rejected.
            assert statuses.keys() <= {200, 429, 503}

    await _check_twice(served, attempt, _IN_FLIGHT_BYTES + _MAKING_JSON_BYTES)


async def test_incomplete_bodies_over_http_are_limited(served: _Served) -> None:
    """Two hundred of 4 MB. Those beyond the limit are rejected. Small requests are served meanwhile."""

    async def attempt() -> None:
        async with AsyncExitStack() as stack, _small_calls(served.api):
            responses: list[asyncio.Task[int]] = []
            for _ in range(200):
                reader, writer = await stack.enter_async_context(_connect(served.http_port))
                writer.write(
                    b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n"
                    b"content-length: %d\r\n\r\n" % _LARGE_BYTES
                )
                writer.write(b" " * (_LARGE_BYTES - 1))
                responses.append(asyncio.create_task(_read_status(reader)))

            async def are_most_rejected() -> bool:
                return [response.result() for response in responses if response.done()].count(429) >= 190

            await eventually(are_most_rejected)
            for response in responses:
                response.cancel()

    await _check_twice(served, attempt, _IN_FLIGHT_BYTES)


@asynccontextmanager
async def _connect(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect with a small receive buffer, so that unread bytes wait at the server."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _read_status(reader: asyncio.StreamReader) -> int:
    """Return the status of the response, or 429 when the connection was closed and the response lost."""
    with suppress(ConnectionError):
        if line := await reader.readline():
            return int(line.split()[1])
    return 429

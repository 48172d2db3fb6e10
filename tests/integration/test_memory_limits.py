"""What callers together can make a server process hold, measured from outside while they try.

After each attempt the memory is given back, and a second one finds no more than the first.
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

from tests.support.api import Api
from tests.support.memory import MIB, Memory
from tests.support.processes import FULFILLMENT, Processes, open_client
from tests.support.proxy import Proxy, open_proxy
from tests.support.raw import padded
from tests.support.requests import create_order, item
from tests.support.stalled_client import HEALTH_WATCH, StalledClient, open_stalled_client
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_core.tasks import running
from wms_dev.ports import free_port
from wms_server.app import RECEIVE_LIMIT_BYTES, WINDOW_BYTES
from wms_server.incoming_requests import MAX_READING, MAX_SLOW, MAX_WAITING
from wms_server.ingesting import MAX_INGEST_STREAMS
from wms_server.reflection import MAX_REFLECTION_STREAMS
from wms_server.settings import ServerSettings

pytestmark = [pytest.mark.one_postgres, pytest.mark.slow]

_CREATE = "/wms.orders.v1.OrderService/CreateOrder"
_LIST = "/wms.orders.v1.OrderService/ListOrders"
_INGEST = "/wms.orders.v1.OrderService/IngestOrders"
_REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
_LARGE_BYTES = 3_900_000
#: What gRPC holds of requests that are not whole, at the most (docs/operations.md).
_UNFINISHED_BYTES = (MAX_READING + MAX_SLOW) * RECEIVE_LIMIT_BYTES + MAX_WAITING * WINDOW_BYTES
_IN_FLIGHT_BYTES: int = ServerSettings.model_fields["max_bytes_in_flight"].default
#: What calls and connections themselves take, and what the heap keeps for a while.
_OVERHEAD_BYTES = 40 * MIB
#: What lists take while they are made, of which there are as many as have connections (docs/adr/0031).
_MAKING_BYTES = 2 * 20 * MIB
#: One at a time is written as JSON, too.
_MAKING_JSON_BYTES = _MAKING_BYTES + 64 * MIB
_OVERLOADED = str(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


@dataclass(frozen=True, slots=True)
class _Served:
    pid: int
    api: Api
    http_port: int
    proxy: Proxy

    @asynccontextmanager
    async def clients(self, count: int) -> AsyncIterator[list[StalledClient]]:
        """Connect so many clients that read nothing."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(open_stalled_client(self.api.address)) for _ in range(count)
            ]


@pytest.fixture
async def served(processes: Processes, database_url: str) -> AsyncIterator[_Served]:
    """Give a server process that has done a bit of everything, and has long orders."""
    port = free_port()
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url, http_addr=f"127.0.0.1:{port}")
        await server.serving()
        async with open_client(server.address) as api:
            lines = [item(f"SKU-{number:0252}") for number in range(500)]
            for _ in range(20):
                await api.orders.CreateOrder(create_order(items=lines))
            for _ in range(3):
                await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=200))
            yield _Served(server.pid, api, port, proxy)


async def _twice(served: _Served, attempt: Callable[[], Awaitable[None]], bound_bytes: int) -> None:
    """Make an attempt two times: it takes no more than so much beside the rest, and gives it back.

    The first one may leave what the process needs for the next.
    """
    for left_bytes in (48 * MIB, 8 * MIB):
        memory = Memory(served.pid)
        await attempt()
        await served.api.orders.CreateOrder(create_order(), timeout=10)
        await memory.returned(within_bytes=left_bytes)
        assert memory.grown_bytes < bound_bytes + _OVERHEAD_BYTES


@asynccontextmanager
async def _small_calls(api: Api) -> AsyncIterator[None]:
    """Make small calls, one after the other, all of which have to succeed; wait for twenty of them."""
    codes: Counter[str] = Counter()

    async def calls() -> None:
        while True:
            try:
                await api.orders.CreateOrder(create_order(), timeout=10)
                codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1
            await asyncio.sleep(0.02)

    async def enough() -> bool:
        return codes.total() >= 20

    async with running(calls()):
        yield
        await eventually(enough)
    assert codes.keys() == {"OK"}


async def test_messages_of_which_a_part_is_sent(served: _Served) -> None:
    """Two hundred of 4 MB on twenty connections, which never end: small calls are served meanwhile."""
    part = b"q" * (_LARGE_BYTES - 1)

    async def attempt() -> None:
        async with (
            served.clients(20) as clients,
            _uploads(clients, 10, _CREATE, _LARGE_BYTES, part),
            _small_calls(served.api),
        ):
            # Those that are left have sent all they have, and are waited for.
            await eventually(lambda: _all_but(MAX_SLOW + MAX_READING, clients, 200))

    await _twice(served, attempt, _UNFINISHED_BYTES)


@pytest.mark.parametrize(
    ("method", "places"),
    [(HEALTH_WATCH, 6), (_REFLECTION, MAX_REFLECTION_STREAMS), (_INGEST, MAX_INGEST_STREAMS)],
    ids=["health", "reflection", "ingest"],
)
async def test_other_messages_of_which_a_part_is_sent(served: _Served, method: str, places: int) -> None:
    """They have places of their own, and calls are served meanwhile; a probe of the health, too."""
    part = b"q" * (_LARGE_BYTES - 1)
    probe: Any = served.api.channel.unary_unary("/grpc.health.v1.Health/Check")

    async def attempt() -> None:
        async with (
            served.clients(10) as clients,
            _uploads(clients, 10, method, _LARGE_BYTES, part),
            _small_calls(served.api),
        ):
            await eventually(lambda: _all_but(places, clients, 100))
            await probe(b"", timeout=5)

    await _twice(served, attempt, places * RECEIVE_LIMIT_BYTES + 16 * WINDOW_BYTES)


async def test_a_worker_takes_no_large_health_requests(processes: Processes, database_url: str) -> None:
    """Ten connections that announce 4 MB in ten calls each: refused before they are sent."""
    worker = processes.worker(database_url)
    await worker.serving(FULFILLMENT)
    memory = Memory(worker.pid)
    part = b"q" * (_LARGE_BYTES - 1)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(open_stalled_client(worker.address)) for _ in range(10)]
        async with _uploads(clients, 10, HEALTH_WATCH, _LARGE_BYTES, part):
            await eventually(lambda: _all_but(0, clients, 100))
        assert {status for client in clients for status in client.ended.values()} == {_OVERLOADED}
        assert all(client.max_streams == 100 for client in clients)
    assert await worker.is_serving("liveness")
    assert memory.grown_bytes < _OVERHEAD_BYTES


@asynccontextmanager
async def _uploads(
    clients: list[StalledClient], calls: int, method: str, announced_bytes: int, part: bytes
) -> AsyncIterator[None]:
    """Let each client send parts of so many messages at the same time, until the end of the block."""
    uploads = [
        client.upload(client.call(method, more=True), announced_bytes, part)
        for client in clients
        for _ in range(calls)
    ]
    async with running(_all(uploads)):
        yield


async def _all(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*works)


async def _all_but(count: int, clients: list[StalledClient], calls: int) -> bool:
    return sum(len(client.ended) for client in clients) >= calls - count


async def test_calls_that_send_nothing(served: _Served) -> None:
    """Three thousand on ten connections: they are refused, and a call is answered soon afterwards."""

    async def attempt() -> None:
        async with served.clients(10) as clients:
            for client in clients:
                for _ in range(300):
                    client.call(_CREATE, more=True)
            await eventually(
                lambda: _all_but(MAX_SLOW + MAX_READING + MAX_WAITING, clients, 3_000), within=60
            )
            # Those that have only begun make room within a moment.
            await eventually(lambda: _is_served(served.api), within=1)

    await _twice(served, attempt, 32 * MIB)


async def _is_served(api: Api) -> bool:
    return await api.orders.CreateOrder(create_order(), timeout=5).code() is grpc.StatusCode.OK


async def test_large_requests_while_the_database_does_not_answer(served: _Served) -> None:
    """Sixty of 3.9 MB, five at a time: those that find no room are refused with OVERLOADED."""
    request = padded(create_order(), _LARGE_BYTES)

    async def calls(client: StalledClient) -> None:
        for _ in range(12):
            await client.upload(client.call(_CREATE, more=True), len(request), request)

    async def attempt() -> None:
        memory = Memory(served.pid)
        served.proxy.freeze()
        async with served.clients(5) as clients:
            await asyncio.gather(*(calls(client) for client in clients))
            await eventually(lambda: _all_but(5, clients, 60))
            ended = Counter(status for client in clients for status in client.ended.values())
            assert ended[_OVERLOADED] >= 55
        assert memory.grown_bytes > 3 * _LARGE_BYTES
        await served.proxy.heal()

    await _twice(served, attempt, _UNFINISHED_BYTES + _IN_FLIGHT_BYTES)


async def test_answers_that_are_not_read(served: _Served) -> None:
    """Three hundred lists of 2.8 MB, over gRPC: they count until they are written."""

    async def attempt() -> None:
        async with served.clients(6) as clients:
            calls = [
                (client, client.call(_LIST, orders_pb2.ListOrdersRequest(page_size=200)))
                for client in clients
                for _ in range(50)
            ]
            refused = Counter[str]()

            async def all_are_made() -> bool:
                refused.update(status for client, call in calls if (status := client.ended.pop(call, "")))
                return refused.total() + sum(len(client.begun) for client in clients) >= len(calls)

            await eventually(all_are_made)
            assert refused.keys() == {_OVERLOADED}

    await _twice(served, attempt, _IN_FLIGHT_BYTES + _MAKING_BYTES)


async def test_answers_over_http_that_are_not_read(served: _Served) -> None:
    """A hundred lists of 3 MB as JSON."""

    async def attempt() -> None:
        async with AsyncExitStack() as stack:
            readers = []
            for _ in range(100):
                reader, writer = await stack.enter_async_context(_connected(served.http_port))
                writer.write(b"GET /api/v1/orders?pageSize=200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                readers.append(reader)
            statuses = Counter([await _status(reader) for reader in readers])
            assert statuses[429]
            # Those that wait for a connection to the database for too long are told so.
            assert statuses.keys() <= {200, 429, 503}

    await _twice(served, attempt, _IN_FLIGHT_BYTES + _MAKING_JSON_BYTES)


async def test_bodies_over_http_of_which_a_part_is_sent(served: _Served) -> None:
    """Two hundred of 4 MB: those that find no room are refused; small requests are served meanwhile."""

    async def attempt() -> None:
        async with AsyncExitStack() as stack, _small_calls(served.api):
            answers: list[asyncio.Task[int]] = []
            for _ in range(200):
                reader, writer = await stack.enter_async_context(_connected(served.http_port))
                writer.write(
                    b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\n"
                    b"content-length: %d\r\n\r\n" % _LARGE_BYTES
                )
                writer.write(b" " * (_LARGE_BYTES - 1))
                answers.append(asyncio.create_task(_status(reader)))

            async def most_are_refused() -> bool:
                return [answer.result() for answer in answers if answer.done()].count(429) >= 190

            await eventually(most_are_refused)
            for answer in answers:
                answer.cancel()

    await _twice(served, attempt, _IN_FLIGHT_BYTES)


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect with a small buffer, so that what is not read waits at the server."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _status(reader: asyncio.StreamReader) -> int:
    """Return the status of the answer; 429 where the connection was closed behind one that is lost."""
    with suppress(ConnectionError):
        if line := await reader.readline():
            return int(line.split()[1])
    return 429

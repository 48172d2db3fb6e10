"""A well-behaved caller: it makes a small mix of calls all the time and retries rejected calls."""

import asyncio
import http.client
import math
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import grpc
import httpx
from google.protobuf.json_format import MessageToDict

from tests.attack.registry import Target
from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import is_ready
from tests.support.processes.processes import FULFILLMENT_HEALTH, open_client
from wms.orders.v1 import orders_pb2

#: A call without success within this time has failed.
CALL_SECONDS = 5.0
_PAUSE_SECONDS = 0.03
_RETRY_SECONDS = 0.05
_RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Latencies:
    """Latencies of successful calls in seconds, including retries.

    A failed call counts as infinitely slow.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.errors: list[str] = []
        self.is_over = False

    @property
    def p99_ms(self) -> float:
        """Return the 99th percentile in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[math.ceil(len(ordered) * 0.99) - 1] * 1000 if ordered else math.inf

    async def record(self, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call and retry it until it succeeds, for at most `CALL_SECONDS`."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                while not await _succeeds(call):  # noqa: ASYNC110 # each attempt is a new call
                    await asyncio.sleep(_RETRY_SECONDS)
        except Exception as error:  # every error counts as a failed call
            self.errors.append(" ".join(f"{type(error).__name__}: {error}".split())[:150])
            self.seconds.append(math.inf)
        else:
            self.seconds.append(time.monotonic() - started)


async def _succeeds(call: Callable[[], Awaitable[object]]) -> bool:
    """Return False if the service asks the caller to retry, or does not accept the connection."""
    try:
        await call()
    except grpc.aio.AioRpcError as error:
        if error.code() not in _RETRIED:
            raise
        return False
    except (httpx.TransportError, http.client.HTTPException, OSError):
        return False
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in (429, 503):
            raise
        return False
    return True


@asynccontextmanager
async def calling(target: Target) -> AsyncIterator[Latencies]:
    """Call over gRPC and HTTP, and probe server and worker, until the end of the block."""
    latencies = Latencies()
    loops = [asyncio.create_task(loop(target, latencies)) for loop in (_call_by_grpc, _call_by_http, _probe)]
    try:
        yield latencies
    finally:
        # A waiting call counts as well. Each one has a timeout.
        latencies.is_over = True
        await asyncio.gather(*loops)


async def _call_by_grpc(target: Target, latencies: Latencies) -> None:
    async with open_client(target.address) as api:
        while not latencies.is_over:
            order_id = f"ORD-{uuid.uuid4()}"
            new = create_order(order_id=order_id, request_id=order_id)
            get = orders_pb2.GetOrderRequest(order_id=order_id)
            page = orders_pb2.ListOrdersRequest(page_size=10, customer_id="CUST-001")
            await latencies.record(lambda new=new: api.orders.CreateOrder(new))  # type: ignore[misc]
            await latencies.record(lambda get=get: api.orders.GetOrder(get))  # type: ignore[misc]
            await latencies.record(lambda page=page: api.orders.ListOrders(page))  # type: ignore[misc]
            await asyncio.sleep(_PAUSE_SECONDS)


async def _call_by_http(target: Target, latencies: Latencies) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{target.http_port}", timeout=CALL_SECONDS
    ) as client:

        async def send_request(method: str, path: str, body: object = None) -> None:
            (await client.request(method, path, json=body)).raise_for_status()

        while not latencies.is_over:
            order_id = f"ORD-{uuid.uuid4()}"
            body = MessageToDict(create_order(order_id=order_id, request_id=order_id))
            await latencies.record(lambda body=body: send_request("POST", "/api/v1/orders", body))  # type: ignore[misc]
            path = f"/api/v1/orders/{order_id}"
            await latencies.record(lambda path=path: send_request("GET", path))  # type: ignore[misc]
            await asyncio.sleep(_PAUSE_SECONDS)


async def _probe(target: Target, latencies: Latencies) -> None:
    """Probe server and worker like a kubelet, each time on a new connection."""
    while not latencies.is_over:
        for port in (target.http_port, target.worker_http_port):
            await latencies.record(lambda port=port: asyncio.to_thread(probe, port))  # type: ignore[misc]
        await asyncio.sleep(0.2)


def probe(port: int) -> None:
    """Request the readiness of a process.

    Raises:
        OSError: The process is not ready.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        with connection.getresponse() as response:
            response.read()
            if response.status != 200:
                raise OSError(f"not ready: {response.status}")
    finally:
        connection.close()


async def answers_after(target: Target, within_seconds: float = 20.0) -> float:
    """Return the seconds until server and worker serve new connections, or infinity after the timeout."""
    started = time.monotonic()
    with suppress(TimeoutError):
        async with asyncio.timeout(within_seconds):
            await asyncio.gather(
                *(_wait_until_served(target) for _ in range(4)), _wait_until_worker_served(target)
            )
            return time.monotonic() - started
    return math.inf


async def _wait_until_served(target: Target) -> None:
    """Create an order over gRPC and one over HTTP on new connections, and retry until both succeed."""

    async def call_grpc() -> None:
        async with open_client(target.address) as api:
            await api.orders.CreateOrder(create_order(), timeout=2)

    async def call_http() -> None:
        body = MessageToDict(create_order())
        url = f"http://127.0.0.1:{target.http_port}/api/v1/orders"
        async with httpx.AsyncClient(timeout=2) as client:
            (await client.post(url, json=body)).raise_for_status()

    for attempt in (call_grpc, call_http, lambda: asyncio.to_thread(probe, target.http_port)):
        while not await _succeeds_or_expires(attempt):  # noqa: ASYNC110 # each attempt is a new call
            await asyncio.sleep(_RETRY_SECONDS)


async def _succeeds_or_expires(call: Callable[[], Awaitable[object]]) -> bool:
    with suppress(grpc.aio.AioRpcError, httpx.HTTPError):
        return await _succeeds(call)
    return False


async def _wait_until_worker_served(target: Target) -> None:
    while True:
        async with grpc.aio.insecure_channel(target.worker_address) as channel:
            if await is_ready(channel, FULFILLMENT_HEALTH) and await _succeeds(
                lambda: asyncio.to_thread(probe, target.worker_http_port)
            ):
                return
        await asyncio.sleep(_RETRY_SECONDS)

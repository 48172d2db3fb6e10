"""Client of the public API for the simulator and the demo. Every call has a timeout.

A call is repeated after the statuses of `RETRYABLE_STATUS_CODES`: either nothing was done, or the server
recognizes the repeated request by its request id. Each changing request must therefore have a request id.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import grpc

from wms.orders.v1 import (
    dead_letters_pb2_grpc,
    order_pb2,
    orders_pb2,
    orders_pb2_grpc,
    storage_pb2,
    storage_pb2_grpc,
)

Request = TypeVar("Request")
Response = TypeVar("Response")

# CANCELLED is the status of calls that a stopping server aborts. A call that is cancelled here gets no
# response.
RETRYABLE_STATUS_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
# Statuses that are caused by the connection or the load, not by the request.
UNREACHABLE_STATUS_CODES = RETRYABLE_STATUS_CODES | {grpc.StatusCode.DEADLINE_EXCEEDED}
CALL_TIMEOUT_SECONDS = 10.0
MAX_ATTEMPTS = 6
MAX_CONCURRENT_CALLS = 16
MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.1, 2.0
MAX_PAGE_SIZE = 200
CHANNEL_OPTIONS = (
    # gRPC's own reconnect backoff grows to two minutes; a server that starts late must be found at once.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Proxy variables of the environment must not apply to addresses on this machine.
    ("grpc.enable_http_proxy", 0),
)


class ApiClient:
    """Stubs of all services, and `call`, which retries."""

    def __init__(self, channel: grpc.aio.Channel, actor: str, random_generator: random.Random) -> None:
        self.orders = orders_pb2_grpc.OrderServiceStub(channel)
        self.storage = storage_pb2_grpc.StorageServiceStub(channel)
        self.dead_letters = dead_letters_pb2_grpc.DeadLetterQueueServiceStub(channel)
        self._metadata = (("x-wms-actor", actor),)
        self._random_generator = random_generator

    async def call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> Response:
        """Call a method and return its response.

        Raises:
            grpc.aio.AioRpcError: For a status that is not retryable, or the last status after `MAX_ATTEMPTS`
                attempts.
        """
        for attempt in range(MAX_ATTEMPTS - 1):
            try:
                return await method(request, timeout=CALL_TIMEOUT_SECONDS, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() not in RETRYABLE_STATUS_CODES:
                    raise
            await asyncio.sleep(
                self._random_generator.uniform(0, min(MAX_RETRY_SECONDS, MIN_RETRY_SECONDS * 2**attempt))
            )
        return await method(request, timeout=CALL_TIMEOUT_SECONDS, metadata=self._metadata)

    async def list_orders(
        self, warehouse_id: str, statuses: Iterable[order_pb2.OrderStatus.ValueType]
    ) -> list[order_pb2.Order]:
        """Return all orders of a warehouse in these statuses, newest first."""
        orders: list[order_pb2.Order] = []
        request = orders_pb2.ListOrdersRequest(
            warehouse_id=warehouse_id, statuses=statuses, page_size=MAX_PAGE_SIZE
        )
        while True:
            page = await self.call(self.orders.ListOrders, request)
            orders += page.orders
            if not page.next_page_token:
                return orders
            request.page_token = page.next_page_token

    async def list_stock(self, warehouse_id: str) -> list[storage_pb2.Stock]:
        """Return the stock of each SKU in a warehouse."""
        stock_rows: list[storage_pb2.Stock] = []
        request = storage_pb2.GetStockRequest(warehouse_id=warehouse_id, page_size=MAX_PAGE_SIZE)
        while True:
            page = await self.call(self.storage.GetStock, request)
            stock_rows += page.stock
            if not page.next_page_token:
                return stock_rows
            request.page_token = page.next_page_token

    async def list_carriers(
        self, warehouse_id: str, statuses: Iterable[storage_pb2.CarrierStatus.ValueType]
    ) -> list[storage_pb2.Carrier]:
        """Return all load carriers of a warehouse in these statuses that are still there, by id."""
        carriers: list[storage_pb2.Carrier] = []
        request = storage_pb2.ListCarriersRequest(
            warehouse_id=warehouse_id, statuses=statuses, page_size=MAX_PAGE_SIZE
        )
        while True:
            page = await self.call(self.storage.ListCarriers, request)
            carriers += page.carriers
            if not page.next_page_token:
                return carriers
            request.page_token = page.next_page_token


@asynccontextmanager
async def connect_client(
    target: str, actor: str, random_generator: random.Random
) -> AsyncIterator[ApiClient]:
    """Yield a client of the service at `host:port`, which may start later. `actor` is recorded in events."""
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        yield ApiClient(channel, actor, random_generator)


async def run_concurrently(
    coroutines: Iterable[Coroutine[Any, Any, None]], limit: int = MAX_CONCURRENT_CALLS
) -> None:
    """Run all coroutines, at most `limit` at a time. Raise the first error after all have finished."""
    semaphore = asyncio.Semaphore(limit)
    pending_coroutines = list(coroutines)

    async def run_one(coroutine: Coroutine[Any, Any, None]) -> None:
        async with semaphore:
            await coroutine

    try:
        errors = await asyncio.gather(*map(run_one, pending_coroutines), return_exceptions=True)
    finally:
        # After a cancellation some coroutines were never started; they must be closed.
        for coroutine in pending_coroutines:
            coroutine.close()
    for error in errors:
        if error is not None:
            raise error


def seeded_generator(seed: int) -> random.Random:
    """Create a random generator. The same seed produces the same numbers."""
    return random.Random(seed)  # noqa: S311 - simulation, not cryptography


def create_request_id(purpose: str) -> str:
    """Create a unique request id."""
    return f"{purpose}-{uuid.uuid4()}"

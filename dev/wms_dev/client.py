"""The service as the simulator and the demo see it: its public API, every call bounded in time.

A call is repeated only after an answer that says nothing was done or the same could be done again
(`REPEATABLE`), so each changing request must carry a request id.
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

# CANCELLED is what a server says to the calls that it ends with itself: whoever cancels here gets no answer.
REPEATABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
# Answers that blame the way to the service or its load, not the request.
UNREACHABLE = REPEATABLE | {grpc.StatusCode.DEADLINE_EXCEEDED}
CALL_SECONDS = 10.0
ATTEMPTS = 6
CALLS_AT_ONCE = 16
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LARGEST_PAGE = 200
CHANNEL_OPTIONS = (
    # A server that comes up late must be found at once, not after gRPC's own growing pauses.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # What runs on this machine is not reached through the machine's proxy.
    ("grpc.enable_http_proxy", 0),
)


class Client:
    """The stubs, and the one way to call them."""

    def __init__(self, channel: grpc.aio.Channel, actor: str, rng: random.Random) -> None:
        self.orders = orders_pb2_grpc.OrderServiceStub(channel)
        self.storage = storage_pb2_grpc.StorageServiceStub(channel)
        self.dead_letters = dead_letters_pb2_grpc.DeadLetterQueueServiceStub(channel)
        self._metadata = (("x-wms-actor", actor),)
        self._rng = rng

    async def call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> Response:
        """The answer; raises `grpc.aio.AioRpcError` for any other status, the last one after `ATTEMPTS`."""
        for attempt in range(ATTEMPTS - 1):
            try:
                return await method(request, timeout=CALL_SECONDS, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() not in REPEATABLE:
                    raise
            await asyncio.sleep(self._rng.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)))
        return await method(request, timeout=CALL_SECONDS, metadata=self._metadata)

    async def orders_in(
        self, warehouse_id: str, statuses: Iterable[order_pb2.OrderStatus.ValueType]
    ) -> list[order_pb2.Order]:
        """All orders of a warehouse in these statuses, newest first."""
        found: list[order_pb2.Order] = []
        request = orders_pb2.ListOrdersRequest(
            warehouse_id=warehouse_id, statuses=statuses, page_size=LARGEST_PAGE
        )
        while True:
            page = await self.call(self.orders.ListOrders, request)
            found += page.orders
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def stock(self, warehouse_id: str) -> list[storage_pb2.Stock]:
        """What there is of each SKU in a warehouse."""
        found: list[storage_pb2.Stock] = []
        request = storage_pb2.GetStockRequest(warehouse_id=warehouse_id, page_size=LARGEST_PAGE)
        while True:
            page = await self.call(self.storage.GetStock, request)
            found += page.stock
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def carriers_in(
        self, warehouse_id: str, statuses: Iterable[storage_pb2.CarrierStatus.ValueType]
    ) -> list[storage_pb2.Carrier]:
        """All carriers of a warehouse in these statuses that have not left, by id."""
        found: list[storage_pb2.Carrier] = []
        request = storage_pb2.ListCarriersRequest(
            warehouse_id=warehouse_id, statuses=statuses, page_size=LARGEST_PAGE
        )
        while True:
            page = await self.call(self.storage.ListCarriers, request)
            found += page.carriers
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


@asynccontextmanager
async def connect(target: str, actor: str, rng: random.Random) -> AsyncIterator[Client]:
    """A client of the service at `host:port`, which need not be there yet; `actor` signs its changes."""
    async with grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS) as channel:
        yield Client(channel, actor, rng)


async def at_once(work: Iterable[Coroutine[Any, Any, None]], limit: int = CALLS_AT_ONCE) -> None:
    """Do all of it, so many at a time; raises the first error when the others are done."""
    places = asyncio.Semaphore(limit)
    parts = list(work)

    async def one(part: Coroutine[Any, Any, None]) -> None:
        async with places:
            await part

    try:
        outcomes = await asyncio.gather(*map(one, parts), return_exceptions=True)
    finally:
        # A cancellation leaves parts that were never begun.
        for part in parts:
            part.close()
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


def dice(seed: int) -> random.Random:
    """Chance that can be repeated: the same seed draws the same numbers."""
    return random.Random(seed)  # noqa: S311 - nothing here is secret


def new_request_id(purpose: str) -> str:
    """A request id that nobody used before."""
    return f"{purpose}-{uuid.uuid4()}"

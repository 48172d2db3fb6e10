"""Orders by the hundred: BatchCreateOrders, and the one connection that it is held to."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

import grpc

from benchmarks.api.bodies import as_message, new_orders
from benchmarks.connection import Connection
from benchmarks.queries import query
from benchmarks.rivals.writing import Head, Line, payload, text
from wms.orders.v1 import orders_pb2
from wms_dev.client import CHANNEL_OPTIONS
from wms_dev.problem import Problem

SIZE, CALLERS = 500, 8
METHOD = "/wms.orders.v1.OrderService/BatchCreateOrders"
ROWS = 1000
Method = Callable[[bytes], Any]
_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)


class BatchFailed(Problem):
    """Not every order of a batch was made."""


@dataclass(frozen=True, slots=True)
class Batched:
    """Orders made in all; the other figures are of what ended in the time that was measured."""

    total: int
    rate: float
    p50_ms: float
    p99_ms: float


def requests(seed: int, count: int = 8) -> list[bytes]:
    """Give the requests."""
    wishes = [as_message(order) for order in new_orders(seed, SIZE * count)]
    batches = (wishes[start : start + SIZE] for start in range(0, len(wishes), SIZE))
    return [orders_pb2.BatchCreateOrdersRequest(requests=batch).SerializeToString() for batch in batches]


async def call_batches(address: str, bodies: Sequence[bytes], warm: float, seconds: float) -> Batched:
    """Call for so long with 8 callers, each on a connection of its own. Raises BatchFailed."""
    begin = time.perf_counter() + warm
    ends: list[tuple[float, float]] = []
    async with _methods(address) as methods:
        await _together(_until(method, bodies, begin + seconds, ends) for method in methods)
    taken = [1000 * taken for ended, taken in ends if begin < ended <= begin + seconds]
    cuts = quantiles(taken, n=100) if len(taken) > 1 else [0.0] * 99
    return Batched(SIZE * len(ends), len(taken) * SIZE / seconds, cuts[49], cuts[98])


async def create_many(address: str, bodies: Sequence[bytes], count: int, made: Callable[[int], None]) -> None:
    """Make so many orders, by the batch. Raises BatchFailed."""
    waiting = iter(range(0, count, SIZE))
    async with _methods(address) as methods:
        await _together(_some(method, bodies, waiting, made) for method in methods)


async def _together(callers: Iterable[Coroutine[Any, Any, None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller)
    except ExceptionGroup as failures:
        raise BatchFailed(str(failures.exceptions[0])) from failures


@asynccontextmanager
async def _methods(address: str) -> AsyncIterator[list[Method]]:
    async with AsyncExitStack() as stack:
        channels = [grpc.aio.insecure_channel(address, options=_OPTIONS) for _ in range(CALLERS)]
        for channel in channels:
            await stack.enter_async_context(channel)
            await asyncio.wait_for(channel.channel_ready(), 10)
        # Bytes in, bytes out: the caller is not what is measured.
        yield [_method(channel) for channel in channels]


def _method(channel: grpc.aio.Channel) -> Method:
    method: Any = channel.unary_unary(METHOD)
    return method  # type: ignore[no-any-return] # without serializers its type is unknown


async def _until(
    method: Method, bodies: Sequence[bytes], end: float, ends: list[tuple[float, float]]
) -> None:
    number, answer = 0, b""
    while (began := time.perf_counter()) < end:
        answer = await method(bodies[number % len(bodies)])
        ended = time.perf_counter()
        ends.append((ended, ended - began))
        number += 1
    _check(answer)


async def _some(
    method: Method, bodies: Sequence[bytes], waiting: Iterator[int], made: Callable[[int], None]
) -> None:
    for number in waiting:
        answer = await method(bodies[number // SIZE % len(bodies)])
        made(SIZE)
        if number == 0:
            _check(answer)


def _check(answer: bytes) -> None:
    results = orders_pb2.BatchCreateOrdersResponse.FromString(answer).results
    if len(results) != SIZE or not all(result.order.order_id for result in results):
        raise BatchFailed(f"A batch gave {len(results)} results, the first of them {results[:1]}")


async def insert_rows(connection: Connection, seed: int, seconds: float, name: str) -> tuple[int, float]:
    """Insert a thousand orders a transaction on one connection; gives how many, and how many a second.

    What goes to Postgres is laid out before the clock runs: what is measured is Postgres and the driver.
    """
    wishes = new_orders(seed, ROWS)
    statement = await connection.prepare(query("insert_many.orders"))
    await statement.fetch(*_columns(wishes, f"{name}-W"))
    taken, done = 0.0, 0
    while taken < seconds:
        columns = _columns(wishes, f"{name}-{done:04}")
        began = time.perf_counter()
        await statement.fetch(*columns)
        taken += time.perf_counter() - began
        done += 1
    return (done + 1) * ROWS, done * ROWS / taken


def _columns(wishes: Sequence[dict[str, Any]], name: str) -> list[list[Any]]:
    now = datetime.now(UTC)
    heads, lines, payloads = [], [], []
    for number, wish in enumerate(wishes):
        address = {key: str(value) for key, value in wish["shipping_address"].items()}
        order_id = f"ORD-{name}-{number:04}"
        head = Head(order_id, wish["customer_id"], "WH-01", wish["priority"], None, True, address, now)
        asked = [Line(item["sku"], item["quantity"], *item["unit_price"].values()) for item in wish["items"]]
        heads.append((order_id, head.customer_id, head.warehouse_id, head.priority, text(address), now))
        lines += [(order_id, place, *line) for place, line in enumerate(asked, start=1)]
        payloads.append(text(payload(head, asked)))
    return [list(column) for column in (*zip(*heads, strict=True), payloads, *zip(*lines, strict=True))]

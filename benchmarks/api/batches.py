"""BatchCreateOrders, and its baseline: bulk inserts on one connection."""

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
from benchmarks.competitors.writing import OrderHeader, OrderLine, build_payload, to_json_text
from benchmarks.connection import Connection
from benchmarks.queries import query
from wms.orders.v1 import orders_pb2
from wms_dev.api_client import CHANNEL_OPTIONS
from wms_dev.errors import UserError

ORDERS_PER_BATCH, BATCH_CALLERS = 500, 8
BATCH_METHOD = "/wms.orders.v1.OrderService/BatchCreateOrders"
ORDERS_PER_TRANSACTION = 1000
UnaryMethod = Callable[[bytes], Any]
_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
)


class BatchFailed(UserError):
    """Not every order of a batch was created."""


@dataclass(frozen=True, slots=True)
class BatchLoad:
    """`total` counts all created orders; the other figures only calls that ended in the measured time."""

    total: int
    rate: float
    p50_ms: float
    p99_ms: float


def build_batch_requests(seed: int, count: int = 8) -> list[bytes]:
    """Return encoded requests."""
    create_requests = [as_message(order) for order in new_orders(seed, ORDERS_PER_BATCH * count)]
    batches = (
        create_requests[start : start + ORDERS_PER_BATCH]
        for start in range(0, len(create_requests), ORDERS_PER_BATCH)
    )
    return [orders_pb2.BatchCreateOrdersRequest(requests=batch).SerializeToString() for batch in batches]


async def call_batches(address: str, bodies: Sequence[bytes], warm: float, seconds: float) -> BatchLoad:
    """Call with 8 callers, each on its own connection. Raises BatchFailed.

    `warm` and `seconds` are the durations of the warm-up and of the measurement in seconds.
    """
    measured_from = time.perf_counter() + warm
    call_ends: list[tuple[float, float]] = []
    async with _open_methods(address) as methods:
        await _run_callers(
            _call_until(method, bodies, measured_from + seconds, call_ends) for method in methods
        )
    latencies_ms = [
        1000 * latency
        for ended_at, latency in call_ends
        if measured_from < ended_at <= measured_from + seconds
    ]
    percentiles = quantiles(latencies_ms, n=100) if len(latencies_ms) > 1 else [0.0] * 99
    return BatchLoad(
        ORDERS_PER_BATCH * len(call_ends),
        len(latencies_ms) * ORDERS_PER_BATCH / seconds,
        percentiles[49],
        percentiles[98],
    )


async def create_many(
    address: str, bodies: Sequence[bytes], count: int, count_created: Callable[[int], None]
) -> None:
    """Create `count` orders in batches. Raises BatchFailed."""
    order_numbers = iter(range(0, count, ORDERS_PER_BATCH))
    async with _open_methods(address) as methods:
        await _run_callers(
            _create_batches(method, bodies, order_numbers, count_created) for method in methods
        )


async def _run_callers(callers: Iterable[Coroutine[Any, Any, None]]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller)
    except ExceptionGroup as failures:
        raise BatchFailed(str(failures.exceptions[0])) from failures


@asynccontextmanager
async def _open_methods(address: str) -> AsyncIterator[list[UnaryMethod]]:
    async with AsyncExitStack() as stack:
        channels = [grpc.aio.insecure_channel(address, options=_OPTIONS) for _ in range(BATCH_CALLERS)]
        for channel in channels:
            await stack.enter_async_context(channel)
            await asyncio.wait_for(channel.channel_ready(), 10)
        # Raw bytes: the client's encoding should not use the processor time of the server.
        yield [_bind_method(channel) for channel in channels]


def _bind_method(channel: grpc.aio.Channel) -> UnaryMethod:
    method: Any = channel.unary_unary(BATCH_METHOD)
    return method  # type: ignore[no-any-return] # without serializers its type is unknown


async def _call_until(
    method: UnaryMethod, bodies: Sequence[bytes], end: float, call_ends: list[tuple[float, float]]
) -> None:
    number, response_bytes = 0, b""
    while (started_at := time.perf_counter()) < end:
        response_bytes = await method(bodies[number % len(bodies)])
        ended_at = time.perf_counter()
        call_ends.append((ended_at, ended_at - started_at))
        number += 1
    _check_response(response_bytes)


async def _create_batches(
    method: UnaryMethod,
    bodies: Sequence[bytes],
    order_numbers: Iterator[int],
    count_created: Callable[[int], None],
) -> None:
    for number in order_numbers:
        response_bytes = await method(bodies[number // ORDERS_PER_BATCH % len(bodies)])
        count_created(ORDERS_PER_BATCH)
        if number == 0:
            _check_response(response_bytes)


def _check_response(response_bytes: bytes) -> None:
    results = orders_pb2.BatchCreateOrdersResponse.FromString(response_bytes).results
    if len(results) != ORDERS_PER_BATCH or not all(result.order.order_id for result in results):
        raise BatchFailed(f"A batch returned {len(results)} results, the first of them {results[:1]}")


async def insert_rows(connection: Connection, seed: int, seconds: float, name: str) -> tuple[int, float]:
    """Insert 1,000 orders a transaction on one connection. Return their number and their rate per second.

    The arguments are prepared outside of the measured time, which covers only Postgres and the driver.
    """
    new_order_rows = new_orders(seed, ORDERS_PER_TRANSACTION)
    statement = await connection.prepare(query("insert_many.orders"))
    await statement.fetch(*_build_columns(new_order_rows, f"{name}-W"))
    elapsed_seconds, transaction_count = 0.0, 0
    while elapsed_seconds < seconds:
        columns = _build_columns(new_order_rows, f"{name}-{transaction_count:04}")
        started_at = time.perf_counter()
        await statement.fetch(*columns)
        elapsed_seconds += time.perf_counter() - started_at
        transaction_count += 1
    return (
        transaction_count + 1
    ) * ORDERS_PER_TRANSACTION, transaction_count * ORDERS_PER_TRANSACTION / elapsed_seconds


def _build_columns(new_order_rows: Sequence[dict[str, Any]], name: str) -> list[list[Any]]:
    now = datetime.now(UTC)
    header_rows, line_rows, payloads = [], [], []
    for number, new_order_row in enumerate(new_order_rows):
        address = {key: str(value) for key, value in new_order_row["shipping_address"].items()}
        order_id = f"ORD-{name}-{number:04}"
        order_header = OrderHeader(
            order_id,
            new_order_row["customer_id"],
            "WH-01",
            new_order_row["priority"],
            None,
            True,
            address,
            now,
        )
        order_lines = [
            OrderLine(item["sku"], item["quantity"], *item["unit_price"].values())
            for item in new_order_row["items"]
        ]
        header_rows.append(
            (
                order_id,
                order_header.customer_id,
                order_header.warehouse_id,
                order_header.priority,
                to_json_text(address),
                now,
            )
        )
        line_rows += [(order_id, line_number, *line) for line_number, line in enumerate(order_lines, start=1)]
        payloads.append(to_json_text(build_payload(order_header, order_lines)))
    return [
        list(column) for column in (*zip(*header_rows, strict=True), payloads, *zip(*line_rows, strict=True))
    ]

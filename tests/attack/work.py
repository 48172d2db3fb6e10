"""Attacks on processor time and Postgres connections: small requests with a high cost."""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any

import asyncpg
import grpc

from tests.attack.peers import ORDERS, OWN_CONNECTION, call_status, head_of, http_request, open_peers
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.builders.requests import create_order, item
from tests.support.clients.raw_calls import encode_field, encode_varint
from wms.orders.v1 import order_pb2, orders_pb2

_MEGABYTE = 1_000_000
_BATCH_OF_BAD_LINES = orders_pb2.BatchCreateOrdersRequest(
    requests=[orders_pb2.CreateOrderRequest(items=[order_pb2.OrderItem()] * 500)] * 500
).SerializeToString()
#: Messages that take the most work for their bytes, by the method that receives them.
_MESSAGES = {
    "ListOrders": b"\x0a" + encode_varint(_MEGABYTE) + b"\x63" * _MEGABYTE,
    "CreateOrder": encode_field(3, b"") * 2_000_000,
    "BatchGetOrders": encode_field(1, b"") * 1_900_000,
    "BatchCreateOrders": _BATCH_OF_BAD_LINES,
    "UpdateOrder": encode_field(3, encode_field(1, b"a") * 1_300_000),
    "GetOrder": encode_field(1000, b"x" * 3_900_000),
    "CancelOrder": b"\xc3\x3e" * 1_900_000,
    "AssignOrdersToWave": encode_field(1, b"a") * 1_300_000,
}


async def _call(target: Target, method: str, messages: Iterable[bytes], timeout_seconds: float) -> Responses:
    """Make calls at the same time, each on a connection of its own. Count their results."""

    async def call(message: bytes) -> str:
        async with grpc.aio.insecure_channel(target.address, options=OWN_CONNECTION) as channel:
            return await call_status(channel, method, message, timeout_seconds)

    return Counter(await asyncio.gather(*map(call, messages)))


@attack(Kind.WORK, "rounds", long=(3, 0), short=(1, 0))
async def send_messages_of_many_elements(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send lists of up to 2,000,000 mostly invalid elements in messages of 4 MB, four at once."""
    responses: Responses = Counter()
    for _ in range(count):
        for method, message in _MESSAGES.items():
            responses += await _call(target, f"{ORDERS}/{method}", [message] * 4, 20)
    return responses


@attack(Kind.WORK, "messages", long=(24, 0), short=(8, 0))
async def repeat_message_with_unknown_statuses(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send a megabyte of unknown statuses repeatedly, four messages at a time."""
    message = _MESSAGES["ListOrders"]
    responses: Responses = Counter()
    for _ in range(0, count, 4):
        responses += await _call(target, f"{ORDERS}/ListOrders", [message] * 4, 20)
    return responses


@attack(Kind.WORK, "bodies", long=(24, 0), short=(8, 0))
async def send_json_of_many_items(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send bodies of 3.9 MB: empty items, orders of a batch, nested lists, numbers, names."""
    bodies = [
        b'{"items":[' + b",".join([b"{}"] * 1_300_000) + b"]}",
        b'{"requests":[' + b",".join([b'{"items":[{}]}'] * 260_000) + b"]}",
        b'{"items":' + b"[" * 1_900_000 + b"]" * 1_900_000 + b"}",
        b'{"items":[{"quantity":' + b"9" * 3_900_000 + b"}]}",
        json.dumps({f"k{number:06}": 1 for number in range(270_000)}).encode(),
    ]
    paths = ("/api/v1/orders", "/api/v1/orders:batchCreate")
    responses: Responses = Counter()
    for number in range(0, count, 2):
        body = bodies[number // 2 % len(bodies)]
        path = paths[body.startswith(b'{"requests"')]
        head = head_of("POST", path, "Connection: close", length=len(body))
        async with open_peers(target.http_port, 2) as peers:
            responses.update(await asyncio.gather(*(http_request(peer, head, body, 20) for peer in peers)))
    return responses


@attack(Kind.WORK, "writers", long=(200, 12), short=(64, 2))
async def make_writers_wait_for_locks(target: Target, count: int, hold_seconds: float) -> Responses:
    """Lock orders in a session while this many calls try to change them."""
    ids = [f"ORD-{uuid.uuid4()}" for _ in range(8)]
    requests = [orders_pb2.CancelOrderRequest(order_id=order_id).SerializeToString() for order_id in ids]
    async with grpc.aio.insecure_channel(target.address) as channel:
        for order_id in ids:
            new = create_order(order_id=order_id).SerializeToString()
            await call_status(channel, f"{ORDERS}/CreateOrder", new, 10)
        session = await asyncpg.connect(target.database_url)
        try:
            async with session.transaction():
                await session.execute("SELECT FROM orders WHERE order_id = ANY ($1) FOR UPDATE", ids)
                writers = [
                    asyncio.create_task(
                        call_status(channel, f"{ORDERS}/CancelOrder", requests[number % len(requests)], 30)
                    )
                    for number in range(count)
                ]
                await asyncio.sleep(hold_seconds)
        finally:
            await session.close()
        return Counter(await asyncio.gather(*writers))


@attack(Kind.WORK, "callers", long=(40, 15), short=(40, 1.5))
async def request_expensive_lists(target: Target, count: int, hold_seconds: float) -> Responses:
    """Request overdue orders, orders of every status, and statistics from this many concurrent callers."""
    statuses = [number for number in order_pb2.OrderStatus.values() if number]
    wide = orders_pb2.ListOrdersRequest(statuses=statuses, warehouse_id="WH-99", page_size=200)
    overdue = orders_pb2.ListOrdersRequest(overdue_only=True, page_size=200)
    calls = (
        (f"{ORDERS}/ListOrders", wide.SerializeToString()),
        (f"{ORDERS}/ListOrders", overdue.SerializeToString()),
        ("/wms.orders.v1.FulfillmentService/GetFulfillmentStats", b""),
        ("/wms.orders.v1.DeadLetterQueueService/GetDeadLetterStats", b""),
    )
    responses: Responses = Counter()
    deadline = time.monotonic() + hold_seconds

    async def request_lists(channel: grpc.aio.Channel, number: int) -> None:
        while time.monotonic() < deadline:
            method, request = calls[number % len(calls)]
            status = await call_status(channel, method, request, 10)
            responses[status] += 1
            if status != "OK":
                await asyncio.sleep(0.01)

    async with grpc.aio.insecure_channel(target.address) as channel:
        await asyncio.gather(*(request_lists(channel, number) for number in range(count)))
    return responses


@attack(Kind.WORK, "streams", long=(8, 12), short=(8, 1.5))
async def ingest_orders_continuously(target: Target, count: int, hold_seconds: float) -> Responses:
    """Ingest orders on this many streams, each as fast as its window allows."""
    request = orders_pb2.IngestOrdersRequest(request=create_order(items=[item()])).SerializeToString()
    responses: Responses = Counter()

    async def ingest(channel: grpc.aio.Channel) -> None:
        method: Any = channel.stream_stream(f"{ORDERS}/IngestOrders")
        call = method(timeout=hold_seconds + 15)
        deadline = time.monotonic() + hold_seconds

        async def send() -> None:
            while time.monotonic() < deadline:
                await call.write(request)
            await call.done_writing()

        send_task = asyncio.create_task(send())
        try:
            async for _ in call:
                responses["OK"] += 1
        except grpc.aio.AioRpcError as error:
            responses[error.code().name] += 1
        finally:
            send_task.cancel()
            await asyncio.gather(send_task, return_exceptions=True)

    async with grpc.aio.insecure_channel(target.address) as channel:
        await asyncio.gather(*(ingest(channel) for _ in range(count)))
    return responses

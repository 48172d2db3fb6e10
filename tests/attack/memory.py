"""Attacks on memory: partial requests, unread responses, requests that wait for the database."""

import asyncio
from collections import Counter

import grpc

from tests.attack.peers import (
    ORDERS,
    OWN_CONNECTION,
    call_status,
    endings,
    head_of,
    open_peers,
    open_stalled_clients,
)
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.builders.requests import create_order, item
from tests.support.clients.raw_calls import pad_message
from wms.orders.v1 import orders_pb2

_LARGE_BYTES = 3_900_000
#: Streams of one connection, each with a partial message.
_STREAMS = 10


@attack(Kind.MEMORY, "messages", long=(200, 15), short=(40, 1))
async def send_partial_messages(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send messages of 4.1 MB without their last 100 kB, on ten streams per connection."""
    part = b"q" * 4_000_000
    async with open_stalled_clients(target.address, count // _STREAMS) as clients:
        sends = [
            client.upload(client.call(f"{ORDERS}/CreateOrder", is_unfinished=True), 4_100_000, part)
            for client in clients
            for _ in range(_STREAMS)
        ]
        tasks = [asyncio.create_task(send) for send in sends]
        done, pending = await asyncio.wait(tasks, timeout=5 + hold_seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return endings(clients) + Counter({"sent": len(done), "pending": len(pending)})


@attack(Kind.MEMORY, "calls", long=(300, 15), short=(60, 1))
async def leave_responses_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """List large orders on connections whose flow-control window stays closed."""
    request = orders_pb2.ListOrdersRequest(page_size=200)
    async with open_stalled_clients(target.address, -(-count // 50)) as clients:
        for number in range(count):
            if not clients[number // 50].is_closed:
                clients[number // 50].call(f"{ORDERS}/ListOrders", request)
        await asyncio.sleep(hold_seconds)
        return endings(clients)


@attack(Kind.MEMORY, "requests", long=(300, 0), short=(60, 0))
async def send_large_requests(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send orders of 3.9 MB at once, almost entirely in a field that the contract does not have."""
    return await _send_large_requests(target, count)


@attack(Kind.MEMORY, "requests", long=(400, 12), short=(60, 2), stops_the_database=True)
async def send_large_requests_while_the_database_hangs(
    target: Target, count: int, hold_seconds: float
) -> Responses:
    """Send large requests while Postgres is stopped."""
    with target.frozen_database():
        calls = asyncio.create_task(_send_large_requests(target, count))
        await asyncio.sleep(hold_seconds)
    return await calls


async def _send_large_requests(target: Target, count: int) -> Responses:
    message = pad_message(create_order(), _LARGE_BYTES)
    async with (
        grpc.aio.insecure_channel(target.address, options=OWN_CONNECTION) as first,
        grpc.aio.insecure_channel(target.address, options=OWN_CONNECTION) as second,
    ):
        calls = (
            call_status((first, second)[number % 2], f"{ORDERS}/CreateOrder", message, 20)
            for number in range(count)
        )
        return Counter(await asyncio.gather(*calls))


@attack(Kind.MEMORY, "requests", long=(400, 15), short=(80, 1))
async def send_partial_json_bodies(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send bodies of 3.9 MB over HTTP without their last byte."""
    head = head_of("POST", "/api/v1/orders", length=_LARGE_BYTES).encode()
    body = b'{"items":[' + b"{}," * ((_LARGE_BYTES - 20) // 3)
    async with open_peers(target.http_port, count, hosts=2) as peers:
        sends = [asyncio.create_task(peer.send(head + body)) for peer in peers]
        done, pending = await asyncio.wait(sends, timeout=5 + hold_seconds)
        if not pending:
            await asyncio.sleep(hold_seconds)
        for send in pending:
            send.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
        return Counter({"sent": sum(send.result() for send in done), "pending": len(pending)})


@attack(Kind.MEMORY, "requests", long=(2_000, 5), short=(300, 0.5))
async def leave_pages_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Request the OpenAPI document over HTTP on twenty connections, and do not read it."""
    request = head_of("GET", "/openapi.json").encode()
    async with open_peers(target.http_port, 20, reads=False) as peers:
        for peer in peers:
            peer.writer.write(request * (count // 20))
        await asyncio.sleep(hold_seconds)
        return Counter({"connections": len(peers)})


@attack(Kind.MEMORY, "orders", long=(400, 2), short=(60, 0.5))
async def watch_large_orders_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Create orders with events of about 250 kB for sixteen subscriptions whose window stays closed."""
    request = orders_pb2.WatchOrdersRequest(position=0)
    lines = [item("S" * 240 + f"{number:04}") for number in range(500)]
    order = create_order(items=lines).SerializeToString()
    async with (
        open_stalled_clients(target.address, 4) as clients,
        grpc.aio.insecure_channel(target.address) as channel,
    ):
        for client in clients:
            for _ in range(4):
                client.call(f"{ORDERS}/WatchOrders", request)
        for _ in range(0, count, 4):
            calls = (call_status(channel, f"{ORDERS}/CreateOrder", order, 20) for _ in range(4))
            await asyncio.gather(*calls)
        await asyncio.sleep(hold_seconds)
        return endings(clients)

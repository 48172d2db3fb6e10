"""Attacks on listeners: connections that are opened and never used, or used against the protocol."""

import asyncio
import random
from collections import Counter

from tests.attack.peers import (
    CONTINUATION,
    DATA,
    HEADERS,
    PREFACE,
    SETTINGS,
    Peer,
    concurrently,
    frame,
    head_of,
    http_request,
    open_peers,
    open_stalled_clients,
    random_bytes,
)
from tests.attack.registry import Kind, Responses, Target, attack


async def _closed(peers: list[Peer]) -> Responses:
    """Return how many of these connections the server has closed."""
    closed = 0
    for peer in peers:
        await peer.read_all(0.001)
        closed += peer.reader.at_eof() or peer.writer.is_closing()
    return Counter({"closed": closed, "open": len(peers) - closed})


@attack(Kind.CONNECTIONS, "connections", long=(1_000, 20), short=(300, 0.5))
async def open_silent_connections(target: Target, count: int, hold_seconds: float) -> Responses:
    """Half of them say nothing to the gRPC port, half only that they speak HTTP/2."""
    async with open_peers(target.grpc_port, count) as peers:
        for peer in peers[::2]:
            await peer.send(PREFACE + frame(SETTINGS, 0, 0))
        await asyncio.sleep(hold_seconds)
        return await _closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(1_000, 0), short=(200, 0))
async def send_garbage(target: Target, count: int, hold_seconds: float) -> Responses:
    """Random bytes to all ports."""
    ports = (target.grpc_port, target.http_port, target.worker_grpc_port, target.worker_http_port)
    told: Responses = Counter()
    for number in range(0, count, 20):
        async with open_peers(ports[number // 20 % len(ports)], 20) as peers:
            for peer in peers:
                await peer.send(random_bytes(random.randrange(1, 5_000)))  # no secret
            await asyncio.sleep(0.02 + hold_seconds)
            told += await _closed(peers)
    return told


@attack(Kind.CONNECTIONS, "frames", long=(100_000, 0), short=(5_000, 0))
async def send_malformed_frames(target: Target, count: int, hold_seconds: float) -> Responses:
    """Frames of any type, flags, stream and content, on a new connection once the server has closed one."""
    left, used = count, 0
    while left > 0:
        async with open_peers(target.grpc_port, 8) as peers:
            for peer in peers:
                await peer.send(PREFACE + frame(SETTINGS, 0, 0))
                frames = b"".join(
                    frame(
                        random.choice((DATA, HEADERS, 2, 3, 4, 5, 6, 7, 8, CONTINUATION, 10, 255)),
                        random.randrange(256),
                        random.randrange(20),
                        random_bytes(random.randrange(64)),
                    )
                    for _ in range(160)
                )
                await peer.send(frames)
                left, used = left - 160, used + 1
            await asyncio.sleep(0.01 + hold_seconds)
    return Counter({"connections": used})


@attack(Kind.CONNECTIONS, "connections", long=(1_200, 20), short=(500, 1))
async def send_stray_bytes_after_an_answer(target: Target, count: int, hold_seconds: float) -> Responses:
    """A line break, or a body after an early answer, begins no request; then silence. From four addresses."""
    plain = head_of("GET", "/health")
    early = head_of("GET", "/health", "Content-Length: 5")
    async with open_peers(target.http_port, count, hosts=4) as peers:

        async def ask(number: int, peer: Peer) -> str:
            head, stray = (plain, b"\r\n") if number % 2 else (early, b"x")
            status = await http_request(peer, head)
            await peer.send(stray)
            return status

        told = await concurrently(ask(*pair) for pair in enumerate(peers))
        await asyncio.sleep(hold_seconds)
        return told + await _closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(500, 35), short=(200, 1))
async def send_headers_slowly(target: Target, count: int, hold_seconds: float) -> Responses:
    """One header each half a second, and never the last one."""
    async with open_peers(target.http_port, count) as peers:
        for peer in peers:
            await peer.send(b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(max(1, int(hold_seconds / 0.5))):
            for peer in peers:
                await peer.send(f"X-{number}: 1\r\n".encode())
            await asyncio.sleep(0.5)
        return await _closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(300, 35), short=(100, 1))
async def send_bodies_slowly(target: Target, count: int, hold_seconds: float) -> Responses:
    """One byte each half a second of a body that has been announced with a megabyte."""
    async with open_peers(target.http_port, count) as peers:
        for peer in peers:
            await peer.send(head_of("POST", "/api/v1/orders", length=1_000_000).encode() + b"{")
        for _ in range(max(1, int(hold_seconds / 0.5))):
            for peer in peers:
                await peer.send(b" ")
            await asyncio.sleep(0.5)
        return await _closed(peers)


@attack(Kind.CONNECTIONS, "requests", long=(20_000, 5), short=(2_000, 0.5))
async def pipeline_requests_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """All at once on ten connections, and no answer is read."""
    request = head_of("GET", "/api/v1/orders?pageSize=5").encode()
    async with open_peers(target.http_port, 10, reads=False) as peers:
        for peer in peers:
            peer.writer.write(request * (count // 10))
        await asyncio.sleep(hold_seconds)
        return Counter({"connections": len(peers)})


@attack(Kind.CONNECTIONS, "streams", long=(1_300, 20), short=(300, 1))
async def open_event_streams_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Server-sent events over HTTP of one client that never reads."""
    request = head_of("GET", "/api/v1/orders:watch?position=0").encode()
    async with open_peers(target.http_port, count, reads=False) as peers:
        for peer in peers:
            await peer.send(request)
        await asyncio.sleep(hold_seconds)
        return Counter({"connections": len(peers)})


@attack(Kind.CONNECTIONS, "connections", long=(400, 20), short=(150, 1))
async def fill_the_port_of_the_worker(target: Target, count: int, hold_seconds: float) -> Responses:
    """Idle connections that answer pings, and as many over HTTP that say nothing."""
    async with (
        open_stalled_clients(target.worker_address, count) as clients,
        open_peers(target.worker_http_port, count, hosts=2) as peers,
    ):
        await asyncio.sleep(hold_seconds)
        told = await _closed(peers)
        told["gRPC closed"] = sum(client.is_closed for client in clients)
        return told

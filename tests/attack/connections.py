"""Attacks on listeners: connections that stay unused, or that violate the protocol."""

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


async def _count_closed(peers: list[Peer]) -> Responses:
    """Return how many of these connections the server has closed."""
    closed = 0
    for peer in peers:
        await peer.read_all(0.001)
        closed += peer.reader.at_eof() or peer.writer.is_closing()
    return Counter({"closed": closed, "open": len(peers) - closed})


@attack(Kind.CONNECTIONS, "connections", long=(1_000, 20), short=(300, 0.5))
async def open_silent_connections(target: Target, count: int, hold_seconds: float) -> Responses:
    """Open connections that send nothing, or only the HTTP/2 preface, to the gRPC port."""
    async with open_peers(target.grpc_port, count) as peers:
        for peer in peers[::2]:
            await peer.send(PREFACE + frame(SETTINGS, 0, 0))
        await asyncio.sleep(hold_seconds)
        return await _count_closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(1_000, 0), short=(200, 0))
async def send_garbage(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send random bytes to all ports."""
    ports = (target.grpc_port, target.http_port, target.worker_grpc_port, target.worker_http_port)
    responses: Responses = Counter()
    for number in range(0, count, 20):
        async with open_peers(ports[number // 20 % len(ports)], 20) as peers:
            for peer in peers:
                await peer.send(random_bytes(random.randrange(1, 5_000)))  # no secret
            await asyncio.sleep(0.02 + hold_seconds)
            responses += await _count_closed(peers)
    return responses


@attack(Kind.CONNECTIONS, "frames", long=(100_000, 0), short=(5_000, 0))
async def send_malformed_frames(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send frames with random type, flags, stream and content.

    Reconnect after the server closes the connection.
    """
    remaining, connection_count = count, 0
    while remaining > 0:
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
                remaining, connection_count = remaining - 160, connection_count + 1
            await asyncio.sleep(0.01 + hold_seconds)
    return Counter({"connections": connection_count})


@attack(Kind.CONNECTIONS, "connections", long=(1_200, 20), short=(500, 1))
async def send_extra_bytes_after_a_response(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send a line break, or a body after an early response, then nothing. Use four client addresses."""
    plain = head_of("GET", "/health")
    early_response = head_of("GET", "/health", "Content-Length: 5")
    async with open_peers(target.http_port, count, hosts=4) as peers:

        async def send(number: int, peer: Peer) -> str:
            head, extra_bytes = (plain, b"\r\n") if number % 2 else (early_response, b"x")
            status = await http_request(peer, head)
            await peer.send(extra_bytes)
            return status

        responses = await concurrently(send(*pair) for pair in enumerate(peers))
        await asyncio.sleep(hold_seconds)
        return responses + await _count_closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(500, 35), short=(200, 1))
async def send_headers_slowly(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send one header every half second, and never the last one."""
    async with open_peers(target.http_port, count) as peers:
        for peer in peers:
            await peer.send(b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(max(1, int(hold_seconds / 0.5))):
            for peer in peers:
                await peer.send(f"X-{number}: 1\r\n".encode())
            await asyncio.sleep(0.5)
        return await _count_closed(peers)


@attack(Kind.CONNECTIONS, "connections", long=(300, 35), short=(100, 1))
async def send_bodies_slowly(target: Target, count: int, hold_seconds: float) -> Responses:
    """Announce a body of a megabyte and send one byte of it every half second."""
    async with open_peers(target.http_port, count) as peers:
        for peer in peers:
            await peer.send(head_of("POST", "/api/v1/orders", length=1_000_000).encode() + b"{")
        for _ in range(max(1, int(hold_seconds / 0.5))):
            for peer in peers:
                await peer.send(b" ")
            await asyncio.sleep(0.5)
        return await _count_closed(peers)


@attack(Kind.CONNECTIONS, "requests", long=(20_000, 5), short=(2_000, 0.5))
async def pipeline_requests_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send all requests at once on ten connections, and read no response."""
    request = head_of("GET", "/api/v1/orders?pageSize=5").encode()
    async with open_peers(target.http_port, 10, reads=False) as peers:
        for peer in peers:
            peer.writer.write(request * (count // 10))
        await asyncio.sleep(hold_seconds)
        return Counter({"connections": len(peers)})


@attack(Kind.CONNECTIONS, "streams", long=(1_300, 20), short=(300, 1))
async def open_event_streams_unread(target: Target, count: int, hold_seconds: float) -> Responses:
    """Open server-sent event streams over HTTP from one client that never reads."""
    request = head_of("GET", "/api/v1/orders:watch?position=0").encode()
    async with open_peers(target.http_port, count, reads=False) as peers:
        for peer in peers:
            await peer.send(request)
        await asyncio.sleep(hold_seconds)
        return Counter({"connections": len(peers)})


@attack(Kind.CONNECTIONS, "connections", long=(400, 20), short=(150, 1))
async def exhaust_worker_connections(target: Target, count: int, hold_seconds: float) -> Responses:
    """Open idle connections that answer pings, and as many over HTTP that send nothing."""
    async with (
        open_stalled_clients(target.worker_address, count) as clients,
        open_peers(target.worker_http_port, count, hosts=2) as peers,
    ):
        await asyncio.sleep(hold_seconds)
        responses = await _count_closed(peers)
        responses["gRPC closed"] = sum(client.is_closed for client in clients)
        return responses

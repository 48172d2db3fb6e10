"""Calls of raw bytes: what a client in another language, or a broken one, may send."""

import asyncio
from typing import Any

import grpc
from google.protobuf.message import Message

from tests.support.api import Api
from tests.support.failures import Failure, failing
from tests.support.waiting import time_limit

#: The service of each rpc that is called raw.
ORDERS = "wms.orders.v1.OrderService"
STORAGE = "wms.orders.v1.StorageService"


def raw_call(api: Api, service: str, rpc: str, request: bytes) -> "grpc.aio.UnaryUnaryCall[bytes, bytes]":
    """Call an rpc with these bytes as its request; gives the bytes of the answer."""
    call: Any = api.channel.unary_unary(f"/{service}/{rpc}")
    return call(request)  # type: ignore[no-any-return]


async def raw_failing(api: Api, service: str, rpc: str, request: bytes) -> Failure:
    """Make such a call that has to fail, and give its failure."""
    return await failing(raw_call(api, service, rpc, request))


def varint(number: int) -> bytes:
    """Write a number as protobuf does; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def field(number: int, value: int | bytes) -> bytes:
    """Write one field: a number as a varint, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def padded(message: Message, size: int) -> bytes:
    """Write a message with a field that no contract knows, so that it has just so many bytes."""
    written = message.SerializeToString()
    for overhead in range(3, 8):
        rest = size - len(written) - overhead
        filling = field(1000, b"x" * rest)
        if len(written) + len(filling) == size:
            return written + filling
    raise AssertionError(f"no padding gives {size} bytes")


async def call_with_headers(address: str, method: str, request: bytes, headers: dict[bytes, bytes]) -> bytes:
    """Make a gRPC call with headers of any bytes, by frames of our own; gives what came until its trailers.

    The server is told to keep no table of headers, so that the bytes of its headers can be looked for.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    sent = {b":method": b"POST", b":scheme": b"http", b":path": method.encode(), b":authority": b"localhost"}
    sent |= {b"te": b"trailers", b"content-type": b"application/grpc", **headers}
    block = b"".join(b"\x10" + _text(name) + _text(value) for name, value in sent.items())
    message = b"\0" + len(request).to_bytes(4, "big") + request
    no_table = (1).to_bytes(2, "big") + (0).to_bytes(4, "big")
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, no_table))
    writer.write(_frame(1, 4, 1, block) + _frame(0, 1, 1, message))
    try:
        async with time_limit(10):
            return await reader.readuntil(b"grpc-status") + await reader.read(10_000)
    finally:
        writer.close()


def _text(value: bytes) -> bytes:
    assert len(value) < 127
    return bytes([len(value)]) + value


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

"""Calls with raw bytes, as clients in other languages or broken clients may send them."""

import asyncio
from typing import Any

import grpc
from google.protobuf.message import Message
from tests.support.clients.errors import CallFailure, expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.waiting import time_limit

#: Full names of the services.
ORDERS = "wms.orders.v1.OrderService"
STORAGE = "wms.orders.v1.StorageService"


def call_raw(api: Api, service: str, rpc: str, request: bytes) -> "grpc.aio.UnaryUnaryCall[bytes, bytes]":
    """Call an rpc with bytes as its request. The call returns the bytes of the response."""
    call: Any = api.channel.unary_unary(f"/{service}/{rpc}")
    return call(request)  # type: ignore[no-any-return]


async def expect_raw_failure(api: Api, service: str, rpc: str, request: bytes) -> CallFailure:
    """Make a raw call that must fail. Return its failure."""
    return await expect_failure(call_raw(api, service, rpc, request))


def encode_varint(number: int) -> bytes:
    """Encode a number as a protobuf varint; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def encode_field(number: int, value: int | bytes) -> bytes:
    """Encode one field: a number as a varint, bytes with their length."""
    if isinstance(value, int):
        return encode_varint(number << 3) + encode_varint(value)
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value


def pad_message(message: Message, size: int) -> bytes:
    """Return an encoded message padded to `size` bytes by an unknown field."""
    encoded = message.SerializeToString()
    for overhead in range(3, 8):
        padding_size = size - len(encoded) - overhead
        padding = encode_field(1000, b"x" * padding_size)
        if len(encoded) + len(padding) == size:
            return encoded + padding
    raise AssertionError(f"no padding gives {size} bytes")


async def call_with_headers(address: str, method: str, request: bytes, headers: dict[bytes, bytes]) -> bytes:
    """Make a gRPC call with arbitrary header bytes, by raw HTTP/2 frames. Return the received bytes.

    The header table of the connection has size 0, so the response headers are literal bytes.
    """
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    all_headers = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": method.encode(),
        b":authority": b"localhost",
    }
    all_headers |= {b"te": b"trailers", b"content-type": b"application/grpc", **headers}
    block = b"".join(
        b"\x10" + _encode_header_text(name) + _encode_header_text(value)
        for name, value in all_headers.items()
    )
    message = b"\0" + len(request).to_bytes(4, "big") + request
    no_table = (1).to_bytes(2, "big") + (0).to_bytes(4, "big")
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _encode_frame(4, 0, 0, no_table))
    writer.write(_encode_frame(1, 4, 1, block) + _encode_frame(0, 1, 1, message))
    try:
        async with time_limit(10):
            return await reader.readuntil(b"grpc-status") + await reader.read(10_000)
    finally:
        writer.close()


def _encode_header_text(value: bytes) -> bytes:
    assert len(value) < 127
    return bytes([len(value)]) + value


def _encode_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

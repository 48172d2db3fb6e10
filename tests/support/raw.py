"""Calls of raw bytes: what a client in another language, or a broken one, may send."""

from typing import Any

import grpc
from google.protobuf.message import Message

from tests.support.api import Api
from tests.support.failures import Failure, failing

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

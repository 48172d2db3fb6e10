"""Attacks by requests of no meaning, to every method and path of the contract."""

import json
import random
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from tests.attack.peers import call_status, concurrently, head_of, http_request, open_peers, random_bytes
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.raw import field, varint
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_server.http.bindings import Binding, bindings_of

METHODS: list[MethodDescriptor] = [
    method
    for module in (orders_pb2, reprocessing_pb2, dead_letters_pb2, storage_pb2, fulfillment_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
#: Methods whose effect on the whole service is what they are for, when they are given no argument.
_NOT_AT_RANDOM = ("PauseFulfillment", "StepDown", "SetWorkerMode")
_TEXTS = ("", "ORD-1", "WH-01", "\0", "é", "李", "\ud800", "'; --", "x" * 300, "../..", "%00", "null")
_SEGMENTS = ("ORD-1", "%00", "%ed%a0%80", "x" * 300, "..")
_NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, 10**19)
_UNARY = [method for method in METHODS if not method.client_streaming and method.name not in _NOT_AT_RANDOM]
_random = random.Random()  # no secret


@attack(Kind.RANDOM_INPUT, "calls", long=(20_000, 0), short=(2_000, 0))
async def send_random_protobuf(target: Target, count: int, hold_seconds: float) -> Responses:
    """Random bytes, random fields and broken messages to all methods; none is an INTERNAL error."""
    async with grpc.aio.insecure_channel(target.address) as channel:

        async def call() -> str:
            method = _random.choice(_UNARY)
            name = f"/{method.containing_service.full_name}/{method.name}"
            # A stream has no end.
            make = _first_status if method.server_streaming else call_status
            return await make(
                channel, name, _message(method.input_type), 0.2 if method.server_streaming else 10
            )

        told = await concurrently((call() for _ in range(count)), 40)
    expect_none_of(told, "INTERNAL", "UNKNOWN")
    return told


@attack(Kind.RANDOM_INPUT, "requests", long=(6_000, 0), short=(800, 0))
async def send_random_json(target: Target, count: int, hold_seconds: float) -> Responses:
    """Random JSON, queries and paths to all methods over HTTP; none is a server's error."""
    bindings = [binding for method in _UNARY for binding in bindings_of(method)]

    async def ask() -> str:
        binding = _random.choice(bindings)
        body = b"" if binding.reads else _json(binding)
        head = head_of(binding.method, _path(binding), "Connection: close", length=len(body))
        async with open_peers(target.http_port, 1) as (peer,):
            return await http_request(peer, head, body, 2)

    told = await concurrently(ask() for _ in range(count))
    expect_none_of(told, "500", "502")
    return told


async def _first_status(
    channel: grpc.aio.Channel, method: str, message: bytes, timeout_seconds: float
) -> str:
    stream: Any = channel.unary_stream(method)
    try:
        async for _ in stream(message, timeout=timeout_seconds):
            break
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


class WasNotExpected(Exception):
    """The service gave a response that no request may get."""


def expect_none_of(told: Responses, *statuses: str) -> None:
    """Raise WasNotExpected when one of these is among the responses."""
    if found := [status for status in statuses if told[status]]:
        raise WasNotExpected(f"responses {', '.join(found)} among {dict(told)}")


def _message(descriptor: Descriptor, depth: int = 0) -> bytes:
    """Return a message of some fields of the type, sometimes with bytes that are none."""
    if _random.random() < 0.1:
        return random_bytes(_random.randrange(200))
    fields = [one for one in descriptor.fields if _random.random() < 0.6]
    written = b"".join(_field(one, depth) for one in fields for _ in range(_random.choice((1, 1, 1, 3))))
    return written[: _random.randrange(len(written))] if written and _random.random() < 0.1 else written


def _field(one: FieldDescriptor, depth: int) -> bytes:
    if one.message_type is not None:
        return field(one.number, _message(one.message_type, depth + 1) if depth < 4 else b"")
    if one.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
        return field(one.number, _random.choice(_TEXTS).encode("utf-8", "surrogatepass"))
    if one.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64):
        return varint(one.number << 3 | 1) + random_bytes(8)
    return field(one.number, _random.choice(_NUMBERS))


def _path(binding: Binding) -> str:
    """Return the path of a method, with something where a variable stands."""
    return "/" + "/".join(segment or _random.choice(_SEGMENTS) for segment in binding.template.segments)


def _json(binding: Binding) -> bytes:
    """Return JSON of some fields of the request, sometimes broken."""
    if _random.random() < 0.1:
        return _random.choice((b"", b"{", b"[]", b"null", b'{"a":1e9999}', b'{"\\ud800":1}', b"\xff\xfe{}"))
    written = json.dumps(_value_of(binding.call.input_type, 0)).encode()
    return written[:-1] if _random.random() < 0.1 else written


def _value_of(descriptor: Descriptor, depth: int) -> dict[str, Any]:
    return {
        one.json_name: _random.choice((_value(one, depth), [_value(one, depth)], None, {}, "x", -1, True))
        for one in descriptor.fields
        if _random.random() < 0.6
    }


def _value(one: FieldDescriptor, depth: int) -> Any:
    if one.message_type is not None:
        return _value_of(one.message_type, depth + 1) if depth < 4 else {}
    return _random.choice((*_TEXTS, *_NUMBERS, 1.5, 1e300))

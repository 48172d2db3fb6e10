"""Attacks with random requests to every method and path of the contract."""

import json
import random
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from tests.attack.peers import call_status, concurrently, head_of, http_request, open_peers, random_bytes
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.clients.raw_calls import encode_field, encode_varint
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_server.http.bindings import HttpBinding, get_bindings

METHODS: list[MethodDescriptor] = [
    method
    for module in (orders_pb2, reprocessing_pb2, dead_letters_pb2, storage_pb2, fulfillment_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
#: Methods that affect the entire service when they are called without arguments.
_NOT_AT_RANDOM = ("PauseFulfillment", "StepDown", "SetWorkerMode")
_TEXTS = ("", "ORD-1", "WH-01", "\0", "é", "李", "\ud800", "'; --", "x" * 300, "../..", "%00", "null")
_SEGMENTS = ("ORD-1", "%00", "%ed%a0%80", "x" * 300, "..")
_NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, 10**19)
_UNARY = [method for method in METHODS if not method.client_streaming and method.name not in _NOT_AT_RANDOM]
_random = random.Random()  # no secret


@attack(Kind.RANDOM_INPUT, "calls", long=(20_000, 0), short=(2_000, 0))
async def send_random_protobuf(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send random bytes, random fields and truncated messages to all methods.

    None may cause an INTERNAL error.
    """
    async with grpc.aio.insecure_channel(target.address) as channel:

        async def call() -> str:
            method = _random.choice(_UNARY)
            name = f"/{method.containing_service.full_name}/{method.name}"
            # A stream does not end by itself.
            make = _first_status if method.server_streaming else call_status
            return await make(
                channel, name, _random_message(method.input_type), 0.2 if method.server_streaming else 10
            )

        responses = await concurrently((call() for _ in range(count)), 40)
    expect_none_of(responses, "INTERNAL", "UNKNOWN")
    return responses


@attack(Kind.RANDOM_INPUT, "requests", long=(6_000, 0), short=(800, 0))
async def send_random_json(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send random JSON, queries and paths to all methods over HTTP. None may cause a server error."""
    bindings = [binding for method in _UNARY for binding in get_bindings(method)]

    async def send() -> str:
        binding = _random.choice(bindings)
        body = b"" if binding.is_read_only else _random_json(binding)
        head = head_of(binding.http_method, _random_path(binding), "Connection: close", length=len(body))
        async with open_peers(target.http_port, 1) as (peer,):
            return await http_request(peer, head, body, 2)

    responses = await concurrently(send() for _ in range(count))
    expect_none_of(responses, "500", "502")
    return responses


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
    """The service returned a response that no request may receive."""


def expect_none_of(responses: Responses, *statuses: str) -> None:
    """Reject responses with one of these statuses.

    Raises:
        WasNotExpected: One of the statuses is among the responses.
    """
    if unexpected := [status for status in statuses if responses[status]]:
        raise WasNotExpected(f"responses {', '.join(unexpected)} among {dict(responses)}")


def _random_message(descriptor: Descriptor, depth: int = 0) -> bytes:
    """Return a message with some fields of the type, sometimes with invalid bytes."""
    if _random.random() < 0.1:
        return random_bytes(_random.randrange(200))
    fields = [field for field in descriptor.fields if _random.random() < 0.6]
    encoded = b"".join(
        _random_field(field, depth) for field in fields for _ in range(_random.choice((1, 1, 1, 3)))
    )
    return encoded[: _random.randrange(len(encoded))] if encoded and _random.random() < 0.1 else encoded


def _random_field(field: FieldDescriptor, depth: int) -> bytes:
    if field.message_type is not None:
        return encode_field(
            field.number, _random_message(field.message_type, depth + 1) if depth < 4 else b""
        )
    if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
        return encode_field(field.number, _random.choice(_TEXTS).encode("utf-8", "surrogatepass"))
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FIXED64):
        return encode_varint(field.number << 3 | 1) + random_bytes(8)
    return encode_field(field.number, _random.choice(_NUMBERS))


def _random_path(binding: HttpBinding) -> str:
    """Return the path of a method with random values for its variables."""
    return "/" + "/".join(
        segment or _random.choice(_SEGMENTS) for segment in binding.path_template.path_segments
    )


def _random_json(binding: HttpBinding) -> bytes:
    """Return JSON with some fields of the request, sometimes malformed."""
    if _random.random() < 0.1:
        return _random.choice((b"", b"{", b"[]", b"null", b'{"a":1e9999}', b'{"\\ud800":1}', b"\xff\xfe{}"))
    encoded = json.dumps(_random_object(binding.method_descriptor.input_type, 0)).encode()
    return encoded[:-1] if _random.random() < 0.1 else encoded


def _random_object(descriptor: Descriptor, depth: int) -> dict[str, Any]:
    return {
        field.json_name: _random.choice(
            (_random_value(field, depth), [_random_value(field, depth)], None, {}, "x", -1, True)
        )
        for field in descriptor.fields
        if _random.random() < 0.6
    }


def _random_value(field: FieldDescriptor, depth: int) -> Any:
    if field.message_type is not None:
        return _random_object(field.message_type, depth + 1) if depth < 4 else {}
    return _random.choice((*_TEXTS, *_NUMBERS, 1.5, 1e300))

"""Attacks with page tokens and metadata."""

import asyncio
import base64
import json
from collections import Counter
from itertools import islice

import grpc
from google.protobuf.descriptor import MethodDescriptor

from tests.attack.peers import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    ORDERS,
    call_status,
    concurrently,
    frame,
    grpc_message,
    header_block,
    literal,
    open_http2,
)
from tests.attack.random_input import METHODS, expect_none_of
from tests.attack.registry import Kind, Responses, Target, attack
from tests.support.clients.raw_calls import encode_field

_TEXTS = ("\0", "\ud800", "\x1b[2J", "'; DROP TABLE orders; --", "x" * 600, "²", "9" * 400, "")
_TIMES = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2024-01-15T10:30:00")
_CONTENTS: tuple[object, ...] = (
    *([text] for text in _TEXTS),
    *([time, text] for time in _TIMES for text in _TEXTS),
    *([], {}, None, 5, [1], [None, None], [[]], [1e400], [True, False]),
)


def _build_tokens() -> list[str]:
    """Return encoded token contents with signatures of several lengths, and texts that are not tokens."""
    tokens = []
    for content in _CONTENTS:
        body = json.dumps(content).encode()
        tokens += [
            base64.urlsafe_b64encode(b"s" * length + body).decode().rstrip("=")
            for length in (0, 8, 16, 20, 32)
        ]
    return [*tokens, "=", "\x7f", "x" * 2_048, "x" * 3_000, "é"]


@attack(Kind.TOKENS, "tokens", long=(2_500, 0), short=(700, 0))
async def forge_page_tokens(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send forged page tokens with made-up signatures to every list method of the contract."""
    lists = [method for method in METHODS if "page_token" in method.input_type.fields_by_name]
    argument_pairs = islice(((method, token) for token in _build_tokens() for method in lists), count)
    async with grpc.aio.insecure_channel(target.address) as channel:

        async def send(method: MethodDescriptor, token: str) -> str:
            fields = method.input_type.fields_by_name
            request = encode_field(fields["page_token"].number, token.encode())
            if "order_id" in fields:
                request += encode_field(fields["order_id"].number, b"ORD-1")
            name = f"/{method.containing_service.full_name}/{method.name}"
            return await call_status(channel, name, request, 10)

        responses = await concurrently(send(*arguments) for arguments in argument_pairs)
    expect_none_of(responses, "INTERNAL", "UNKNOWN")
    return responses


_METADATA = (
    [
        (b"x-wms-correlation-id", value)
        for value in (b"\xc3\xa9", b"\xe9\xff", b"\xf0\x9f\x98\x80", b"\x1b[2J")
    ],
    [(b"x-wms-actor", b"\xe6\x9d\x8e-1"), (b"x-wms-actor-bin", b"////")],
    [(f"x-{number}".encode(), b"1") for number in range(300)],
    [(b"x-same", b"1")] * 500,
    [(b"x-large", b"x" * 14_000)],
    [(b"traceparent", b"00-zz-zz-zz"), (b"grpc-timeout", b"99999999H")],
    [(b"grpc-timeout", b"-1S")],
    [(b"grpc-encoding", b"nonsense")],
)


@attack(Kind.TOKENS, "calls", long=(2_000, 0), short=(400, 0))
async def send_hostile_metadata(target: Target, count: int, hold_seconds: float) -> Responses:
    """Send non-ASCII bytes, escape sequences, hundreds of headers, malformed traces and timeouts."""
    body = frame(DATA, END_STREAM, 1, grpc_message(encode_field(1, b"ORD-1")))
    for number in range(0, count, 8):
        async with open_http2(target.grpc_port, 8) as peers:
            for offset, peer in enumerate(peers):
                headers = _METADATA[(number + offset) % len(_METADATA)]
                block = header_block(f"{ORDERS}/GetOrder") + b"".join(literal(*header) for header in headers)
                await peer.send(frame(HEADERS, END_HEADERS, 1, block) + body)
            await asyncio.sleep(0.01 + hold_seconds)
    return Counter({"sent": count})

"""Streamed requests are answered in their order. Requests with a common name run one after the other."""

import asyncio
from collections.abc import AsyncIterator

from wms_server.calls.streaming import run_in_order


async def _stream(*requests: bytes) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


async def test_request_waits_for_an_earlier_one_with_the_same_name() -> None:
    """Requests between them do not wait, and all responses keep the order of the requests."""
    started: dict[bytes, asyncio.Future[bytes]] = {}

    async def start(request: bytes) -> "asyncio.Future[bytes]":
        started[request] = asyncio.get_running_loop().create_future()
        return started[request]

    async def collect() -> list[bytes]:
        requests = _stream(b"A1", b"B1", b"-", b"A2", b"C1")
        names = lambda raw: [raw[:1].decode()] if raw != b"-" else []  # noqa: E731
        return [outcome async for outcome in run_in_order(requests, start, names)]

    collect_task = asyncio.create_task(collect())
    for _ in range(20):
        await asyncio.sleep(0)
    assert list(started) == [b"A1", b"B1", b"-"]
    for request in (b"B1", b"-", b"A1"):
        started[request].set_result(request)
    for _ in range(20):
        await asyncio.sleep(0)
    assert list(started) == [b"A1", b"B1", b"-", b"A2", b"C1"]
    started[b"C1"].set_result(b"C1")
    started[b"A2"].set_result(b"A2")
    assert await collect_task == [b"A1", b"B1", b"-", b"A2", b"C1"]

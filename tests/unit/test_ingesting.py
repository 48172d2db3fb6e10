"""Requests of a stream: answered in their order; those with a name in common are done one after the other."""

import asyncio
from collections.abc import AsyncIterator

from wms_server.ingesting import in_order


async def _sent(*requests: bytes) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


async def test_a_request_with_the_name_of_another_begins_after_it() -> None:
    """Those between them do not wait, and nothing is answered out of order."""
    begun: dict[bytes, asyncio.Future[bytes]] = {}

    async def begin(request: bytes) -> "asyncio.Future[bytes]":
        begun[request] = asyncio.get_running_loop().create_future()
        return begun[request]

    async def collect() -> list[bytes]:
        requests = _sent(b"A1", b"B1", b"-", b"A2", b"C1")
        names = lambda raw: [raw[:1].decode()] if raw != b"-" else []  # noqa: E731
        return [outcome async for outcome in in_order(requests, begin, names)]

    collecting = asyncio.create_task(collect())
    for _ in range(20):
        await asyncio.sleep(0)
    assert list(begun) == [b"A1", b"B1", b"-"]
    for request in (b"B1", b"-", b"A1"):
        begun[request].set_result(request)
    for _ in range(20):
        await asyncio.sleep(0)
    assert list(begun) == [b"A1", b"B1", b"-", b"A2", b"C1"]
    begun[b"C1"].set_result(b"C1")
    begun[b"A2"].set_result(b"A2")
    assert await collecting == [b"A1", b"B1", b"-", b"A2", b"C1"]

"""Streams of requests, each of which is done like a call of its own, and answered in the order given.

So many may be under way; while they are, no further one is read, and the transport holds the client back.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from wms_core.tasks import running

T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Any])
#: How many requests of one stream may be under way (contract: IngestOrders).
WINDOW = 500


def ingest(of: str) -> Callable[[M], M]:
    """Mark a method that writes the outcome of another one, whose requests come in a stream."""

    def mark(method: M) -> M:
        method.ingests = of  # type: ignore[attr-defined]
        return method

    return mark


async def in_order(
    requests: AsyncIterator[bytes], begin: Callable[[bytes], Awaitable[Awaitable[T]]]
) -> AsyncGenerator[T, None]:
    """Give the outcomes of requests in their order; raises what reading or beginning one raises.

    What has begun is no longer waited for when this ends.
    """
    line: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
    room = asyncio.Semaphore(WINDOW)

    async def take_in() -> None:
        try:
            async for request in requests:
                await room.acquire()
                line.put_nowait(asyncio.ensure_future(await begin(request)))
        finally:
            line.put_nowait(None)

    async with running(take_in()) as taking:
        while (outcome := await line.get()) is not None:
            yield await outcome
            room.release()
        await taking

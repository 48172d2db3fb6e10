"""Streams of requests, each of which is done like a call of its own, and answered in the order given.

So many may be under way; while they are, no further one is read, and the transport holds the client back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from typing import Any, TypeVar

from wms_core.tasks import running
from wms_server.memory_budget import MemoryBudget

T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Any])
#: How many requests of one stream may be under way (contract: IngestOrders).
WINDOW = 500
#: How many streams one process takes requests from. Each always has one message on its way in.
MAX_INGEST_STREAMS = 8


def ingest(of: str, names: Callable[[Any], Collection[str]]) -> Callable[[M], M]:
    """Mark a method that writes the outcome of another one, whose requests come in a stream.

    `names` gives what a request has in common with others that must not be done beside it, but after it.
    """

    def mark(method: M) -> M:
        method.ingests, method.names = of, names  # type: ignore[attr-defined]
        return method

    return mark


async def in_order(
    requests: AsyncIterator[bytes],
    begin: Callable[[bytes], Awaitable[Awaitable[T]]],
    names: Callable[[bytes], Collection[str]],
) -> AsyncGenerator[T, None]:
    """Give the outcomes of requests in their order; raises what reading or beginning one raises.

    One that shares a name with one before begins when that is done. What has begun is no longer waited for
    when this ends.
    """
    line: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
    room = asyncio.Semaphore(WINDOW)
    under_way: dict[str, asyncio.Future[T]] = {}

    async def begin_in_turn(request: bytes) -> "asyncio.Future[T]":
        named = names(request)
        if before := {under_way[name] for name in named if name in under_way}:
            await asyncio.wait(before)
        begun = asyncio.ensure_future(await begin(request))
        under_way.update(dict.fromkeys(named, begun))
        if named:
            begun.add_done_callback(lambda _: [under_way.pop(name) for name in named])
        return begun

    async def take_in() -> None:
        try:
            async for request in requests:
                await room.acquire()
                line.put_nowait(await begin_in_turn(request))
        finally:
            line.put_nowait(None)

    async with running(take_in()) as taking:
        while (outcome := await line.get()) is not None:
            yield await outcome
            room.release()
        await taking


class Line:
    """The requests of one stream whose answers have not been sent: the memory holds them until then."""

    def __init__(self, memory: MemoryBudget) -> None:
        """Hold none."""
        self._memory = memory
        self._sizes: deque[int] = deque()

    def add(self, size: int) -> None:
        """Hold one more; its answer has as many bytes."""
        self._sizes.append(size)
        self._memory.add(size)

    def remove(self) -> None:
        """Let the first one go."""
        self._memory.release(self._sizes.popleft())

    def clear(self) -> None:
        """Let all go."""
        self._memory.release(sum(self._sizes))
        self._sizes.clear()

"""Streams of one process: their limits, their send timeout and their end.

A `server_stream` method yields messages outside of any transaction. An error that it raises, before or after
the first message, ends the call with the status of that error. Streams are counted separately from in-flight
calls, so neither kind can exhaust the limit of the other.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from wms_core.application.database import Database
from wms_core.domain.errors import ShuttingDown, TooManyStreams, WatcherTooSlow
from wms_core.runtime.background_tasks import background_task
from wms_server.calls.call import Call
from wms_server.limits.memory_budget import MemoryBudget

#: Yields messages, or the encoded bytes of a message that many subscribers receive.
StreamMethod = Callable[[Database, Any, Call], AsyncGenerator[Message | bytes, None]]
M = TypeVar("M", bound=Callable[..., Any])
T = TypeVar("T")
SendBytes = Callable[[bytes], Awaitable[None]]
#: Seconds that a message may wait for a client that does not read (contract: WatchMoves, WatchOrders).
SEND_TIMEOUT_SECONDS = 30.0


def server_stream(method: M) -> M:
    """Mark a method that responds with a stream: an async generator of its messages."""
    method.is_stream = True  # type: ignore[attr-defined]
    return method


class OpenStreams:
    """A limited number of streams, each run in the task of its call, which can be ended together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open_timeouts: set[asyncio.Timeout] = set()
        self._held_places = 0

    @property
    def count(self) -> int:
        """The number of open streams."""
        return len(self._open_timeouts) + self._held_places

    @contextmanager
    def hold_place(self) -> Iterator[None]:
        """Count a stream that has sent its messages, until the end of the block, where its status is sent.

        The status follows the last message. If the client does not read, the stream and that message stay in
        memory, because gRPC lets a server reset no stream.
        """
        self._held_places += 1
        try:
            yield
        finally:
            self._held_places -= 1

    def close(self) -> None:
        """End every open stream with `ShuttingDown`, even if its client does not read."""
        now = asyncio.get_running_loop().time()
        for stream_timeout in self._open_timeouts:
            if stream_timeout.when() is None:
                stream_timeout.reschedule(now)

    async def run_stream(
        self, stream_messages: AsyncGenerator[T, None], send: Callable[[T], Awaitable[None]]
    ) -> None:
        """Send messages until the stream ends. Errors of the generator and of `send` are raised unchanged.

        Raises:
            TooManyStreams: the limit is reached.
            ShuttingDown: `close` was called.
            WatcherTooSlow: the client does not read.
        """
        if self.count >= self._limit:
            raise TooManyStreams(limit=self._limit)
        stream_timeout = asyncio.timeout(None)
        try:
            async with stream_timeout, aclosing(stream_messages):
                self._open_timeouts.add(stream_timeout)
                async for message in stream_messages:
                    await send_with_timeout(send, message)
        except TimeoutError:
            if stream_timeout.expired():
                raise ShuttingDown from None
            raise
        finally:
            self._open_timeouts.discard(stream_timeout)


async def send_with_timeout(send: Callable[[T], Awaitable[None]], message: T) -> None:
    """Send one message.

    Raises:
        WatcherTooSlow: the client did not read it within `SEND_TIMEOUT_SECONDS`.
    """
    try:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await send(message)
    except TimeoutError:
        raise WatcherTooSlow from None


#: Requests of one stream that may be in flight (contract: IngestOrders).
MAX_PENDING_REQUESTS = 500
#: Streams that one process reads requests from. Each may hold one incoming message of the maximum size.
MAX_INGEST_STREAMS = 8


def client_stream(of_rpc: str, get_conflict_keys: Callable[[Any], Collection[str]]) -> Callable[[M], M]:
    """Mark a method that encodes the results of the rpc `of_rpc`, whose requests arrive in a stream.

    Requests with a common key of `get_conflict_keys` are executed one after another, in their order.
    """

    def mark_method(method: M) -> M:
        method.element_rpc, method.get_conflict_keys = of_rpc, get_conflict_keys  # type: ignore[attr-defined]
        return method

    return mark_method


async def run_in_order(
    request_stream: AsyncIterator[bytes],
    start_request: Callable[[bytes], Awaitable[Awaitable[T]]],
    get_conflict_keys: Callable[[bytes], Collection[str]],
) -> AsyncGenerator[T, None]:
    """Yield the results of requests in the order of their arrival, executed concurrently.

    A request begins after all earlier requests that share a conflict key with it. When the generator is
    closed, started requests continue, but are no longer waited for. Raises the errors of reading and of
    starting a request.
    """
    pending_queue: asyncio.Queue[asyncio.Future[T] | None] = asyncio.Queue()
    window_semaphore = asyncio.Semaphore(MAX_PENDING_REQUESTS)
    running_by_key: dict[str, asyncio.Future[T]] = {}

    async def start_in_turn(request: bytes) -> "asyncio.Future[T]":
        conflict_keys = get_conflict_keys(request)
        if blocking_futures := {running_by_key[name] for name in conflict_keys if name in running_by_key}:
            await asyncio.wait(blocking_futures)
        started_future = asyncio.ensure_future(await start_request(request))
        running_by_key.update(dict.fromkeys(conflict_keys, started_future))
        if conflict_keys:
            started_future.add_done_callback(lambda _: [running_by_key.pop(name) for name in conflict_keys])
        return started_future

    async def read_requests() -> None:
        try:
            async for request in request_stream:
                await window_semaphore.acquire()
                pending_queue.put_nowait(await start_in_turn(request))
        finally:
            pending_queue.put_nowait(None)

    async with background_task(read_requests()) as reader_task:
        while (outcome_future := await pending_queue.get()) is not None:
            yield await outcome_future
            window_semaphore.release()
        await reader_task


class StreamBacklog:
    """Requests of one stream without a sent response; the memory budget counts them until then."""

    def __init__(self, memory_budget: MemoryBudget) -> None:
        self._memory_budget = memory_budget
        self._request_sizes: deque[int] = deque()

    def add_request(self, size_bytes: int) -> None:
        """Count a request; its response is assumed to have the same size."""
        self._request_sizes.append(size_bytes)
        self._memory_budget.add(size_bytes)

    def remove_first(self) -> None:
        """Release the oldest request."""
        self._memory_budget.release(self._request_sizes.popleft())

    def release_all(self) -> None:
        """Release all requests."""
        self._memory_budget.release(sum(self._request_sizes))
        self._request_sizes.clear()

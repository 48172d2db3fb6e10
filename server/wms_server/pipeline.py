"""What every call passes through: admission, decoding, validation, the work, its answer or its error.

The handlers are made once from the descriptors, so that a call pays for no chain of interceptors, and so
that whatever else speaks to callers (HTTP) passes through the same stages. A method of a service is marked
`change` (it runs in one transaction, keeps its answer under the request id, and goes on when the caller
leaves), `read`, or `stream` (see `wms_server.streams`).
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from wms_core.application.once import once
from wms_core.application.ports import Database, RequestKey, Transaction
from wms_core.application.workloads import Usage, Workload
from wms_core.clock import CLOCK
from wms_core.domain.caller import ANONYMOUS
from wms_core.domain.errors import (
    DeadlinePassedAtWork,
    Overloaded,
    ShuttingDown,
    StorageUnavailable,
    WmsError,
)
from wms_core.traces import Tracing
from wms_server.at_work import AtWork, Outcome, refused, tell
from wms_server.calls import ASCII, Call, broken_headers, caller_from
from wms_server.database_spans import in_database
from wms_server.incoming_requests import IncomingRequests
from wms_server.joining import Asked, JoinedMethod, Joining, JoiningLimits
from wms_server.memory_budget import REQUEST_FACTOR, ROOM_SECONDS, MemoryBudget
from wms_server.outgoing_responses import OutgoingResponses
from wms_server.request_decoding import RequestDecoder
from wms_server.requests import Requests
from wms_server.spans import begin_span
from wms_server.streams import Send, StreamMethod, Streams

Method = Callable[[Transaction, Any, Call], Awaitable[Message]]
M = TypeVar("M", bound=Callable[..., Any])
T = TypeVar("T")
Metadata = Sequence[tuple[str, str | bytes]]


def change(method: M) -> M:
    """Mark a method that writes: one transaction, an answer kept under the request id."""
    method.changes = True  # type: ignore[attr-defined]
    return method


def single_change(needs_transaction: Callable[[Any], bool]) -> Callable[[M], M]:
    """Mark a method that writes by one statement, which needs no transaction around it for most requests."""

    def mark(method: M) -> M:
        method.needs_transaction = needs_transaction  # type: ignore[attr-defined]
        return change(method)

    return mark


def prepared(prepare: Callable[[Any], Awaitable[Any]]) -> Callable[[M], M]:
    """Mark a method that gets what this makes of its request, before the transaction, in its place."""

    def mark(method: M) -> M:
        method.prepare = prepare  # type: ignore[attr-defined]
        return method

    return mark


def read(method: M) -> M:
    """Mark a method that only reads."""
    method.changes = False  # type: ignore[attr-defined]
    return method


def costly(method: M) -> M:
    """Mark a method that takes long, as a list, a statistic or a batch: it has connections apart."""
    method.costly = True  # type: ignore[attr-defined]
    return method


def workload_of(method: Any) -> Workload:
    """Return the kind of work of a method, as it is marked."""
    is_costly = getattr(method, "costly", False)
    if method.changes:
        return Workload.BULK if is_costly else Workload.WRITE
    return Workload.LIST if is_costly else Workload.READ


@dataclass(slots=True)
class Limits:
    """How many calls at a time, and for how long (seconds); how many streams, which may last.

    `joining` holds for each rpc whose calls share transactions.
    """

    max_in_flight: int = 1000
    max_bytes_in_flight: int = 64 * 1024 * 1024
    deadline_cap: float = 30.0
    max_streams: int = 2000
    joining: JoiningLimits = field(default_factory=JoiningLimits)


class Pipeline:
    """Runs the calls of one process and counts those that are at work."""

    def __init__(self, database: Database, limits: Limits, tracing: Tracing) -> None:
        """Start with nothing at work, and open."""
        self._database = database
        self._limits = limits
        self.tracing = tracing
        self.memory = MemoryBudget(limits.max_bytes_in_flight)
        self.incoming = IncomingRequests(limits.deadline_cap)
        self.outgoing = OutgoingResponses(self.memory)
        self._at_work = AtWork(self.memory)
        self._streams = Streams(limits.max_streams)
        self.requests = Requests()
        self._closed = self._held = False
        self._newest = 0.0

    def joining(self, method: JoinedMethod) -> Joining:
        """Give what gathers the calls of a method."""
        return Joining(self._database, method, self._limits.joining, self._at_work, self.tracing)

    def alone(self, work: Coroutine[Any, Any, bytes], size: int) -> "asyncio.Future[Outcome]":
        """Begin work that shares nothing with others, on a request of so many bytes."""
        return self._at_work.begin(work, size)

    @property
    def at_work(self) -> int:
        """How many calls are at work, those whose callers have left included."""
        return self._at_work.count

    @property
    def database(self) -> Database:
        """Where the work is done."""
        return self._database

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self._streams.count

    def hold(self) -> None:
        """Refuse calls until `open`: neither the schema nor the time of the database is known yet."""
        self._held = True

    def open(self) -> None:
        """Take calls."""
        self._held = False

    def close(self) -> None:
        """Refuse new calls from now on, and end the open streams."""
        self._closed = True
        self._streams.close()

    async def drained(self) -> None:
        """Wait until no call is at work."""
        await self._at_work.fewer_than(1)

    async def left_alone(self, seconds: float) -> None:
        """Wait until nobody has called for so long."""
        while (pause := self._newest + seconds - time.monotonic()) > 0:  # noqa: ASYNC110 # calls move the end
            await asyncio.sleep(pause)

    def begin(
        self,
        method: MethodDescriptor,
        metadata: Metadata,
        remaining: float | None,
        peer: str = "",
        encoding: str = ASCII,
    ) -> Call:
        """Make the call of a request that has arrived from a peer; its end is the deadline or the cap."""
        seconds = (
            self._limits.deadline_cap if remaining is None else min(remaining, self._limits.deadline_cap)
        )
        span, caller = begin_span(self.tracing, method, caller_from(metadata, encoding))
        ends = time.monotonic() + seconds
        return Call(
            method.name,
            caller,
            CLOCK.now(),
            ends,
            span=span,
            broken_headers=broken_headers(metadata, encoding),
            requests=self.requests,
            source=peer if caller.actor == ANONYMOUS else caller.actor,
        )

    def element(self, rpc: str, stream: Call) -> Call:
        """Make the call of a request that came in a stream; it has the caller of the stream and the cap."""
        ends = time.monotonic() + self._limits.deadline_cap
        return Call(rpc, stream.caller, CLOCK.now(), ends, requests=self.requests, source=stream.source)

    async def run(self, work: "Work", call: Call, request: bytes) -> bytes:
        """Do the call's work and give the bytes of its answer.

        Raises our errors, DeadlinePassedAtWork at the call's end (the work goes on: its outcome is then
        unknown to the caller), and whatever a fault of ours raises.
        """
        self._admit()
        call.expect_headers()
        if self._at_work.count >= self._limits.max_in_flight:
            raise Overloaded(limit=self._limits.max_in_flight)
        self.memory.expect_room(REQUEST_FACTOR * len(request))
        return await _finished(work(call, request), call)

    async def begin_when_there_is_room(self, work: "Work", call: Call, request: bytes) -> Awaitable[bytes]:
        """Begin a call's work, after a wait while too many are at work; gives what `run` would give.

        Raises ShuttingDown.
        """
        await self._at_work.fewer_than(self._limits.max_in_flight)
        while not self._closed and not self.memory.has_room(REQUEST_FACTOR * len(request), large=True):  # noqa: ASYNC110 # answers free it, too
            await asyncio.sleep(ROOM_SECONDS)
        self._admit()
        return _finished(work(call, request), call)

    async def stream(self, work: "StreamWork", call: Call, request: Any, send: Send) -> None:
        """Send the messages of a stream until it ends, in the task of the call, which may be cancelled.

        Raises our errors, those of `Streams.run` among them, with how far the stream has come; and whatever a
        fault of ours raises.
        """
        self._admit()
        call.expect_headers()
        # Of a stream of requests each is counted by itself.
        size = REQUEST_FACTOR * len(request) if isinstance(request, bytes) else 0
        self.memory.expect_room(size)
        try:
            with self.memory.holding(size):
                await self.send_all(work(self._database, call, request), send)
        except WmsError as error:
            error.facts = {**call.reached, **error.facts}
            raise

    async def send_all(self, messages: AsyncGenerator[T, None], send: Callable[[T], Awaitable[None]]) -> None:
        """Send the messages of a stream that is no call of the contract, with the bounds of all streams.

        Raises ShuttingDown, and what `Streams.run` raises.
        """
        self._admit()
        await self._streams.run(messages, send)

    def hold_stream_place(self) -> AbstractContextManager[None]:
        """Count a stream whose messages are over until its status is sent; see `Streams.hold_place`."""
        return self._streams.hold_place()

    def _admit(self) -> None:
        self._newest = time.monotonic()
        if self._closed:
            raise ShuttingDown
        if self._held:
            raise StorageUnavailable


#: Begins the work of one call; what it gives may be cancelled by who no longer waits, which stops nothing.
Work = Callable[[Call, bytes], "asyncio.Future[Outcome]"]
#: What comes is the bytes of one request, or an iterator of many.
StreamWork = Callable[[Database, Call, Any], AsyncGenerator[bytes, None]]


async def _finished(outcome: "asyncio.Future[Outcome]", call: Call) -> bytes:
    """Wait for an outcome until the call's end. Raises DeadlinePassedAtWork, or what the outcome is."""
    end = asyncio.get_running_loop().call_later(call.ends - time.monotonic(), _pass, outcome)
    try:
        found = await outcome
    finally:
        end.cancel()
    if isinstance(found, bytes):
        return found
    if isinstance(found, Exception):
        try:
            raise found
        finally:
            # An error and its frame would keep each other, and the request, until a collection.
            del found, outcome
    return found()


def _pass(outcome: "asyncio.Future[Outcome]") -> None:
    tell(outcome, DeadlinePassedAtWork())


def joined_work_of(pipeline: Pipeline, method: JoinedMethod, descriptor: MethodDescriptor) -> Work:
    """Give the work of one rpc whose calls share transactions: decode, validate, wait for the answer."""
    rpc, has_ids = descriptor.name, "request_id" in descriptor.input_type.fields_by_name
    decoder = RequestDecoder(descriptor)
    joining = pipeline.joining(method)

    def work(call: Call, raw: bytes) -> "asyncio.Future[Outcome]":
        try:
            request = decoder.accept(raw)
        except WmsError as error:
            return refused(error)
        return joining.begin(Asked(request, call, request_key(rpc, request) if has_ids else None, len(raw)))

    return work


def work_of(pipeline: Pipeline, method: Method, descriptor: MethodDescriptor) -> Work:
    """Give the work of one rpc: decode, validate, run in a transaction or a read, encode."""
    changes: bool = method.changes  # type: ignore[attr-defined]
    needs_transaction: Callable[[Any], bool] = getattr(method, "needs_transaction", lambda _request: True)
    prepare: Callable[[Any], Awaitable[Any]] = getattr(method, "prepare", _as_it_is)
    rpc = descriptor.name
    decoder = RequestDecoder(descriptor)
    answers_lists = any(field.is_repeated for field in descriptor.output_type.fields)
    database, workload = pipeline.database, workload_of(method)

    async def work(call: Call, raw: bytes) -> bytes:
        request = decoder.accept(raw)
        wanted = await prepare(request)
        usage = Usage(workload, call.source)
        if not changes:

            async def reading(transaction: Transaction) -> bytes:
                call.expect_time()
                # Since it was admitted, the answers of others may have filled the memory.
                pipeline.memory.expect_room(large=answers_lists)
                return (await method(transaction, wanted, call)).SerializeToString()

            return await _told(call, "read", database.read(reading, usage=usage))
        key = request_key(rpc, request)

        async def changing(transaction: Transaction) -> bytes:
            async def first() -> bytes:
                return (await method(transaction, wanted, call)).SerializeToString()

            call.expect_time()
            return await once(transaction, key, first)

        whole = key is not None or needs_transaction(request)
        return await _told(call, "transaction", database.transact(changing, whole=whole, usage=usage))

    async def _told(call: Call, operation: str, running: Awaitable[bytes]) -> bytes:
        if not call.is_traced:
            return await running
        return await in_database(pipeline.tracing, [call], 1, operation, running)

    return lambda call, raw: pipeline.alone(work(call, raw), len(raw))


async def _as_it_is(request: Any) -> Any:
    return request


def stream_work_of(method: StreamMethod, descriptor: MethodDescriptor) -> StreamWork:
    """Give the work of one rpc that answers with a stream: decode, validate, encode what comes."""
    assert method.streams  # type: ignore[attr-defined] # marked `stream`
    decoder = RequestDecoder(descriptor)

    async def work(database: Database, call: Call, raw: bytes) -> AsyncGenerator[bytes, None]:
        request = decoder.accept(raw)
        async with aclosing(method(database, request, call)) as messages:
            async for message in messages:
                yield message if isinstance(message, bytes) else message.SerializeToString()

    return work


def request_key(rpc: str, request: Any) -> RequestKey | None:
    """Give the key of a request that brought an id: its content is the message without the id."""
    if not request.request_id:
        return None
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    fingerprint = hashlib.sha256(content.SerializeToString(deterministic=True)).digest()
    return RequestKey(rpc, request.request_id, fingerprint)

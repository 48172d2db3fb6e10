"""The pipeline of each call: admission, decoding, validation, the operation, its response or error.

The operations are built once from the descriptors, so a call needs no chain of interceptors, and gRPC and
HTTP share the same stages. The methods of services are marked: `unary_write` (one transaction, a stored
response for its request id, not cancelled when the caller disconnects), `unary_read`, `batched_write` and
`batched_read` (see `wms_server.calls.batching`), `server_stream` and `client_stream` (see
`wms_server.calls.streaming`).
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

from wms_core.application.database import Database, RequestKey, Transaction
from wms_core.application.idempotency import run_idempotent
from wms_core.application.workloads import PoolUsage, WorkloadType
from wms_core.domain.call_context import ANONYMOUS_ACTOR
from wms_core.domain.errors import (
    DeadlinePassedAtWork,
    ServerOverloaded,
    ShuttingDown,
    StorageUnavailable,
    WmsError,
)
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_core.runtime.tracing import SpanTracing
from wms_server.calls.batching import BatchedMethod, BatchLimits, PendingCall, RequestBatcher
from wms_server.calls.call import ASCII_ENCODING, Call, find_broken_headers, parse_caller
from wms_server.calls.in_flight import InFlightCalls, Result, reject_call, resolve
from wms_server.calls.streaming import OpenStreams, SendBytes, StreamMethod
from wms_server.limits.incoming_requests import IncomingRequests
from wms_server.limits.memory_budget import CAPACITY_POLL_SECONDS, REQUEST_FACTOR, MemoryBudget
from wms_server.limits.outgoing_responses import OutgoingResponses
from wms_server.limits.request_decoding import RequestDecoder
from wms_server.observability.call_metrics import RequestMetrics
from wms_server.observability.tracing import start_call_span, trace_operation

UnaryMethod = Callable[[Transaction, Any, Call], Awaitable[Message]]
M = TypeVar("M", bound=Callable[..., Any])
T = TypeVar("T")
CallMetadata = Sequence[tuple[str, str | bytes]]


def unary_write(method: M) -> M:
    """Mark a method that writes: one transaction, with a stored response under the request id."""
    method.is_write = True  # type: ignore[attr-defined]
    return method


def unary_autocommit_write(needs_transaction: Callable[[Any], bool]) -> Callable[[M], M]:
    """Mark a method that writes by one statement, so that most requests need no transaction."""

    def mark_method(method: M) -> M:
        method.needs_transaction = needs_transaction  # type: ignore[attr-defined]
        return unary_write(method)

    return mark_method


def with_prepared_request(prepare_request: Callable[[Any], Awaitable[Any]]) -> Callable[[M], M]:
    """Mark a method that receives the prepared request, made before the transaction, as its request."""

    def mark_method(method: M) -> M:
        method.prepare_request = prepare_request  # type: ignore[attr-defined]
        return method

    return mark_method


def unary_read(method: M) -> M:
    """Mark a method that only reads."""
    method.is_write = False  # type: ignore[attr-defined]
    return method


def long_running(method: M) -> M:
    """Mark a method that takes long, such as a list, a statistic or a batch: it has its own connections."""
    method.is_long_running = True  # type: ignore[attr-defined]
    return method


def get_workload_type(method: Any) -> WorkloadType:
    """Return the workload of a method by its marks."""
    is_long_running = getattr(method, "is_long_running", False)
    if method.is_write:
        return WorkloadType.BULK if is_long_running else WorkloadType.WRITE
    return WorkloadType.LIST if is_long_running else WorkloadType.READ


@dataclass(slots=True)
class PipelineLimits:
    """Limits of calls in number, bytes and seconds, and of streams in number only.

    `batch_limits` applies to each batched rpc separately.
    """

    max_in_flight: int = 1000
    max_bytes_in_flight: int = 64 * 1024 * 1024
    deadline_cap_seconds: float = 30.0
    max_streams: int = 2000
    batch_limits: BatchLimits = field(default_factory=BatchLimits)


class CallPipeline:
    """Runs the calls of one process and counts those in flight."""

    def __init__(
        self, database: Database, pipeline_limits: PipelineLimits, span_tracing: SpanTracing
    ) -> None:
        self._database = database
        self._pipeline_limits = pipeline_limits
        self.span_tracing = span_tracing
        self.memory_budget = MemoryBudget(pipeline_limits.max_bytes_in_flight)
        self.incoming_requests = IncomingRequests(pipeline_limits.deadline_cap_seconds)
        self.outgoing_responses = OutgoingResponses(self.memory_budget)
        self._in_flight = InFlightCalls(self.memory_budget)
        self._open_streams = OpenStreams(pipeline_limits.max_streams)
        self.request_metrics = RequestMetrics()
        self._is_closed = self._is_on_hold = False
        self._last_call_at = 0.0

    def create_batcher(self, method: BatchedMethod) -> RequestBatcher:
        """Return a batcher for the calls of a method."""
        return RequestBatcher(
            self._database, method, self._pipeline_limits.batch_limits, self._in_flight, self.span_tracing
        )

    def start_unbatched(
        self, task_coroutine: Coroutine[Any, Any, bytes], size_bytes: int
    ) -> "asyncio.Future[Result]":
        """Start a call that is not batched, for a request of `size_bytes`; return a future of its result."""
        return self._in_flight.start_task(task_coroutine, size_bytes)

    @property
    def in_flight(self) -> int:
        """The number of in-flight calls, including those whose callers have disconnected."""
        return self._in_flight.count

    @property
    def database(self) -> Database:
        """The database of all calls."""
        return self._database

    @property
    def open_stream_count(self) -> int:
        """The number of open streams."""
        return self._open_streams.count

    def hold_calls(self) -> None:
        """Reject calls until `open`: the schema and the database time are not known yet."""
        self._is_on_hold = True

    def open(self) -> None:
        """Accept calls."""
        self._is_on_hold = False

    def close(self) -> None:
        """Reject new calls from now on, and end the open streams."""
        self._is_closed = True
        self._open_streams.close()

    async def wait_idle(self) -> None:
        """Wait until no call is in flight."""
        await self._in_flight.wait_below(1)

    async def wait_quiet_period(self, quiet_seconds: float) -> None:
        """Wait until no call has arrived for `quiet_seconds`."""
        while (remaining_seconds := self._last_call_at + quiet_seconds - time.monotonic()) > 0:  # noqa: ASYNC110 # calls move the end
            await asyncio.sleep(remaining_seconds)

    def start_call(
        self,
        method: MethodDescriptor,
        metadata: CallMetadata,
        remaining_seconds: float | None,
        peer_address: str = "",
        encoding: str = ASCII_ENCODING,
    ) -> Call:
        """Create the call of a request; its deadline is limited by `deadline_cap_seconds`."""
        timeout_seconds = (
            self._pipeline_limits.deadline_cap_seconds
            if remaining_seconds is None
            else min(remaining_seconds, self._pipeline_limits.deadline_cap_seconds)
        )
        span, caller = start_call_span(self.span_tracing, method, parse_caller(metadata, encoding))
        deadline = time.monotonic() + timeout_seconds
        return Call(
            method.name,
            caller,
            DATABASE_CLOCK.now(),
            deadline,
            span=span,
            broken_headers=find_broken_headers(metadata, encoding),
            request_metrics=self.request_metrics,
            source=peer_address if caller.actor_name == ANONYMOUS_ACTOR else caller.actor_name,
        )

    def create_element_call(self, rpc_name: str, stream_call: Call) -> Call:
        """Create the call of a request in a stream; it has the stream's caller and the maximum deadline."""
        deadline = time.monotonic() + self._pipeline_limits.deadline_cap_seconds
        return Call(
            rpc_name,
            stream_call.caller,
            DATABASE_CLOCK.now(),
            deadline,
            request_metrics=self.request_metrics,
            source=stream_call.source,
        )

    async def run_call(self, unary_operation: "UnaryOperation", call: Call, request: bytes) -> bytes:
        """Run the operation of a call and return its encoded response.

        Raises the error of the operation, and the errors of admission.

        Raises:
            DeadlinePassedAtWork: the deadline passed; the operation continues, its outcome unknown to the
                caller.
        """
        self._admit_call()
        call.reject_broken_headers()
        if self._in_flight.count >= self._pipeline_limits.max_in_flight:
            raise ServerOverloaded(limit=self._pipeline_limits.max_in_flight)
        self.memory_budget.check_capacity(REQUEST_FACTOR * len(request))
        return await _wait_for_result(unary_operation(call, request), call)

    async def start_when_capacity_allows(
        self, unary_operation: "UnaryOperation", call: Call, request: bytes
    ) -> Awaitable[bytes]:
        """Start a call once limits allow it; return an awaitable of the response of `run_call`.

        Raises:
            ShuttingDown: the server drains.
        """
        await self._in_flight.wait_below(self._pipeline_limits.max_in_flight)
        while not self._is_closed and not self.memory_budget.has_capacity(  # noqa: ASYNC110 # responses free it
            REQUEST_FACTOR * len(request), is_large=True
        ):
            await asyncio.sleep(CAPACITY_POLL_SECONDS)
        self._admit_call()
        return _wait_for_result(unary_operation(call, request), call)

    async def run_stream(
        self, stream_operation: "StreamOperation", call: Call, request: Any, send: SendBytes
    ) -> None:
        """Send the messages of a stream until it ends, in the task of the call, which may be cancelled.

        Raises the errors of the operation and of `OpenStreams.run_stream`; expected errors get the position
        of the stream in their metadata.
        """
        self._admit_call()
        call.reject_broken_headers()
        # A stream of requests counts each of its requests separately.
        size_bytes = REQUEST_FACTOR * len(request) if isinstance(request, bytes) else 0
        self.memory_budget.check_capacity(size_bytes)
        try:
            with self.memory_budget.hold_bytes(size_bytes):
                await self.send_all(stream_operation(self._database, call, request), send)
        except WmsError as error:
            error.metadata = {**call.stream_position, **error.metadata}
            raise

    async def send_all(
        self, stream_messages: AsyncGenerator[T, None], send: Callable[[T], Awaitable[None]]
    ) -> None:
        """Send the messages of a stream that is not in the contract, within the limits of all streams.

        Raises the errors of `OpenStreams.run_stream`.

        Raises:
            ShuttingDown: the server drains.
        """
        self._admit_call()
        await self._open_streams.run_stream(stream_messages, send)

    def hold_stream_place(self) -> AbstractContextManager[None]:
        """Count a stream until its status is sent; see `OpenStreams.hold_place`."""
        return self._open_streams.hold_place()

    def _admit_call(self) -> None:
        self._last_call_at = time.monotonic()
        if self._is_closed:
            raise ShuttingDown
        if self._is_on_hold:
            raise StorageUnavailable


#: Starts the operation of a call. Cancelling the returned future does not stop the operation.
UnaryOperation = Callable[[Call, bytes], "asyncio.Future[Result]"]
#: The request is the bytes of one request, or an iterator of many.
StreamOperation = Callable[[Database, Call, Any], AsyncGenerator[bytes, None]]


async def _wait_for_result(outcome_future: "asyncio.Future[Result]", call: Call) -> bytes:
    """Return the response, or raise the error of the operation.

    Raises:
        DeadlinePassedAtWork: the deadline of the call passed first.
    """
    deadline_timer = asyncio.get_running_loop().call_later(
        call.deadline - time.monotonic(), _resolve_expired, outcome_future
    )
    try:
        call_outcome = await outcome_future
    finally:
        deadline_timer.cancel()
    if isinstance(call_outcome, bytes):
        return call_outcome
    if isinstance(call_outcome, Exception):
        try:
            raise call_outcome
        finally:
            # An error and its frame would keep each other, and the request, until a garbage collection.
            del call_outcome, outcome_future
    return call_outcome()


def _resolve_expired(outcome_future: "asyncio.Future[Result]") -> None:
    resolve(outcome_future, DeadlinePassedAtWork())


def build_batched_operation(
    call_pipeline: CallPipeline, method: BatchedMethod, method_descriptor: MethodDescriptor
) -> UnaryOperation:
    """Return the operation of a batched rpc: decode, validate, submit to the batcher."""
    rpc_name, has_request_ids = (
        method_descriptor.name,
        "request_id" in method_descriptor.input_type.fields_by_name,
    )
    request_decoder = RequestDecoder(method_descriptor)
    request_batcher = call_pipeline.create_batcher(method)

    def submit_request(call: Call, request_bytes: bytes) -> "asyncio.Future[Result]":
        try:
            request = request_decoder.decode_and_validate(request_bytes)
        except WmsError as error:
            return reject_call(error)
        return request_batcher.submit_call(
            PendingCall(
                request,
                call,
                build_request_key(rpc_name, request) if has_request_ids else None,
                len(request_bytes),
            )
        )

    return submit_request


def build_unary_operation(
    call_pipeline: CallPipeline, method: UnaryMethod, method_descriptor: MethodDescriptor
) -> UnaryOperation:
    """Return the operation of one rpc: decode, validate, run in a transaction or a read, encode."""
    is_write: bool = method.is_write  # type: ignore[attr-defined]
    needs_transaction: Callable[[Any], bool] = getattr(method, "needs_transaction", lambda _request: True)
    prepare_request: Callable[[Any], Awaitable[Any]] = getattr(method, "prepare_request", _return_unchanged)
    rpc_name = method_descriptor.name
    request_decoder = RequestDecoder(method_descriptor)
    returns_lists = any(field.is_repeated for field in method_descriptor.output_type.fields)
    database, workload_type = call_pipeline.database, get_workload_type(method)

    async def run_request(call: Call, request_bytes: bytes) -> bytes:
        request = request_decoder.decode_and_validate(request_bytes)
        prepared_request = await prepare_request(request)
        pool_usage = PoolUsage(workload_type, call.source)
        if not is_write:

            async def run_read(transaction: Transaction) -> bytes:
                call.raise_if_expired()
                # Since the admission, other responses may have filled the memory budget.
                call_pipeline.memory_budget.check_capacity(is_large=returns_lists)
                return (await method(transaction, prepared_request, call)).SerializeToString()

            return await trace_call(call, "read", database.read(run_read, pool_usage=pool_usage))
        key = build_request_key(rpc_name, request)

        async def run_write(transaction: Transaction) -> bytes:
            async def run_first_time() -> bytes:
                return (await method(transaction, prepared_request, call)).SerializeToString()

            call.raise_if_expired()
            return await run_idempotent(transaction, key, run_first_time)

        is_transactional = key is not None or needs_transaction(request)
        return await trace_call(
            call,
            "transaction",
            database.run_in_transaction(run_write, is_transactional=is_transactional, pool_usage=pool_usage),
        )

    async def trace_call(call: Call, operation_name: str, database_call: Awaitable[bytes]) -> bytes:
        if not call.is_traced:
            return await database_call
        return await trace_operation(call_pipeline.span_tracing, [call], 1, operation_name, database_call)

    return lambda call, request_bytes: call_pipeline.start_unbatched(
        run_request(call, request_bytes), len(request_bytes)
    )


async def _return_unchanged(request: Any) -> Any:
    return request


def build_stream_operation(method: StreamMethod, method_descriptor: MethodDescriptor) -> StreamOperation:
    """Return the operation of one server-streaming rpc: decode, validate, encode each message."""
    assert method.is_stream  # type: ignore[attr-defined] # marked `server_stream`
    request_decoder = RequestDecoder(method_descriptor)

    async def run_stream(database: Database, call: Call, request_bytes: bytes) -> AsyncGenerator[bytes, None]:
        request = request_decoder.decode_and_validate(request_bytes)
        async with aclosing(method(database, request, call)) as stream_messages:
            async for message in stream_messages:
                yield message if isinstance(message, bytes) else message.SerializeToString()

    return run_stream


def build_request_key(rpc_name: str, request: Any) -> RequestKey | None:
    """Return the idempotency key of a request with an id; its fingerprint covers the rest of the message."""
    if not request.request_id:
        return None
    request_content = type(request)()
    request_content.CopyFrom(request)
    request_content.ClearField("request_id")
    content_fingerprint = hashlib.sha256(request_content.SerializeToString(deterministic=True)).digest()
    return RequestKey(rpc_name, request.request_id, content_fingerprint)

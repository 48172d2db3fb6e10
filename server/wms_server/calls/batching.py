"""Batching: concurrent calls of one rpc share a transaction or a query (docs/adr/0017, 0019).

A method that is marked `batched_write` or `batched_read` takes many calls and returns one result for each: a
response or an error. A single call is not delayed: its transaction begins as soon as the event loop is idle.
Under load the event loop is busy, and calls gather until it is idle or a limit of `BatchLimits` is reached.
While a transaction runs, later calls gather for the next one, so calls begin in the order of their arrival.
Only a slow transaction (waiting for a lock, a connection or the disk) does not delay the next one.

Reads are batched in the same way. Each caller encodes its own response, while Postgres runs the next query.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import structlog

from wms_core.application.database import Database, RequestKey, Transaction
from wms_core.application.workloads import PoolUsage, WorkloadType
from wms_core.domain.errors import DeadlinePassed, ServerOverloaded, StorageUnavailable
from wms_core.runtime.tracing import SpanTracing
from wms_server.calls.call import Call
from wms_server.calls.in_flight import InFlightCalls, Result, resolve
from wms_server.observability.tracing import trace_operation

M = TypeVar("M", bound=Callable[..., Any])
RequestT = TypeVar("RequestT")
BatchedMethod = Callable[[Transaction, "Sequence[PendingCall[Any]]"], Awaitable[Sequence[Result]]]
#: Seconds after which a transaction is slow, and the next one begins concurrently.
SLOW_BATCH_SECONDS = 0.01
#: Seconds for which a batch gathers at most while calls keep arriving.
MAX_BATCH_DELAY_SECONDS = 0.005
_log = structlog.get_logger(__name__)


def batched_write(needs_transaction: "Callable[[Sequence[PendingCall[Any]]], bool]") -> Callable[[M], M]:
    """Mark a method that writes for many calls at once and stores their responses under their request ids.

    Calls for which `needs_transaction` is false must be done by one statement, which commits by itself.
    """

    def mark_method(method: M) -> M:
        method.is_batched, method.is_write = True, True  # type: ignore[attr-defined]
        method.needs_transaction = needs_transaction  # type: ignore[attr-defined]
        return method

    return mark_method


def batched_read(method: M) -> M:
    """Mark a method that reads for many calls at once, by one query."""
    method.is_batched, method.is_write = True, False  # type: ignore[attr-defined]
    return method


class PendingCall(NamedTuple, Generic[RequestT]):
    """A validated request with its call, its idempotency key (if any) and its size."""

    request: RequestT
    call: Call
    key: RequestKey | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits of one batch, so that it does not occupy the event loop for long.

    `max_calls` and `max_bytes` (of the requests) limit a transaction. `max_reads` limits the calls of a
    query, because each may return an order of half a megabyte. `max_concurrent_batches` limits the
    transactions that run while some of them are slow; it equals the share of connections (docs/adr/0031).
    With `max_calls` of 1 there is no batching: each call begins at once, and only the connections limit their
    number.
    """

    max_calls: int = 256
    max_bytes: int = 128 * 1024
    max_reads: int = 32
    max_concurrent_batches: int = 3

    @property
    def is_batching(self) -> bool:
        """Whether calls are batched at all."""
        return self.max_calls > 1


class RequestBatcher:
    """Gathers the calls of one method and executes them in batches."""

    def __init__(
        self,
        database: Database,
        method: BatchedMethod,
        batch_limits: BatchLimits,
        in_flight: InFlightCalls,
        span_tracing: SpanTracing,
    ) -> None:
        self._database = database
        self._is_write: bool = method.is_write  # type: ignore[attr-defined]
        self._method = method
        self._batch_limits = batch_limits
        self._max_calls = (
            batch_limits.max_calls if self._is_write else min(batch_limits.max_calls, batch_limits.max_reads)
        )
        self._in_flight = in_flight
        self._span_tracing = span_tracing
        self._waiting_calls: deque[_WaitingCall] = deque()
        self._running_batches: set[asyncio.Task[None]] = set()
        #: The batch that is gathering, or running and not slow. New calls wait for it.
        self._current_batch_task: asyncio.Task[None] | None = None

    def submit_call(self, pending_call: PendingCall[Any]) -> "asyncio.Future[Result]":
        """Submit a call to the next batch and return a future of its result.

        The result is `DeadlinePassed`, with no change made, if the batch begins after the call's deadline.
        Cancelling the future does not cancel the call or its batch.
        """
        outcome_future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting_calls.append(_WaitingCall(pending_call, outcome_future))
        self._in_flight.add_call(pending_call.size_bytes)
        if self._batch_limits.is_batching:
            self._start_next_batch()
        else:
            self._start_task(self._execute_live(self._next_batch()))
        return outcome_future

    def _start_task(self, task_coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(task_coroutine)
        self._running_batches.add(task)
        task.add_done_callback(self._running_batches.discard)
        return task

    def _start_next_batch(self) -> None:
        """Start a batch if calls wait, no batch is current, and the concurrency limit allows it."""
        if (
            self._waiting_calls
            and self._current_batch_task is None
            and len(self._running_batches) < self._batch_limits.max_concurrent_batches
        ):
            self._current_batch_task = self._start_task(self._run_batch())
            self._current_batch_task.add_done_callback(self._stop_awaiting_batch)

    async def _run_batch(self) -> None:
        """Execute the gathered calls once the loop is idle; let the next batch begin if that is slow."""
        await self._wait_until_idle()
        event_loop = asyncio.get_running_loop()
        slow_timer = event_loop.call_later(
            SLOW_BATCH_SECONDS, self._stop_awaiting_batch, self._current_batch_task
        )
        try:
            await self._execute_live(self._next_batch())
        finally:
            slow_timer.cancel()

    def _stop_awaiting_batch(self, batch_task: "asyncio.Task[None] | None") -> None:
        if self._current_batch_task is batch_task:
            self._current_batch_task = None
        # Only the end of the process cancels a batch; then no new batch may begin.
        if batch_task is None or not batch_task.cancelled():
            self._start_next_batch()

    async def _wait_until_idle(self) -> None:
        """Wait until an iteration of the event loop adds no call, the batch is full, or its delay is over."""
        event_loop = asyncio.get_running_loop()
        deadline, seen_count = event_loop.time() + MAX_BATCH_DELAY_SECONDS, 0
        while seen_count < len(self._waiting_calls) < self._max_calls and event_loop.time() < deadline:
            seen_count = len(self._waiting_calls)
            await asyncio.sleep(0)

    def _next_batch(self) -> "list[_WaitingCall]":
        """Remove the first waiting calls from the queue, at least one, within the limits."""
        batch = [self._waiting_calls.popleft()]
        size_bytes = batch[0].pending_call.size_bytes
        while self._waiting_calls and len(batch) < self._max_calls:
            size_bytes += self._waiting_calls[0].pending_call.size_bytes
            if size_bytes > self._batch_limits.max_bytes:
                break
            batch.append(self._waiting_calls.popleft())
        return batch

    async def _execute_live(self, batch: "Sequence[_WaitingCall]") -> None:
        try:
            await self._execute_or_bisect(
                [waiting_call for waiting_call in batch if _is_before_deadline(waiting_call)]
            )
        finally:
            self._in_flight.remove_calls(
                len(batch), sum(waiting_call.pending_call.size_bytes for waiting_call in batch)
            )

    async def _execute_or_bisect(self, batch: "Sequence[_WaitingCall]") -> None:
        """Execute a batch. If an error of one call may have aborted it, execute its halves separately."""
        if not batch:
            return
        try:
            await self._execute(batch)
        except (StorageUnavailable, ServerOverloaded) as error:
            # The transaction may have been committed, or no connection was available: do not repeat it.
            _resolve_batch(batch, [error] * len(batch))
        except Exception as error:
            if len(batch) == 1:
                _resolve_batch(batch, [error])
                return
            _log.warning("batch_halved", calls=len(batch), error=type(error).__name__)
            middle_index = len(batch) // 2
            await self._execute_or_bisect(batch[:middle_index])
            await self._execute_or_bisect(batch[middle_index:])

    async def _execute(self, batch: "Sequence[_WaitingCall]") -> None:
        """Execute a batch and resolve its calls. Errors after the calls were resolved are ignored.

        Raises:
            Exception: the batch failed as a whole.
        """
        pending_calls = [waiting_call.pending_call for waiting_call in batch]
        is_transactional: bool = self._is_write and self._method.needs_transaction(pending_calls)  # type: ignore[attr-defined]
        is_answered = False

        async def run_method(transaction: Transaction) -> Sequence[Result]:
            nonlocal is_answered
            call_outcomes = await self._method(transaction, pending_calls)
            if not is_transactional:
                # The statement is committed: callers need not wait until the connection is released.
                _resolve_batch(batch, call_outcomes)
                is_answered = True
            return call_outcomes

        database = self._database
        if self._is_write:
            # In a shared transaction, a call that meets a lock must not delay the others.
            pool_usage = PoolUsage(WorkloadType.WRITE, is_patient=len(batch) == 1)
            database_call = database.run_in_transaction(
                run_method, is_transactional=is_transactional, pool_usage=pool_usage
            )
        else:
            database_call = database.read(run_method, pool_usage=PoolUsage(WorkloadType.READ))
        try:
            call_outcomes = await self._trace_execution(pending_calls, database_call)
        except Exception:
            if not is_answered:
                raise
        else:
            if is_transactional:
                _resolve_batch(batch, call_outcomes)

    async def _trace_execution(
        self, pending_calls: "Sequence[PendingCall[Any]]", database_call: Awaitable[Sequence[Result]]
    ) -> Sequence[Result]:
        traced_calls = [pending_call.call for pending_call in pending_calls if pending_call.call.is_traced]
        if not traced_calls:
            return await database_call
        operation_name = "transaction" if self._is_write else "read"
        return await trace_operation(
            self._span_tracing, traced_calls, len(pending_calls), operation_name, database_call
        )


class _WaitingCall(NamedTuple):
    pending_call: PendingCall[Any]
    outcome_future: "asyncio.Future[Result]"


def _is_before_deadline(waiting_call: _WaitingCall) -> bool:
    try:
        waiting_call.pending_call.call.raise_if_expired()
    except DeadlinePassed as error:
        resolve(waiting_call.outcome_future, error)
        return False
    return True


def _resolve_batch(batch: Sequence[_WaitingCall], call_outcomes: Sequence[Result]) -> None:
    for waiting_call, call_outcome in zip(batch, call_outcomes, strict=True):
        resolve(waiting_call.outcome_future, call_outcome)

"""Batching: calls that arrive during a batch share the next one, and slow batches do not block others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest
from tests.support.waiting import eventually, with_timeout

from wms_core.application.database import Database, Transaction
from wms_core.application.workloads import PoolUsage
from wms_core.domain.call_context import Caller
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_core.runtime.tracing import SpanTracing
from wms_server.calls import batching
from wms_server.calls.batching import BatchLimits, PendingCall, RequestBatcher, batched_read
from wms_server.calls.call import Call
from wms_server.calls.in_flight import InFlightCalls, Result


class _NoDatabase:
    """Replaces the database. There is nothing to read."""

    async def read(self, operation: Callable[[Any], Awaitable[Any]], *, pool_usage: PoolUsage) -> Any:  # noqa: ARG002
        return await operation(None)


class _ControlledBatches:
    """Blocks each batch until the test finishes it, and records its calls."""

    def __init__(self, limits: BatchLimits) -> None:
        self.started: list[list[str]] = []
        self._gates: list[asyncio.Event] = []

        @batched_read
        async def method(_: Transaction, calls: Sequence[PendingCall[str]]) -> list[Result]:
            gate = asyncio.Event()
            self.started.append([call.request for call in calls])
            self._gates.append(gate)
            await gate.wait()
            return [call.request.encode() for call in calls]

        self._batcher = RequestBatcher(
            cast(Database, _NoDatabase()), method, limits, InFlightCalls(), SpanTracing()
        )

    def submit(self, *names: str) -> "list[asyncio.Future[Result]]":
        deadline = asyncio.get_running_loop().time() + 60
        call = Call("Read", Caller(), DATABASE_CLOCK.now(), deadline)
        return [self._batcher.submit_call(PendingCall(name, call, None, 1)) for name in names]

    def finish(self, number: int) -> None:
        self._gates[number].set()

    async def wait_for_batches(self, count: int) -> None:
        async def are_started() -> bool:
            return len(self.started) >= count

        await eventually(are_started)


@pytest.fixture
def no_slow_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat no batch as slow."""
    monkeypatch.setattr(batching, "SLOW_BATCH_SECONDS", 3600.0)


@pytest.fixture
def all_batches_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every batch as slow at once."""
    monkeypatch.setattr(batching, "SLOW_BATCH_SECONDS", 0.0)


async def _run_event_loop() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("no_slow_batches")
async def test_calls_that_arrive_during_a_batch_share_the_next() -> None:
    """They keep the order of their arrival, and all are answered."""
    batches = _ControlledBatches(BatchLimits())
    first = batches.submit("a")
    await batches.wait_for_batches(1)
    later = batches.submit("b", "c")
    await _run_event_loop()
    later += batches.submit("d")
    await _run_event_loop()
    assert batches.started == [["a"]]
    batches.finish(0)
    await batches.wait_for_batches(2)
    batches.finish(1)
    assert await with_timeout(asyncio.gather(*first, *later), 10) == [b"a", b"b", b"c", b"d"]
    assert batches.started == [["a"], ["b", "c", "d"]]


@pytest.mark.usefixtures("all_batches_slow")
async def test_other_batches_start_beside_slow_ones_up_to_the_limit() -> None:
    """The next batch waits until one of them has ended."""
    batches = _ControlledBatches(BatchLimits(max_concurrent_batches=2))
    results = batches.submit("a")
    await batches.wait_for_batches(1)
    results += batches.submit("b")
    await batches.wait_for_batches(2)
    results += batches.submit("c", "d")
    await _run_event_loop()
    assert batches.started == [["a"], ["b"]]
    batches.finish(1)
    await batches.wait_for_batches(3)
    assert batches.started[2] == ["c", "d"]
    batches.finish(0)
    batches.finish(2)
    assert await with_timeout(asyncio.gather(*results), 10) == [b"a", b"b", b"c", b"d"]


@pytest.mark.usefixtures("no_slow_batches")
async def test_without_batching_each_call_runs_alone() -> None:
    """Calls start independent of running calls, and may end in any order."""
    batches = _ControlledBatches(BatchLimits(max_calls=1))
    results = batches.submit("a", "b")
    await batches.wait_for_batches(2)
    batches.finish(0)
    results += batches.submit("c", "d")
    await batches.wait_for_batches(4)
    for number in range(4):
        batches.finish(number)
    assert await with_timeout(asyncio.gather(*results), 10) == [b"a", b"b", b"c", b"d"]
    assert batches.started == [["a"], ["b"], ["c"], ["d"]]

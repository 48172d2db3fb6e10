"""Bulkheads of the connection pool: limits, fair turns, and no lost place after a cancellation."""

import asyncio

import pytest
from tests.support.waiting import eventually

from wms_core.application.workloads import WorkloadType
from wms_core.domain.errors import WorkloadOverloaded
from wms_core.postgres.bulkheads import PoolBulkheads, WorkloadBulkhead, build_workload_limits

_LONG = 60.0


class _Callers:
    """Callers that each take a place. The order in which they got it is recorded."""

    def __init__(self, bulkhead: WorkloadBulkhead) -> None:
        self._bulkhead = bulkhead
        self.admitted_names: list[str] = []

    def request_place(self, caller: str) -> "asyncio.Task[None]":
        """Request a place for a caller."""

        async def request_place() -> None:
            await self._bulkhead.acquire_place(caller, _LONG)
            self.admitted_names.append(caller)

        return asyncio.create_task(request_place())

    async def request_places(self, *callers: str) -> list["asyncio.Task[None]"]:
        """Request places one after the other, and wait until each caller is admitted or queued."""
        before = len(self.admitted_names) + self._bulkhead.waiting_count
        tasks = [self.request_place(caller) for caller in callers]

        async def are_queued() -> bool:
            return len(self.admitted_names) + self._bulkhead.waiting_count == before + len(callers)

        await eventually(are_queued)
        return tasks

    async def release(self, times: int = 1) -> None:
        """Release places, and let the next callers in."""
        for _ in range(times):
            self._bulkhead.release_place()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def test_only_the_limit_is_admitted_at_a_time() -> None:
    """The others wait, and each one is admitted when a place is released."""
    bulkhead = WorkloadBulkhead(WorkloadType.READ, 2)
    callers = _Callers(bulkhead)
    await callers.request_places("a", "a", "a")
    assert (bulkhead.admitted_count, bulkhead.waiting_count) == (2, 1)
    await callers.release()
    assert (bulkhead.admitted_count, bulkhead.waiting_count) == (2, 0)
    await callers.release(2)
    assert bulkhead.admitted_count == 0


async def test_callers_take_turns() -> None:
    """A caller with many queued calls does not delay the calls of others."""
    callers = _Callers(WorkloadBulkhead(WorkloadType.LIST, 1))
    await callers.request_places("first", "many", "many", "many", "one", "two")
    await callers.release(5)
    assert callers.admitted_names == ["first", "many", "one", "two", "many", "many"]


async def test_cancelled_caller_loses_no_place() -> None:
    """This holds even if the caller is admitted at the same moment."""
    bulkhead = WorkloadBulkhead(WorkloadType.WRITE, 1)
    callers = _Callers(bulkhead)
    await callers.request_places("a")
    cancelled_early, cancelled_when_admitted, remaining = await callers.request_places("gone", "hit", "last")
    cancelled_early.cancel()
    await asyncio.wait({cancelled_early})
    bulkhead.release_place()
    cancelled_when_admitted.cancel()
    await asyncio.wait({cancelled_when_admitted, remaining})
    assert callers.admitted_names == ["a", "last"]
    assert (bulkhead.admitted_count, bulkhead.waiting_count) == (1, 0)


async def test_timeout_error_names_the_workload_and_the_limit() -> None:
    """The queue is the same as before."""
    bulkhead = WorkloadBulkhead(WorkloadType.LIST, 1)
    await bulkhead.acquire_place("", _LONG)
    with pytest.raises(WorkloadOverloaded) as caught:
        await bulkhead.acquire_place("", 0.01)
    assert "lists" in str(caught.value)
    assert caught.value.metadata == {"limit": "1"}
    bulkhead.release_place()
    assert (bulkhead.admitted_count, bulkhead.waiting_count) == (0, 0)


@pytest.mark.parametrize("size", [10, 20, 50, 100])
def test_reads_and_writes_always_have_connections(size: int) -> None:
    """All other workloads together never use the entire pool."""
    limits = build_workload_limits(size, 15, 1)
    for workload in (WorkloadType.READ, WorkloadType.WRITE):
        other_connections = sum(
            limit.max_connections
            for other_workload, limit in limits.items()
            if other_workload is not workload
        )
        assert other_connections < size, workload


@pytest.mark.parametrize("size", range(1, 10))
def test_each_workload_has_at_least_one_connection(size: int) -> None:
    """In a small pool they share connections."""
    assert all(1 <= limit.max_connections <= size for limit in build_workload_limits(size, 15, 1).values())


def test_slow_workloads_have_timeouts() -> None:
    """Contended workloads wait briefly for locks. A list has a part of the statement timeout."""
    bulkheads = PoolBulkheads(build_workload_limits(10, 15, 1))
    assert bulkheads.get_timeout_statements(WorkloadType.WRITE) == " SET LOCAL lock_timeout = 50;"
    assert bulkheads.get_timeout_statements(WorkloadType.CONTENDED) == " SET LOCAL lock_timeout = 1000;"
    assert (
        bulkheads.get_timeout_statements(WorkloadType.LIST)
        == " SET LOCAL lock_timeout = 1000; SET LOCAL statement_timeout = 5000;"
    )
    assert (
        bulkheads.get_timeout_statements(WorkloadType.READ)
        == bulkheads.get_timeout_statements(WorkloadType.BACKGROUND)
        == ""
    )

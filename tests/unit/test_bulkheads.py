"""Turns at the connections: so many at a time, each caller in turn, and none lost by who leaves."""

import asyncio

import pytest

from tests.support.waiting import eventually
from wms_core.application.workloads import Workload
from wms_core.domain.errors import WorkloadOverloaded
from wms_core.postgres.bulkheads import Bulkhead, Bulkheads, limits_for

_LONG = 60.0


class _Users:
    """Callers who take a place each; the order in which they got it is kept."""

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead
        self.admitted: list[str] = []

    def enter(self, caller: str) -> "asyncio.Task[None]":
        """Let one enter as soon as it can."""

        async def enter() -> None:
            await self._bulkhead.enter(caller, _LONG)
            self.admitted.append(caller)

        return asyncio.create_task(enter())

    async def line_up(self, *callers: str) -> list["asyncio.Task[None]"]:
        """Let some enter one after the other, and wait until each has or is in line."""
        before = len(self.admitted) + self._bulkhead.waiting
        tasks = [self.enter(caller) for caller in callers]

        async def are_there() -> bool:
            return len(self.admitted) + self._bulkhead.waiting == before + len(callers)

        await eventually(are_there)
        return tasks

    async def leave(self, times: int = 1) -> None:
        """Let some leave, and whoever is next come in."""
        for _ in range(times):
            self._bulkhead.leave()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def test_so_many_are_admitted_at_a_time() -> None:
    """The others wait, and come in as soon as one leaves."""
    bulkhead = Bulkhead(Workload.READ, 2)
    users = _Users(bulkhead)
    await users.line_up("a", "a", "a")
    assert (bulkhead.taken, bulkhead.waiting) == (2, 1)
    await users.leave()
    assert (bulkhead.taken, bulkhead.waiting) == (2, 0)
    await users.leave(2)
    assert bulkhead.taken == 0


async def test_callers_take_turns() -> None:
    """One with many calls in the line does not keep the others from theirs."""
    users = _Users(Bulkhead(Workload.LIST, 1))
    await users.line_up("first", "many", "many", "many", "one", "two")
    await users.leave(5)
    assert users.admitted == ["first", "many", "one", "two", "many", "many"]


async def test_who_leaves_the_line_takes_no_place_with_him() -> None:
    """Also when his turn comes at the same moment."""
    bulkhead = Bulkhead(Workload.WRITE, 1)
    users = _Users(bulkhead)
    await users.line_up("a")
    gone, hit, last = await users.line_up("gone", "hit", "last")
    gone.cancel()
    await asyncio.wait({gone})
    bulkhead.leave()
    hit.cancel()
    await asyncio.wait({hit, last})
    assert users.admitted == ["a", "last"]
    assert (bulkhead.taken, bulkhead.waiting) == (1, 0)


async def test_who_waits_for_too_long_is_told_what_for() -> None:
    """The refusal names the kind of work and the limit, and leaves the line as it was."""
    bulkhead = Bulkhead(Workload.LIST, 1)
    await bulkhead.enter("", _LONG)
    with pytest.raises(WorkloadOverloaded) as caught:
        await bulkhead.enter("", 0.01)
    assert "lists" in str(caught.value)
    assert caught.value.facts == {"limit": "1"}
    bulkhead.leave()
    assert (bulkhead.taken, bulkhead.waiting) == (0, 0)


@pytest.mark.parametrize("size", [10, 20, 50, 100])
def test_reads_and_writes_have_connections_whatever_the_others_do(size: int) -> None:
    """What all other kinds can hold together leaves some of the pool."""
    limits = limits_for(size, 15, 1)
    for workload in (Workload.READ, Workload.WRITE):
        others = sum(limit.connections for kind, limit in limits.items() if kind is not workload)
        assert others < size, workload


@pytest.mark.parametrize("size", range(1, 10))
def test_each_kind_has_one_connection_at_least(size: int) -> None:
    """In a small pool they share them."""
    assert all(1 <= limit.connections <= size for limit in limits_for(size, 15, 1).values())


def test_the_slow_kinds_have_limits_of_time() -> None:
    """Locks are waited for briefly where others want the connection; a list has a part of a statement's."""
    bulkheads = Bulkheads(limits_for(10, 15, 1))
    assert bulkheads.time_limits(Workload.WRITE) == " SET LOCAL lock_timeout = 50;"
    assert bulkheads.time_limits(Workload.CONTENDED) == " SET LOCAL lock_timeout = 1000;"
    assert (
        bulkheads.time_limits(Workload.LIST)
        == " SET LOCAL lock_timeout = 1000; SET LOCAL statement_timeout = 5000;"
    )
    assert bulkheads.time_limits(Workload.READ) == bulkheads.time_limits(Workload.BACKGROUND) == ""

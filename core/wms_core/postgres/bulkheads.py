"""Limits for each kind of work on a pool of connections, so that no kind takes all (docs/adr/0031)."""

import asyncio
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from wms_core.application.workloads import Workload
from wms_core.domain.errors import WorkloadOverloaded

#: Seconds that a write waits for a lock while it holds a connection that other writes want. Then it waits on
#: one of those that are for waiting.
_BRIEF_LOCK_SECONDS = 0.05
#: What a list may take of the time that any statement may take.
_LIST_SHARE = 1 / 3
#: Connections of each kind, of ten. The slow kinds have few. Reads and writes are quick: together they may
#: have more than the others leave them, and each of both has one whatever the others do.
_OF_TEN = {
    Workload.READ: 3,
    Workload.LIST: 2,
    Workload.WRITE: 3,
    Workload.BULK: 1,
    Workload.CONTENDED: 1,
    Workload.BACKGROUND: 2,
}


@dataclass(frozen=True, slots=True)
class WorkloadLimits:
    """Connections that a kind of work may hold at a time, and how long it may wait in them (seconds).

    Without a time of its own a limit is that of the session.
    """

    connections: int
    lock_seconds: float | None = None
    statement_seconds: float | None = None


def limits_for(
    pool_size: int, statement_seconds: float, lock_seconds: float
) -> dict[Workload, WorkloadLimits]:
    """Return the limits of each kind on a pool of that size, for statements and locks of so many seconds."""
    # Before the time of the statement is over, which says nothing of a lock.
    lock_seconds = min(lock_seconds, statement_seconds / 2)
    waits = {
        Workload.WRITE: (_BRIEF_LOCK_SECONDS, None),
        Workload.BULK: (_BRIEF_LOCK_SECONDS, None),
        Workload.CONTENDED: (lock_seconds, None),
        Workload.LIST: (lock_seconds, statement_seconds * _LIST_SHARE),
    }
    return {
        workload: WorkloadLimits(max(1, pool_size * share // 10), *waits.get(workload, (None, None)))
        for workload, share in _OF_TEN.items()
    }


class Bulkhead:
    """Admits so many at a time; of those who wait, the turn of each caller comes round."""

    def __init__(self, workload: Workload, size: int) -> None:
        """Admit `size` at a time."""
        self._workload = workload
        self._size = size
        self._free = size
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def taken(self) -> int:
        """How many are admitted."""
        return self._size - self._free

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(not turn.done() for line in self._lines.values() for turn in line)

    async def enter(self, caller: str, within: float) -> None:
        """Take a place; whoever has it leaves it. Raises WorkloadOverloaded when none is free in time."""
        if self._free:
            self._free -= 1
            return
        try:
            async with asyncio.timeout(within):
                await self._turn(caller)
        except TimeoutError:
            raise WorkloadOverloaded(workload=self._workload.value, limit=self._size) from None

    async def _turn(self, caller: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It came at this very moment.
                self.leave()
            raise

    def leave(self) -> None:
        """Hand the place to the first in the line of the caller whose turn it is."""
        while self._lines:
            caller, line = next(iter(self._lines.items()))
            del self._lines[caller]
            turn = line.popleft()
            if line:
                self._lines[caller] = line
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Bulkheads:
    """The limits of a pool; a kind of work without limits is always admitted."""

    def __init__(self, limits: Mapping[Workload, WorkloadLimits]) -> None:
        """Admit as many of each kind as its limits say."""
        each = {workload: limits.get(workload, _UNLIMITED) for workload in Workload}
        self.each = {kind: Bulkhead(kind, limit.connections) for kind, limit in each.items()}
        self._times = {workload: _time_limits(limit) for workload, limit in each.items()}

    def time_limits(self, workload: Workload) -> str:
        """Return the statements that limit the times of a transaction; none: as the session has them."""
        return self._times[workload]


_UNLIMITED = WorkloadLimits(sys.maxsize)


def _time_limits(limits: WorkloadLimits) -> str:
    times = {"lock_timeout": limits.lock_seconds, "statement_timeout": limits.statement_seconds}
    return "".join(f" SET LOCAL {name} = {seconds * 1000:.0f};" for name, seconds in times.items() if seconds)

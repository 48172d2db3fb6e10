"""Bulkheads of a connection pool: limits for each type of workload (docs/adr/0031)."""

import asyncio
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from wms_core.application.workloads import WorkloadType
from wms_core.domain.errors import WorkloadOverloaded

#: Lock timeout of a write on a connection that other writes need. After it the write is repeated on a
#: connection of the workload `CONTENDED`.
_BRIEF_LOCK_TIMEOUT_SECONDS = 0.05
#: Share of the statement timeout that a list may use.
_LIST_TIMEOUT_SHARE = 1 / 3
#: Tenths of the pool for each type. Slow types have few connections. The sum exceeds ten, because reads and
#: writes are quick and rarely use their whole share at the same time.
_CONNECTIONS_OF_TEN = {
    WorkloadType.READ: 3,
    WorkloadType.LIST: 2,
    WorkloadType.WRITE: 3,
    WorkloadType.BULK: 1,
    WorkloadType.CONTENDED: 1,
    WorkloadType.BACKGROUND: 2,
}


@dataclass(frozen=True, slots=True)
class WorkloadLimits:
    """The connections that a workload may use at a time, and its timeouts.

    A timeout of None means the timeout of the session.
    """

    max_connections: int
    lock_timeout_seconds: float | None = None
    statement_timeout_seconds: float | None = None


def build_workload_limits(
    pool_size: int, statement_timeout_seconds: float, lock_seconds: float
) -> dict[WorkloadType, WorkloadLimits]:
    """Return the limits of each workload for a pool of `pool_size` connections."""
    # The lock timeout must expire before the statement timeout, whose error does not mention a lock.
    lock_seconds = min(lock_seconds, statement_timeout_seconds / 2)
    timeouts_by_workload = {
        WorkloadType.WRITE: (_BRIEF_LOCK_TIMEOUT_SECONDS, None),
        WorkloadType.BULK: (_BRIEF_LOCK_TIMEOUT_SECONDS, None),
        WorkloadType.CONTENDED: (lock_seconds, None),
        WorkloadType.LIST: (lock_seconds, statement_timeout_seconds * _LIST_TIMEOUT_SHARE),
    }
    return {
        workload_type: WorkloadLimits(
            max(1, pool_size * connection_share // 10), *timeouts_by_workload.get(workload_type, (None, None))
        )
        for workload_type, connection_share in _CONNECTIONS_OF_TEN.items()
    }


class WorkloadBulkhead:
    """Admit `max_admitted` operations at a time; waiting callers take turns (round robin)."""

    def __init__(self, workload_type: WorkloadType, max_admitted: int) -> None:
        self._workload_type = workload_type
        self._max_admitted = max_admitted
        self._free_places = max_admitted
        self._waiters_by_caller: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def admitted_count(self) -> int:
        """The number of admitted operations."""
        return self._max_admitted - self._free_places

    @property
    def waiting_count(self) -> int:
        """The number of waiting operations."""
        return sum(
            not turn_future.done()
            for waiter_queue in self._waiters_by_caller.values()
            for turn_future in waiter_queue
        )

    async def acquire_place(self, caller: str, timeout_seconds: float) -> None:
        """Acquire a place, which the caller must release.

        Raises:
            WorkloadOverloaded: no place is free within `timeout_seconds`.
        """
        if self._free_places:
            self._free_places -= 1
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._wait_for_turn(caller)
        except TimeoutError:
            raise WorkloadOverloaded(
                workload_name=self._workload_type.value, limit=self._max_admitted
            ) from None

    async def _wait_for_turn(self, caller: str) -> None:
        turn_future = asyncio.get_running_loop().create_future()
        self._waiters_by_caller.setdefault(caller, deque()).append(turn_future)
        try:
            await turn_future
        except asyncio.CancelledError:
            if not turn_future.cancelled():
                # The place was assigned just before the cancellation.
                self.release_place()
            raise

    def release_place(self) -> None:
        """Hand the place to the first waiting operation of the next caller."""
        while self._waiters_by_caller:
            caller, waiter_queue = next(iter(self._waiters_by_caller.items()))
            del self._waiters_by_caller[caller]
            turn_future = waiter_queue.popleft()
            if waiter_queue:
                self._waiters_by_caller[caller] = waiter_queue
            if not turn_future.done():
                turn_future.set_result(None)
                return
        self._free_places += 1


class PoolBulkheads:
    """The bulkheads of a pool. A workload without limits is always admitted."""

    def __init__(self, limits_by_workload: Mapping[WorkloadType, WorkloadLimits]) -> None:
        effective_limits = {
            workload_type: limits_by_workload.get(workload_type, _NO_LIMITS) for workload_type in WorkloadType
        }
        self.bulkheads_by_workload = {
            workload_type: WorkloadBulkhead(workload_type, workload_limits.max_connections)
            for workload_type, workload_limits in effective_limits.items()
        }
        self._timeout_statements = {
            workload_type: _build_timeout_statements(workload_limits)
            for workload_type, workload_limits in effective_limits.items()
        }

    def get_timeout_statements(self, workload_type: WorkloadType) -> str:
        """Return the statements that set a transaction's timeouts; empty: those of the session apply."""
        return self._timeout_statements[workload_type]


_NO_LIMITS = WorkloadLimits(sys.maxsize)


def _build_timeout_statements(workload_limits: WorkloadLimits) -> str:
    timeouts_by_setting = {
        "lock_timeout": workload_limits.lock_timeout_seconds,
        "statement_timeout": workload_limits.statement_timeout_seconds,
    }
    return "".join(
        f" SET LOCAL {name} = {timeout_seconds * 1000:.0f};"
        for name, timeout_seconds in timeouts_by_setting.items()
        if timeout_seconds
    )

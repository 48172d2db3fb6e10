"""Calls of one rpc that arrive together share a transaction, or a query (docs/adr/0017, 0019).

A method that is marked `joined` takes many calls and gives each its answer or its own error. A call that is
alone waits for nobody: its transaction begins as soon as the event loop has nothing else to do. While many
arrive, the loop always has something to do, and they gather until it has not, up to the bounds below; and
while a transaction is under way, those that come gather for the next, so that calls are begun in the order
of their arrival. Only one that takes long, as it waits for a lock, a turn or the disk, is not waited for.
Reads are joined in the same way; each caller writes its own answer, while Postgres is at the next query.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import structlog

from wms_core.application.ports import Database, RequestKey, Transaction
from wms_core.application.workloads import Usage, Workload
from wms_core.domain.errors import DeadlinePassed, Overloaded, StorageUnavailable
from wms_core.traces import Tracing
from wms_server.at_work import AtWork, Outcome, tell
from wms_server.calls import Call
from wms_server.database_spans import in_database

M = TypeVar("M", bound=Callable[..., Any])
R = TypeVar("R")
JoinedMethod = Callable[[Transaction, "Sequence[Asked[Any]]"], Awaitable[Sequence[Outcome]]]
#: Seconds after which a transaction is late, and the next one begins beside it.
PATIENCE = 0.01
#: How long a transaction gathers at most while calls go on coming.
GATHERING_SECONDS = 0.005
_log = structlog.get_logger(__name__)


def joined(needs_transaction: "Callable[[Sequence[Asked[Any]]], bool]") -> Callable[[M], M]:
    """Mark a method that writes for many calls at once; it keeps their answers under their request ids.

    Calls that need no transaction must be done by one statement, which is committed by itself.
    """

    def mark(method: M) -> M:
        method.joins, method.changes = True, True  # type: ignore[attr-defined]
        method.needs_transaction = needs_transaction  # type: ignore[attr-defined]
        return method

    return mark


def joined_read(method: M) -> M:
    """Mark a method that reads for many calls at once, by one query."""
    method.joins, method.changes = True, False  # type: ignore[attr-defined]
    return method


class Asked(NamedTuple, Generic[R]):
    """A valid request, the call that brought it, and its key when it has an id."""

    request: R
    call: Call
    key: RequestKey | None
    size: int


@dataclass(frozen=True, slots=True)
class JoiningLimits:
    """Bounds of one transaction: calls, and bytes of their requests, so that the loop is not held for long.

    `reads` is how many calls share a query: each may bring an order of half a megabyte. `at_once` is how many
    transactions may be under way when some of them are late: as many as have a connection (docs/adr/0031).
    With one call for each nothing is joined: none is waited for, and their connections bound how many are
    under way.
    """

    calls: int = 256
    size: int = 128 * 1024
    reads: int = 32
    at_once: int = 3

    @property
    def joins(self) -> bool:
        """Whether calls are joined at all."""
        return self.calls > 1


class Joining:
    """Gathers the calls of one method and does them together."""

    def __init__(
        self,
        database: Database,
        method: JoinedMethod,
        limits: JoiningLimits,
        at_work: AtWork,
        tracing: Tracing,
    ) -> None:
        """With nobody waiting; who waits or is being done is at work."""
        self._database = database
        self._changes: bool = method.changes  # type: ignore[attr-defined]
        self._method = method
        self._limits = limits
        self._calls = limits.calls if self._changes else min(limits.calls, limits.reads)
        self._at_work = at_work
        self._tracing = tracing
        self._waiting: deque[_Waiter] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        #: The turn that those who come wait for: it gathers, or it is under way and not late.
        self._awaited: asyncio.Task[None] | None = None

    def begin(self, asked: Asked[Any]) -> "asyncio.Future[Outcome]":
        """Do a call with whoever else is there, and give what will be its outcome.

        It is DeadlinePassed, with nothing done, when its turn comes too late. Who no longer waits for it may
        cancel it: that stops nobody, and not the call either.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiter(asked, outcome))
        self._at_work.began(asked.size)
        if self._limits.joins:
            self._begin_next()
        else:
            self._start(self._do_all(self._taken()))
        return outcome

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _begin_next(self) -> None:
        """Begin a turn if somebody waits, for no other turn, and one more may be under way."""
        if self._waiting and self._awaited is None and len(self._under_way) < self._limits.at_once:
            self._awaited = self._start(self._take_turn())
            self._awaited.add_done_callback(self._await_no_longer)

    async def _take_turn(self) -> None:
        """Do those who are there when it is quiet; when that takes long, the next turn begins beside it."""
        await self._quiet()
        loop = asyncio.get_running_loop()
        late = loop.call_later(PATIENCE, self._await_no_longer, self._awaited)
        try:
            await self._do_all(self._taken())
        finally:
            late.cancel()

    def _await_no_longer(self, turn: "asyncio.Task[None] | None") -> None:
        if self._awaited is turn:
            self._awaited = None
        # Only the end of the process cancels one; nothing begins any more then.
        if turn is None or not turn.cancelled():
            self._begin_next()

    async def _quiet(self) -> None:
        """Wait until a round of the loop brings nobody, or there are enough."""
        loop = asyncio.get_running_loop()
        ends, seen = loop.time() + GATHERING_SECONDS, 0
        while seen < len(self._waiting) < self._calls and loop.time() < ends:
            seen = len(self._waiting)
            await asyncio.sleep(0)

    def _taken(self) -> "list[_Waiter]":
        """Take the first of the line, at least one."""
        batch = [self._waiting.popleft()]
        size = batch[0].asked.size
        while self._waiting and len(batch) < self._calls:
            size += self._waiting[0].asked.size
            if size > self._limits.size:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _do_all(self, batch: "Sequence[_Waiter]") -> None:
        try:
            await self._do([one for one in batch if _is_in_time(one)])
        finally:
            self._at_work.ended(len(batch), sum(one.asked.size for one in batch))

    async def _do(self, batch: "Sequence[_Waiter]") -> None:
        """Do a batch; when it breaks by something in it, its halves by themselves."""
        if not batch:
            return
        try:
            await self._together(batch)
        except (StorageUnavailable, Overloaded) as error:
            # Perhaps it was committed all the same; or there was no connection for any of them.
            _answer(batch, [error] * len(batch))
        except Exception as error:
            if len(batch) == 1:
                _answer(batch, [error])
                return
            _log.warning("batch_halved", calls=len(batch), error=type(error).__name__)
            half = len(batch) // 2
            await self._do(batch[:half])
            await self._do(batch[half:])

    async def _together(self, batch: "Sequence[_Waiter]") -> None:
        """Do a batch and answer it. Raises what breaks it, unless it was answered before."""
        asked = [one.asked for one in batch]
        whole: bool = self._changes and self._method.needs_transaction(asked)  # type: ignore[attr-defined]
        answered = False

        async def work(unit: Transaction) -> Sequence[Outcome]:
            nonlocal answered
            outcomes = await self._method(unit, asked)
            if not whole:
                # There is nothing more to commit: nobody waits until the connection is given back.
                _answer(batch, outcomes)
                answered = True
            return outcomes

        database = self._database
        if self._changes:
            # Those who share the transaction do not wait for the one who has met a lock.
            usage = Usage(Workload.WRITE, patient=len(batch) == 1)
            running = database.transact(work, whole=whole, usage=usage)
        else:
            running = database.read(work, usage=Usage(Workload.READ))
        try:
            outcomes = await self._traced(asked, running)
        except Exception:
            if not answered:
                raise
        else:
            if whole:
                _answer(batch, outcomes)

    async def _traced(
        self, asked: "Sequence[Asked[Any]]", running: Awaitable[Sequence[Outcome]]
    ) -> Sequence[Outcome]:
        traced = [one.call for one in asked if one.call.is_traced]
        if not traced:
            return await running
        operation = "transaction" if self._changes else "read"
        return await in_database(self._tracing, traced, len(asked), operation, running)


class _Waiter(NamedTuple):
    asked: Asked[Any]
    outcome: "asyncio.Future[Outcome]"


def _is_in_time(waiter: _Waiter) -> bool:
    try:
        waiter.asked.call.expect_time()
    except DeadlinePassed as error:
        tell(waiter.outcome, error)
        return False
    return True


def _answer(batch: Sequence[_Waiter], outcomes: Sequence[Outcome]) -> None:
    for waiter, outcome in zip(batch, outcomes, strict=True):
        tell(waiter.outcome, outcome)

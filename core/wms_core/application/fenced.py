"""What every step of the cycle does alike: fenced transactions, batches, halving, events, failures."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

import structlog

from wms_core.application.ports import Database, Fence, Transaction
from wms_core.application.traced import UNTRACED, Trace
from wms_core.clock import CLOCK
from wms_core.domain import failures
from wms_core.domain.backorders import PartialRule
from wms_core.domain.caller import Caller
from wms_core.domain.errors import Aborted, StaleEpoch, Unavailable
from wms_core.domain.events import CycleEvent, OrderEvent
from wms_core.domain.order_status import OrderStatus, allowed
from wms_core.domain.orders import Order
from wms_core.domain.retries import RetryPolicy
from wms_core.domain.storage import Arrival, Wave

T = TypeVar("T")
#: An order's id, or what begins with it.
Item = TypeVar("Item", str, tuple[str, str], Arrival)
_log = structlog.get_logger(__name__)

#: The cycle stops at these: the role or the database is lost.
STOPS = (StaleEpoch, Unavailable)
#: No order is to blame for these; the last one says that somebody else holds what the step needs.
_NO_ORDERS_FAULT = (*STOPS, Aborted)


@dataclass(frozen=True, slots=True)
class CycleRules:
    """How the cycle works; `batch` orders at most in a transaction, `rounds` transactions in a step.

    Stock is planned for `planned` batches at a time: what there is of it is read once for all of them. Up to
    `at_once` transactions of a step run side by side, each on orders of its own.

    A carrier with more than `most_blockers` others in front of it is used only when there is no other.
    """

    auto_validate: bool = True
    wave_size: int = 50
    move_timeout: timedelta = timedelta(minutes=10)
    partial: PartialRule = PartialRule()  # noqa: RUF009 # frozen
    most_blockers: int = 5
    retry_policy: RetryPolicy = RetryPolicy()  # noqa: RUF009 # frozen
    runs_kept: timedelta = timedelta(days=1)
    batch: int = 500
    rounds: int = 20
    planned: int = 10
    at_once: int = 2

    @property
    def plan_size(self) -> int:
        """How many orders are planned for together at most."""
        return self.batch * self.planned

    @property
    def most(self) -> int:
        """How many orders a step deals with at most."""
        return self.batch * self.rounds


class FencedWork:
    """Work of the active replica, which writes by the fence's epoch until `stopping` says so."""

    def __init__(
        self,
        database: Database,
        fence: Fence,
        rules: CycleRules,
        caller: Caller,
        stopping: Callable[[], bool] = lambda: False,
        trace: Trace = UNTRACED,
    ) -> None:
        """Write in the name of the caller, whose actor is `worker/<worker id>`."""
        self.worker_id = caller.actor.removeprefix("worker/")
        self._database = database
        self.fence = fence
        self._caller = caller
        self.rules = rules
        self.stopping = stopping
        self.trace = trace

    async def advance(
        self,
        order_ids: Sequence[str],
        source: OrderStatus,
        to: OrderStatus,
        event: type[OrderEvent],
        waves: Sequence[Wave] = (),
    ) -> int:
        """Move orders along one arrow of the table, each into its wave, and tell; gives how many moved."""
        told = self.telling(event, CLOCK.now())
        moved = await self.call(lambda t: t.cycle.advance(self.fence, order_ids, source, to, told, waves))
        return len(moved)

    def telling(self, event: type[OrderEvent], now: datetime) -> CycleEvent:
        """Say what orders are told of that take a step now."""
        return CycleEvent(event.type, self._caller.actor, now, self._caller.traceparent)

    def begin_step(self, name: str) -> None:
        """Have what is written from now on belong to a step of this name."""
        self._caller = replace(self._caller, traceparent=self.trace.begin(name))

    def on_errand_of(self, order: Order) -> Caller:
        """Act as the worker, on the errand of the request that the order came with."""
        return replace(
            self._caller,
            correlation_id=order.correlation_id,
            wave_number=order.wave_number,
            workflow_id=order.workflow_id,
        )

    async def fail(
        self, transaction: Transaction, failed: Sequence[tuple[Order, str]], now: datetime
    ) -> None:
        """Count failures of locked orders."""
        policy = self.rules.retry_policy
        changes = [
            failures.fail(order, reason, now, policy, self.on_errand_of(order), now, draw=random.random())  # noqa: S311
            for order, reason in failed
        ]
        await transaction.orders.save(changes)

    async def in_batches(
        self,
        find: Callable[[Transaction], Awaitable[list[Item]]],
        work: Callable[[Sequence[Item]], Awaitable[int]],
        size: int = 0,
        at_once: int = 0,
    ) -> int:
        """Find items once, as many as a step may deal with, and work on them in batches of a size."""
        return await self._by_batches(await self._database.read(find), work, size, at_once)

    async def in_lanes(
        self,
        items: Sequence[Item],
        apart: Callable[[Item], str],
        work: Callable[[Sequence[Item]], Awaitable[int]],
    ) -> int:
        """Work on items in batches, a few at a time, but never on two of which `apart` says the same."""
        shared = lanes(items, apart, self.rules.at_once)
        return await self.side_by_side(shared, lambda lane: self._by_batches(lane, work, at_once=1))

    async def _by_batches(
        self,
        items: Sequence[Item],
        work: Callable[[Sequence[Item]], Awaitable[int]],
        size: int = 0,
        at_once: int = 0,
    ) -> int:
        size = size or self.rules.batch
        batches = [items[start : start + size] for start in range(0, len(items), size)]
        return await self.side_by_side(batches, lambda batch: self._halving(batch, work), at_once)

    async def side_by_side(
        self, parts: Sequence[T], work: Callable[[T], Awaitable[int]], at_once: int = 0
    ) -> int:
        """Work on parts that have nothing to do with each other, a few at a time.

        Once stopping, no further one is begun. One that fails ends the others under way; its error is raised.
        """
        left = iter(parts)

        async def lane(first: T) -> int:
            total = await work(first)
            for part in left:
                if self.stopping():
                    break
                total += await work(part)
            return total

        firsts = list(islice(left, at_once or self.rules.at_once))
        try:
            async with asyncio.TaskGroup() as lanes:
                tasks = [lanes.create_task(lane(first)) for first in firsts]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return sum(task.result() for task in tasks)

    async def _halving(self, items: Sequence[Item], work: Callable[[Sequence[Item]], Awaitable[int]]) -> int:
        """Work on a batch; when it fails, on its halves; the one order that fails alone is counted."""
        try:
            return await work(items)
        except _NO_ORDERS_FAULT:
            raise
        except Exception as error:
            if len(items) > 1:
                middle = len(items) // 2
                return await self._halving(items[:middle], work) + await self._halving(items[middle:], work)
            order_id = items[0] if isinstance(items[0], str) else items[0][0]
            _log.exception("order_cannot_be_processed", order_id=order_id)
            await self._count_poison(order_id, f"cannot be processed: {type(error).__name__}")
            return 0

    async def _count_poison(self, order_id: str, reason: str) -> None:
        async def work(transaction: Transaction) -> None:
            found = await transaction.orders.lock([order_id])
            # What is shipped can't fail any more; it is said in the log and left as it is.
            failing = [order for order in found.values() if allowed(order.status, OrderStatus.PENDING_RETRY)]
            await self.fail(transaction, [(order, reason) for order in failing], CLOCK.now())

        try:
            await self.transact(work)
        except _NO_ORDERS_FAULT:
            raise
        except Exception:
            # Not even its failure can be counted: it must not stop the others.
            _log.exception("failure_cannot_be_counted", order_id=order_id)

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run work in a transaction that passes the fence first."""
        return await self._database.transact(work, fence=self.fence)

    async def call(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a single call that passes the fence by itself, as a transaction of one round trip."""
        return await self._database.transact(work, fence=self.fence, whole=False)


def lanes(items: Sequence[Item], apart: Callable[[Item], str], most: int) -> list[list[Item]]:
    """Share items out among so many lanes, as evenly as goes with all that are alike in the same one.

    Within a lane those that are alike follow each other, in their order.
    """
    alike: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        alike[apart(item)].append(item)
    shared: list[list[Item]] = [[] for _ in range(min(most, len(alike)))]
    for group in alike.values():
        min(shared, key=len).extend(group)
    return shared

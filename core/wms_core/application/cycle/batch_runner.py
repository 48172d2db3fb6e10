"""Common parts of all steps: fenced transactions, batches, bisection, events and failures."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

import structlog

from wms_core.application.cycle.tracing import NO_CYCLE_TRACE, CycleTrace
from wms_core.application.database import Database, Fence, Transaction
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import OperationAborted, ServiceUnavailable, StaleEpoch
from wms_core.domain.events.events import CycleEvent, OrderEvent
from wms_core.domain.failures import failures
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import OrderStatus, is_allowed
from wms_core.domain.stock.allocation import CandidateLimits
from wms_core.domain.stock.warehouse import CarrierArrival, Wave
from wms_core.runtime.clock import DATABASE_CLOCK

T = TypeVar("T")
#: An order id, or a tuple that begins with one.
Item = TypeVar("Item", str, tuple[str, str], CarrierArrival)
_log = structlog.get_logger(__name__)

#: These errors stop the cycle: the role or the database is lost.
ABORTS_CYCLE = (StaleEpoch, ServiceUnavailable)
#: Errors that no single order causes: do not bisect the batch. OperationAborted means that a concurrent
#: transaction has locked the rows.
_NOT_CAUSED_BY_ORDER = (*ABORTS_CYCLE, OperationAborted)


@dataclass(frozen=True, slots=True)
class CycleRules:
    """Rules of the cycle: at most `batch_size` orders in a transaction, `max_batches` transactions in a step.

    Stock is planned for `batches_per_plan` batches together, so it is read once for all of them. Up to
    `concurrency` transactions of a step run concurrently, each on separate orders.

    A carrier with more than `max_blocking_carriers` others in front of it is used only as the last choice.
    """

    auto_validate: bool = True
    wave_size: int = 50
    move_timeout: timedelta = timedelta(minutes=10)
    partial_rule: PartialFulfillmentRule = PartialFulfillmentRule()  # noqa: RUF009 # frozen
    max_blocking_carriers: int = 5
    candidate_limits: CandidateLimits = CandidateLimits()  # noqa: RUF009 # frozen
    retry_policy: RetryPolicy = RetryPolicy()  # noqa: RUF009 # frozen
    run_retention: timedelta = timedelta(days=1)
    batch_size: int = 500
    max_batches: int = 20
    batches_per_plan: int = 10
    concurrency: int = 2

    @property
    def plan_size(self) -> int:
        """Maximum number of orders in one plan."""
        return self.batch_size * self.batches_per_plan

    @property
    def max_orders(self) -> int:
        """Maximum number of orders in one step."""
        return self.batch_size * self.max_batches


class BatchRunner:
    """Runs the batches of the active replica with its fence, until `is_stopping` returns True."""

    def __init__(
        self,
        database: Database,
        fence: Fence,
        cycle_rules: CycleRules,
        caller: Caller,
        is_stopping: Callable[[], bool] = lambda: False,
        cycle_trace: CycleTrace = NO_CYCLE_TRACE,
    ) -> None:
        """Take the caller whose name is in all changes; its actor is `worker/<worker id>`."""
        self.worker_id = caller.actor_name.removeprefix("worker/")
        self._database = database
        self.fence = fence
        self._caller = caller
        self.cycle_rules = cycle_rules
        self.is_stopping = is_stopping
        self.cycle_trace = cycle_trace

    async def advance_orders(
        self,
        order_ids: Sequence[str],
        source_status: OrderStatus,
        target_status: OrderStatus,
        event_type: type[OrderEvent],
        waves: Sequence[Wave] = (),
    ) -> int:
        """Move orders along one transition, each into its wave, with events; return how many moved."""
        event_template = self.event_template(event_type, DATABASE_CLOCK.now())
        moved_ids = await self.run_autocommit(
            lambda transaction: transaction.cycle_queries.advance_orders(
                self.fence, order_ids, source_status, target_status, event_template, waves
            )
        )
        return len(moved_ids)

    def event_template(self, event_type: type[OrderEvent], now: datetime) -> CycleEvent:
        """Return the event template for orders that take a step now."""
        return CycleEvent(event_type.type, self._caller.actor_name, now, self._caller.traceparent)

    def start_step(self, step_name: str) -> None:
        """Start a step: its `traceparent` is written into all following events."""
        self._caller = replace(self._caller, traceparent=self.cycle_trace.start_step(step_name))

    def caller_for(self, order: Order) -> Caller:
        """Return the worker as caller, on behalf of the request that created the order."""
        return replace(
            self._caller,
            correlation_id=order.correlation_id,
            wave_number=order.wave_number,
            workflow_id=order.workflow_id,
        )

    async def fail_orders(
        self, transaction: Transaction, failed_orders: Sequence[tuple[Order, str]], now: datetime
    ) -> None:
        """Count failures of locked orders."""
        retry_policy = self.cycle_rules.retry_policy
        changes = [
            failures.fail(
                order,
                reason,
                now,
                retry_policy,
                self.caller_for(order),
                now,
                jitter_draw=random.random(),  # noqa: S311 # jitter, no secret
            )
            for order, reason in failed_orders
        ]
        await transaction.orders.save(changes)

    async def run(
        self,
        find_items: Callable[[Transaction], Awaitable[list[Item]]],
        handle_batch: Callable[[Sequence[Item]], Awaitable[int]],
        batch_size: int = 0,
        concurrency: int = 0,
    ) -> int:
        """Find the items of a step once, and handle them in batches. Return the number of processed items."""
        return await self._run_in_batches(
            await self._database.read(find_items), handle_batch, batch_size, concurrency
        )

    async def run_partitioned(
        self,
        items: Sequence[Item],
        partition_key: Callable[[Item], str],
        handle_batch: Callable[[Sequence[Item]], Awaitable[int]],
    ) -> int:
        """Handle items in concurrent batches, but never two with the same `partition_key` at a time."""
        work_partitions = partitions(items, partition_key, self.cycle_rules.concurrency)
        return await self.run_concurrently(
            work_partitions, lambda partition: self._run_in_batches(partition, handle_batch, concurrency=1)
        )

    async def _run_in_batches(
        self,
        items: Sequence[Item],
        handle_batch: Callable[[Sequence[Item]], Awaitable[int]],
        batch_size: int = 0,
        concurrency: int = 0,
    ) -> int:
        batch_size = batch_size or self.cycle_rules.batch_size
        work_batches = [items[start : start + batch_size] for start in range(0, len(items), batch_size)]
        return await self.run_concurrently(
            work_batches, lambda batch: self._bisect_on_failure(batch, handle_batch), concurrency
        )

    async def run_concurrently(
        self, work_parts: Sequence[T], handle_part: Callable[[T], Awaitable[int]], concurrency: int = 0
    ) -> int:
        """Handle independent parts, at most `concurrency` at a time.

        After a stop no further part starts. A failing part cancels the running ones, and its error is raised.
        """
        remaining_parts = iter(work_parts)

        async def run_parts(first_part: T) -> int:
            done_count = await handle_part(first_part)
            for next_part in remaining_parts:
                if self.is_stopping():
                    break
                done_count += await handle_part(next_part)
            return done_count

        first_parts = list(islice(remaining_parts, concurrency or self.cycle_rules.concurrency))
        try:
            async with asyncio.TaskGroup() as task_group:
                tasks = [task_group.create_task(run_parts(first_part)) for first_part in first_parts]
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        return sum(task.result() for task in tasks)

    async def _bisect_on_failure(
        self, items: Sequence[Item], handle_batch: Callable[[Sequence[Item]], Awaitable[int]]
    ) -> int:
        """Handle a batch; when it fails, handle its halves. A single failing order gets a counted failure."""
        try:
            return await handle_batch(items)
        except _NOT_CAUSED_BY_ORDER:
            raise
        except Exception as error:
            if len(items) > 1:
                middle_index = len(items) // 2
                return await self._bisect_on_failure(
                    items[:middle_index], handle_batch
                ) + await self._bisect_on_failure(items[middle_index:], handle_batch)
            order_id = items[0] if isinstance(items[0], str) else items[0][0]
            _log.exception("order_cannot_be_processed", order_id=order_id)
            await self._count_failure(order_id, f"cannot be processed: {type(error).__name__}")
            return 0

    async def _count_failure(self, order_id: str, reason: str) -> None:
        async def count_failure(transaction: Transaction) -> None:
            orders_by_id = await transaction.orders.lock_orders([order_id])
            # A shipped order can't fail any more: its error is only in the log.
            failing_orders = [
                order
                for order in orders_by_id.values()
                if is_allowed(order.status, OrderStatus.PENDING_RETRY)
            ]
            await self.fail_orders(
                transaction, [(order, reason) for order in failing_orders], DATABASE_CLOCK.now()
            )

        try:
            await self.run_in_transaction(count_failure)
        except _NOT_CAUSED_BY_ORDER:
            raise
        except Exception:
            # Its failure can't be counted either; this must not stop the other orders.
            _log.exception("failure_cannot_be_counted", order_id=order_id)

    async def run_in_transaction(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run an operation in a transaction that begins with the check of the fence."""
        return await self._database.run_in_transaction(operation, fence=self.fence)

    async def run_autocommit(self, operation: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a single statement that checks the fence itself, as a transaction of one round trip."""
        return await self._database.run_in_transaction(operation, fence=self.fence, is_transactional=False)


def partitions(
    items: Sequence[Item], partition_key: Callable[[Item], str], max_partitions: int
) -> list[list[Item]]:
    """Divide items into at most `max_partitions` partitions of similar size.

    Items with the same key are adjacent in the same partition, in their given order.
    """
    items_by_key: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        items_by_key[partition_key(item)].append(item)
    work_partitions: list[list[Item]] = [[] for _ in range(min(max_partitions, len(items_by_key)))]
    for same_key_items in items_by_key.values():
        min(work_partitions, key=len).extend(same_key_items)
    return work_partitions

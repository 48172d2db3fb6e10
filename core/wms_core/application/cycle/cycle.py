"""The fulfillment cycle: all steps of the active worker in one tick.

Each step reads its input from the database, in bounded batches. Each batch is one fenced transaction that
moves orders along the status table and writes their events. A cycle keeps no state for the next one. A batch
that fails is bisected until the failing order is alone; its failure is counted, and the others proceed.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from wms_core.application.cycle.batch_runner import ABORTS_CYCLE, BatchRunner, Item
from wms_core.application.database import Transaction
from wms_core.domain.cycle_runs import CycleStep, Run, RunStatus, StepOutcome
from wms_core.domain.errors import OperationAborted
from wms_core.domain.events import events
from wms_core.domain.events.payloads import ShortageReason
from wms_core.domain.failures import failures
from wms_core.domain.orders.backorders import Backorder, fulfill_backorders, open_backorders
from wms_core.domain.orders.orders import Order
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.allocation import AllocationPlan, BackorderedUnits, allocate, sum_stock_demand
from wms_core.domain.stock.warehouse import Allocation, CarrierArrival, Destination, DisplacedCarrier, Wave
from wms_core.domain.stock.wave_planning import plan_lane_moves, plan_waves, with_planned_load
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_core.runtime.ids import new_id

_log = structlog.get_logger(__name__)


class FulfillmentCycle(BatchRunner):
    """One cycle of the active replica. Its steps run in order; a stop takes effect between transactions."""

    async def run_steps(self) -> Run:
        """Run all steps and write their record. Raises StaleEpoch, StorageUnavailable, ConcurrentChange."""
        started_at, epoch = DATABASE_CLOCK.now(), self.fence.epoch
        requested_run_ids = await self.run_in_transaction(
            lambda transaction: transaction.fulfillment_runs.start_runs(self.worker_id, epoch, started_at)
        )
        step_outcomes: list[StepOutcome] = []
        step_errors: list[str] = []
        for cycle_step in CycleStep:
            if self.is_stopping():
                break
            await self._run_step(cycle_step, step_outcomes, step_errors)
        run = Run(
            run_id=new_id("RUN-"),
            status=RunStatus.FAILED if step_errors else RunStatus.COMPLETED,
            started_at=started_at,
            finished_at=DATABASE_CLOCK.now(),
            worker_id=self.worker_id,
            epoch=epoch,
            step_outcomes=tuple(step_outcomes),
            step_errors=tuple(step_errors),
        )
        await self.run_in_transaction(
            lambda transaction: transaction.fulfillment_runs.finish_run(
                run, requested_run_ids, self.cycle_rules.run_retention
            )
        )
        return run

    async def _run_step(
        self, cycle_step: CycleStep, step_outcomes: list[StepOutcome], step_errors: list[str]
    ) -> None:
        started_seconds = time.perf_counter()
        count, error_name = 0, ""
        self.start_step(cycle_step.value)
        try:
            count = await getattr(self, cycle_step.value)()
        except ABORTS_CYCLE as error:
            error_name = type(error).__name__
            raise
        except OperationAborted as error:
            _log.warning("step_postponed", step=cycle_step.value, error=str(error))
        except Exception as error:
            # One failing step must not stop the others.
            _log.exception("step_failed", step=cycle_step.value)
            error_name = type(error).__name__
            step_errors.append(f"{cycle_step.value}: {error_name}")
        finally:
            self.cycle_trace.end_step(count, error_name)
        step_outcomes.append(StepOutcome(cycle_step, count, time.perf_counter() - started_seconds))

    async def retry_due(self) -> int:
        """Return orders whose retry is due to `received`."""

        async def reset_batch(order_ids: Sequence[str]) -> int:
            return await self.run_in_transaction(
                lambda transaction: self._reset_orders(transaction, order_ids)
            )

        return await self.run(
            lambda transaction: transaction.cycle_queries.list_due_retries(
                DATABASE_CLOCK.now(), self.cycle_rules.max_orders
            ),
            reset_batch,
        )

    async def _reset_orders(self, transaction: Transaction, order_ids: Sequence[str]) -> int:
        now = DATABASE_CLOCK.now()
        orders_by_id = await transaction.orders.lock_skipping_locked(order_ids)
        due_orders = [
            order
            for order in orders_by_id.values()
            if order.status is OrderStatus.PENDING_RETRY
            and order.next_retry_at
            and order.next_retry_at <= now
        ]
        await transaction.orders.save(
            [failures.reset_order(order, self.caller_for(order), now) for order in due_orders]
        )
        return len(due_orders)

    async def validate(self) -> int:
        """Validate received orders, if `auto_validate` is set."""
        if not self.cycle_rules.auto_validate:
            return 0

        async def validate_batch(order_ids: Sequence[str]) -> int:
            return await self.advance_orders(
                order_ids, OrderStatus.RECEIVED, OrderStatus.VALIDATED, events.OrderValidated
            )

        return await self.run(
            lambda transaction: transaction.cycle_queries.list_received(self.cycle_rules.max_orders),
            validate_batch,
        )

    async def plan_waves(self) -> int:
        """Assign validated orders to waves, most urgent first, at the least busy reachable destinations."""
        destinations: list[Destination] = []

        async def plan_batch(orders: Sequence[tuple[str, str]]) -> int:
            order_ids = [order_id for order_id, _ in orders]
            unreachable_by_order = await self._database.read(
                lambda transaction: transaction.cycle_queries.list_unreachable_destinations(order_ids)
            )
            planned_waves = plan_waves(orders, destinations, self.cycle_rules.wave_size, unreachable_by_order)
            destinations[:] = with_planned_load(destinations, planned_waves)
            return await self._join_waves(planned_waves)

        find_orders = _with_open_destinations(
            destinations,
            lambda transaction: transaction.cycle_queries.list_validated(self.cycle_rules.max_orders),
        )
        # One batch at a time: each adds to the waiting orders of a destination.
        return await self.run(find_orders, plan_batch, self.cycle_rules.plan_size, concurrency=1)

    async def _join_waves(self, planned_waves: Sequence[tuple[Destination, list[str]]]) -> int:
        """Assign orders to waves; batches with orders of the same wave run one after the other."""
        waves: dict[str, Wave] = {}
        wave_members: list[tuple[str, str]] = []
        for destination, order_ids in planned_waves:
            wave = await self._create_wave(destination)
            waves[wave.wave_id] = wave
            wave_members += [(order_id, wave.wave_id) for order_id in order_ids]

        async def join_batch(batch: Sequence[tuple[str, str]]) -> int:
            order_ids = [order_id for order_id, _ in batch]
            joined_waves = [waves[wave_id] for _, wave_id in batch]
            return await self.advance_orders(
                order_ids,
                OrderStatus.VALIDATED,
                OrderStatus.ASSIGNED_TO_WAVE,
                events.WaveAssigned,
                joined_waves,
            )

        return await self.run_partitioned(wave_members, lambda wave_member: wave_member[1], join_batch)

    async def _create_wave(self, destination: Destination) -> Wave:
        now = DATABASE_CLOCK.now()
        wave_id = await self._database.read(
            lambda transaction: transaction.warehouse_storage.new_wave_id(now.year)
        )
        return Wave(wave_id, destination.warehouse_id, destination.destination_id, now)

    async def fill_backorders(self) -> int:
        """Allocate stock to backorders, before new orders get any."""
        destinations: list[Destination] = []

        async def fill_batch(order_ids: Sequence[str]) -> int:
            return await self.run_in_transaction(
                lambda transaction: self._fill_orders(transaction, order_ids, destinations)
            )

        find_orders = _with_open_destinations(
            destinations,
            lambda transaction: transaction.backorders.list_orders_with_open_backorders(
                self.cycle_rules.max_orders
            ),
        )
        # One batch at a time: each plans with the stock that the previous one left.
        return await self.run(find_orders, fill_batch, concurrency=1)

    async def _fill_orders(
        self, transaction: Transaction, order_ids: Sequence[str], destinations: Sequence[Destination]
    ) -> int:
        now = DATABASE_CLOCK.now()
        await transaction.orders.lock_orders(order_ids)
        backordered_units = await transaction.backorders.list_backordered_units(order_ids)
        allocation_plan = await self._plan_allocation(transaction, backordered_units, [], destinations)
        lost_carrier_ids = await transaction.cycle_queries.lock_allocated_carriers(
            allocation_plan.allocations
        )
        valid_allocations = [
            allocation
            for allocation in allocation_plan.allocations
            if allocation.carrier_id not in lost_carrier_ids
        ]
        if not valid_allocations:
            return 0
        await transaction.cycle_queries.allocate_locked(valid_allocations, now)
        filled_ids = sorted(
            {allocation.backorder_id for allocation in valid_allocations if allocation.backorder_id}
        )
        await transaction.backorders.mark_in_progress(filled_ids, now)
        await transaction.cycle_queries.bump_version(
            sorted({allocation.order_id for allocation in valid_allocations}), now
        )
        return len(filled_ids)

    async def _plan_allocation(
        self,
        transaction: Transaction,
        backordered_units: Sequence[BackorderedUnits],
        orders: Sequence[Order],
        destinations: Sequence[Destination],
    ) -> AllocationPlan:
        stock_demands = sum_stock_demand(backordered_units, orders)
        carriers = await transaction.cycle_queries.list_free_carriers(
            stock_demands, self.cycle_rules.max_blocking_carriers
        )
        destinations_by_id = {destination.destination_id: destination for destination in destinations}
        return allocate(
            backordered_units, orders, carriers, destinations_by_id, self.cycle_rules.partial_rule
        )

    async def allocate(self) -> int:
        """Allocate stock to orders in waves; open backorders, or count a failure, for missing units."""
        destinations: list[Destination] = []

        async def allocate_batch(order_ids: Sequence[str]) -> int:
            return await self._allocate_orders(order_ids, destinations)

        # One plan per cycle: a second plan could give away carriers that the first one has reserved for
        # waiting orders.
        plan_size, candidate_limits = self.cycle_rules.plan_size, self.cycle_rules.candidate_limits
        find_orders = _with_open_destinations(
            destinations,
            lambda transaction: transaction.cycle_queries.list_orders_to_allocate(
                plan_size, candidate_limits
            ),
        )
        return await self.run(find_orders, allocate_batch, plan_size, concurrency=1)

    async def _allocate_orders(self, order_ids: Sequence[str], destinations: Sequence[Destination]) -> int:
        """Plan for many orders together, then allocate in batches to the orders that have not changed."""
        orders_by_id = await self._database.read(lambda transaction: transaction.orders.get(order_ids))
        orders = [
            orders_by_id[order_id] for order_id in order_ids if _waits_for_stock(orders_by_id.get(order_id))
        ]
        allocation_plan = await self._database.read(
            lambda transaction: self._plan_allocation(transaction, [], orders, destinations)
        )
        all_order_keys = [(order.order_id, order.destination_id or "") for order in orders]

        async def allocate_part(order_keys: Sequence[tuple[str, str]]) -> int:
            return await self._allocate_planned(
                [orders_by_id[order_id] for order_id, _ in order_keys], allocation_plan
            )

        # A carrier goes to one destination, so partitions by destination do not wait for each other's
        # carriers.
        return await self.run_partitioned(all_order_keys, lambda order_key: order_key[1], allocate_part)

    async def _allocate_planned(self, orders: Sequence[Order], full_plan: AllocationPlan) -> int:
        allocation_plan = full_plan.select_orders([order.order_id for order in orders])
        if allocation_plan.waits_by_order or allocation_plan.missing_units or allocation_plan.short_skus:
            return await self.run_in_transaction(
                lambda transaction: self._allocate_and_record(transaction, orders, allocation_plan)
            )
        valid_plan = await self.run_autocommit(
            lambda transaction: self._allocate_unchanged(
                transaction, orders, allocation_plan, DATABASE_CLOCK.now()
            )
        )
        return len({allocation.order_id for allocation in valid_plan.allocations})

    async def _allocate_unchanged(
        self,
        transaction: Transaction,
        orders: Sequence[Order],
        allocation_plan: AllocationPlan,
        now: datetime,
    ) -> AllocationPlan:
        """Write the allocations of unchanged orders; return that part of the plan."""
        return allocation_plan.select_orders(
            await transaction.cycle_queries.allocate_if_unchanged(
                self.fence, orders, allocation_plan.allocations, now
            )
        )

    async def _allocate_and_record(
        self, transaction: Transaction, orders: Sequence[Order], full_plan: AllocationPlan
    ) -> int:
        """Allocate, and record for all other orders a waiting reason, backorders or a failure."""
        now = DATABASE_CLOCK.now()
        orders_by_id = {order.order_id: order for order in orders}
        allocation_plan = await self._allocate_unchanged(transaction, orders, full_plan, now)
        if allocation_plan.waits_by_order:
            await transaction.cycle_queries.record_waits(allocation_plan.waits_by_order)
        partial_changes = [
            open_backorders(
                with_allocations(orders_by_id[order_id], allocation_plan.allocations),
                missing_by_line,
                ShortageReason.QUANTITY_MISMATCH,
                new_id,
                self.caller_for(orders_by_id[order_id]),
                now,
            )
            for order_id, missing_by_line in allocation_plan.missing_units.items()
        ]
        await transaction.orders.save(partial_changes)
        await self.fail_orders(
            transaction,
            [(orders_by_id[order_id], failures.NO_STOCK) for order_id in allocation_plan.short_skus],
            now,
        )
        return len({allocation.order_id for allocation in allocation_plan.allocations})

    async def request_moves(self) -> int:
        """Request moves of allocated carriers, up to the capacity of each destination's queue."""
        now = DATABASE_CLOCK.now()
        deadline = now + self.cycle_rules.move_timeout
        return await self.run_in_transaction(
            lambda transaction: transaction.cycle_queries.request_moves(
                deadline, now, self.cycle_rules.max_orders // 2
            )
        )

    async def start_picking(self) -> int:
        """Move orders to PICKING whose first carrier was requested."""

        async def pick_batch(order_ids: Sequence[str]) -> int:
            return await self.advance_orders(
                order_ids, OrderStatus.ASSIGNED_TO_WAVE, OrderStatus.PICKING, events.PickingStarted
            )

        return await self.run(
            lambda transaction: transaction.cycle_queries.list_orders_to_pick(self.cycle_rules.max_orders),
            pick_batch,
        )

    async def take_in_arrivals(self) -> int:
        """Pick from arrived carriers; move complete orders to PACKING."""

        async def process_batch(arrival_batch: Sequence[CarrierArrival]) -> int:
            order_ids = [carrier_arrival.order_id for carrier_arrival in arrival_batch]
            if any(carrier_arrival.has_backorder for carrier_arrival in arrival_batch):
                return await self.run_in_transaction(
                    lambda transaction: self._pick_arrivals(
                        transaction, order_ids, should_pick_backorders=True
                    )
                )
            return await self.run_autocommit(
                lambda transaction: self._pick_arrivals(transaction, order_ids, should_pick_backorders=False)
            )

        carrier_arrivals = await self._database.read(
            lambda transaction: transaction.cycle_queries.list_arrivals(self.cycle_rules.max_orders)
        )
        # Orders at one destination pick from the same carriers.
        return await self.run_partitioned(
            carrier_arrivals, lambda carrier_arrival: carrier_arrival.destination_id, process_batch
        )

    async def _pick_arrivals(
        self, transaction: Transaction, order_ids: Sequence[str], *, should_pick_backorders: bool
    ) -> int:
        now = DATABASE_CLOCK.now()
        event_template = self.event_template(events.PackingStarted, now)
        picked_ids, units_by_backorder = await transaction.cycle_queries.pick_arrived(
            self.fence, order_ids, event_template, should_pick_backorders=should_pick_backorders
        )
        if units_by_backorder:
            await self._record_fulfilled_backorders(
                transaction, await transaction.backorders.record_delivery(units_by_backorder, now), now
            )
        if should_pick_backorders:
            await transaction.cycle_queries.finish_picking(self.fence, picked_ids, event_template)
        return len(picked_ids)

    async def _record_fulfilled_backorders(
        self, transaction: Transaction, backorders: Sequence[Backorder], now: datetime
    ) -> None:
        backorders_by_order: dict[str, list[Backorder]] = defaultdict(list)
        for backorder in backorders:
            backorders_by_order[backorder.order_id].append(backorder)
        orders_by_id = (
            await transaction.orders.lock_orders(sorted(backorders_by_order)) if backorders_by_order else {}
        )
        await transaction.orders.save(
            [
                fulfill_backorders(
                    orders_by_id[order_id], order_backorders, self.caller_for(orders_by_id[order_id]), now
                )
                for order_id, order_backorders in backorders_by_order.items()
            ]
        )

    async def request_returns(self) -> int:
        """Request returns of carriers with remaining units that no order at their destination needs."""
        return await self.run_in_transaction(
            lambda transaction: self._request_lane_moves(
                transaction, transaction.cycle_queries.list_returnable_carriers
            )
        )

    async def request_relocations(self) -> int:
        """Request relocations of carriers in front of allocated ones."""
        return await self.run_in_transaction(
            lambda transaction: self._request_lane_moves(
                transaction, transaction.cycle_queries.list_blocking_carriers
            )
        )

    async def _request_lane_moves(
        self, transaction: Transaction, find_carriers: Callable[[int], Awaitable[list[DisplacedCarrier]]]
    ) -> int:
        now = DATABASE_CLOCK.now()
        carriers = await find_carriers(self.cycle_rules.max_orders // 2)
        warehouse_ids = sorted({carrier.warehouse_id for carrier in carriers})
        lanes = await transaction.cycle_queries.list_free_lanes(warehouse_ids, 2_000) if carriers else []
        lane_moves = plan_lane_moves(carriers, lanes)
        if not lane_moves:
            return 0
        return await transaction.cycle_queries.request_lane_moves(
            lane_moves, now + self.cycle_rules.move_timeout, now
        )

    async def fail_overdue_moves(self) -> int:
        """Fail moves whose deadline has passed."""

        async def fail_batch(transaction: Transaction) -> int:
            now = DATABASE_CLOCK.now()
            move_ids = await transaction.cycle_queries.list_overdue_moves(now, self.cycle_rules.batch_size)
            moves = await transaction.warehouse_storage.lock_moves(move_ids) if move_ids else {}
            if not moves:
                return 0
            return len(await transaction.warehouse_storage.fail_moves(list(moves), "overdue", now))

        return await self.run_in_transaction(fail_batch)

    async def take_in_failed_moves(self) -> int:
        """Count a failure for each order that waits for a failed move."""

        async def count_batch(waiting_orders: Sequence[tuple[str, str]]) -> int:
            return await self.run_in_transaction(
                lambda transaction: self._count_failures(transaction, waiting_orders)
            )

        processed_count = await self.run(
            lambda transaction: transaction.cycle_queries.list_orders_of_failed_moves(
                self.cycle_rules.max_orders
            ),
            count_batch,
        )
        processed_count += await self.run_in_transaction(
            lambda transaction: self._release_backorders(
                transaction, transaction.cycle_queries.list_backorders_of_failed_moves
            )
        )
        await self.run_in_transaction(lambda transaction: transaction.cycle_queries.process_failed_moves())
        return processed_count

    async def take_in_held_carriers(self) -> int:
        """Count a failure for each order that waits for a carrier on hold."""

        async def count_batch(waiting_orders: Sequence[tuple[str, str]]) -> int:
            return await self.run_in_transaction(
                lambda transaction: self._count_failures(transaction, waiting_orders)
            )

        processed_count = await self.run(
            lambda transaction: transaction.cycle_queries.list_orders_of_held_carriers(
                self.cycle_rules.max_orders
            ),
            count_batch,
        )
        return processed_count + await self.run_in_transaction(
            lambda transaction: self._release_backorders(
                transaction, transaction.cycle_queries.list_backorders_of_held_carriers
            )
        )

    async def _count_failures(
        self, transaction: Transaction, waiting_orders: Sequence[tuple[str, str]]
    ) -> int:
        """Count a failure, with its reason, for orders whose carriers will not arrive."""
        reasons = dict(waiting_orders)
        orders_by_id = await transaction.orders.lock_skipping_locked(sorted(reasons))
        working_orders = [
            order
            for order in orders_by_id.values()
            if order.status in (OrderStatus.ASSIGNED_TO_WAVE, OrderStatus.PICKING)
        ]
        await self.fail_orders(
            transaction, [(order, reasons[order.order_id]) for order in working_orders], DATABASE_CLOCK.now()
        )
        return len(working_orders)

    async def _release_backorders(
        self, transaction: Transaction, find_backorders: Callable[[int], Awaitable[list[str]]]
    ) -> int:
        """Release allocations of backorders that will not arrive; later cycles fill them from other stock."""
        backorder_ids = await find_backorders(self.cycle_rules.batch_size)
        if backorder_ids:
            now = DATABASE_CLOCK.now()
            await transaction.orders.lock_orders(await transaction.backorders.list_order_ids(backorder_ids))
            await transaction.backorders.reopen_backorders(backorder_ids, now)
            await transaction.orders.release_allocations([], backorder_ids, now)
        return len(backorder_ids)


def _with_open_destinations(
    destinations: list[Destination], find_items: Callable[[Transaction], Awaitable[list[Item]]]
) -> Callable[[Transaction], Awaitable[list[Item]]]:
    """Return a finder that also reads the open destinations if it finds any items."""

    async def find_with_destinations(transaction: Transaction) -> list[Item]:
        if items := await find_items(transaction):
            destinations.extend(await transaction.cycle_queries.list_open_destinations())
        return items

    return find_with_destinations


def with_allocations(order: Order, allocations: Sequence[Allocation]) -> Order:
    """Return the order with its allocations added to its lines."""
    units_by_line: dict[int, int] = defaultdict(int)
    for allocation in allocations:
        if allocation.order_id == order.order_id:
            units_by_line[allocation.line_number] += allocation.quantity
    items = tuple(
        replace(item, allocated=item.allocated + units_by_line[item.line_number]) for item in order.items
    )
    return replace(order, items=items)


def _waits_for_stock(order: Order | None) -> bool:
    return (
        order is not None
        and order.status is OrderStatus.ASSIGNED_TO_WAVE
        and all(item.allocated == item.shipped for item in order.items)
    )

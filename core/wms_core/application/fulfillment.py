"""The fulfillment cycle: what the active worker does in each tick.

Every step reads what it decides from the database, in bounded batches, each in one fenced transaction that
moves orders along the status table and writes their events. Nothing is remembered from one cycle to the
next. A batch that fails is halved until the order that fails is alone; its failure is counted, the others go
on.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from wms_core.application.fenced import STOPS, FencedWork, Item
from wms_core.application.identifiers import new_id
from wms_core.application.ports import Transaction
from wms_core.clock import CLOCK
from wms_core.domain import events, failures
from wms_core.domain.allocation import AllocationPlan, OwedUnits, allocate, stock_asked
from wms_core.domain.backorders import Backorder, fulfilled, go_on_without
from wms_core.domain.errors import Aborted
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.payloads import ShortageReason
from wms_core.domain.planning import busier, plan_trips, plan_waves
from wms_core.domain.runs import Run, RunStatus, Step, StepResult
from wms_core.domain.storage import Allocation, Arrival, Destination, StrayCarrier, Wave

_S = OrderStatus
_log = structlog.get_logger(__name__)


class Cycle(FencedWork):
    """One cycle of the active replica; its steps are run in order, and stopped between transactions."""

    async def run(self) -> Run:
        """Run all steps and write their record. Raises StaleEpoch, StorageUnavailable, ConcurrentChange."""
        started, epoch = CLOCK.now(), self.fence.epoch
        asked = await self.transact(lambda t: t.fulfillment.start_runs(self.worker_id, epoch, started))
        results: list[StepResult] = []
        errors: list[str] = []
        for step in Step:
            if self.stopping():
                break
            await self._run_step(step, results, errors)
        run = Run(
            run_id=new_id("RUN-"),
            status=RunStatus.FAILED if errors else RunStatus.COMPLETED,
            started_at=started,
            finished_at=CLOCK.now(),
            worker_id=self.worker_id,
            epoch=epoch,
            steps=tuple(results),
            errors=tuple(errors),
        )
        await self.transact(lambda t: t.fulfillment.finish_run(run, asked, self.rules.runs_kept))
        return run

    async def _run_step(self, step: Step, results: list[StepResult], errors: list[str]) -> None:
        began = time.perf_counter()
        count, fault = 0, ""
        self.begin_step(step.value)
        try:
            count = await getattr(self, step.value)()
        except STOPS as error:
            fault = type(error).__name__
            raise
        except Aborted as error:
            _log.warning("step_put_off", step=step.value, error=str(error))
        except Exception as error:
            # One failing step must not stop the others.
            _log.exception("step_failed", step=step.value)
            fault = type(error).__name__
            errors.append(f"{step.value}: {fault}")
        finally:
            self.trace.end(count, fault)
        results.append(StepResult(step, count, time.perf_counter() - began))

    async def retry_due(self) -> int:
        """Put orders whose retry is due back to the beginning."""

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.transact(lambda transaction: self._reset(transaction, order_ids))

        return await self.in_batches(lambda t: t.cycle.due_retries(CLOCK.now(), self.rules.most), batch)

    async def _reset(self, transaction: Transaction, order_ids: Sequence[str]) -> int:
        now = CLOCK.now()
        found = await transaction.orders.lock_free(order_ids)
        due = [
            o
            for o in found.values()
            if o.status is _S.PENDING_RETRY and o.next_retry_at and o.next_retry_at <= now
        ]
        await transaction.orders.save([failures.reset(order, self.on_errand_of(order), now) for order in due])
        return len(due)

    async def validate(self) -> int:
        """Validate what came in, unless that is left to others."""
        if not self.rules.auto_validate:
            return 0

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.advance(order_ids, _S.RECEIVED, _S.VALIDATED, events.Validated)

        return await self.in_batches(lambda t: t.cycle.received(self.rules.most), batch)

    async def plan_waves(self) -> int:
        """Put validated orders into waves, most urgent first, where their stock can go and fewest wait."""
        destinations: list[Destination] = []

        async def plan(orders: Sequence[tuple[str, str]]) -> int:
            order_ids = [order_id for order_id, _ in orders]
            missed = await self._database.read(lambda t: t.cycle.out_of_reach(order_ids))
            planned = plan_waves(orders, destinations, self.rules.wave_size, missed)
            destinations[:] = busier(destinations, planned)
            return await self._join_waves(planned)

        find = _noting(destinations, lambda t: t.cycle.validated(self.rules.most))
        # One after the other: each adds to the orders that wait at a destination.
        return await self.in_batches(find, plan, self.rules.plan_size, at_once=1)

    async def _join_waves(self, planned: Sequence[tuple[Destination, list[str]]]) -> int:
        """Have orders join waves, those of a wave one batch after the other."""
        waves: dict[str, Wave] = {}
        members: list[tuple[str, str]] = []
        for destination, order_ids in planned:
            wave = await self._new_wave(destination)
            waves[wave.wave_id] = wave
            members += [(order_id, wave.wave_id) for order_id in order_ids]

        async def join(batch: Sequence[tuple[str, str]]) -> int:
            order_ids = [order_id for order_id, _ in batch]
            joined = [waves[wave_id] for _, wave_id in batch]
            return await self.advance(
                order_ids, _S.VALIDATED, _S.ASSIGNED_TO_WAVE, events.WaveAssigned, joined
            )

        return await self.in_lanes(members, lambda member: member[1], join)

    async def _new_wave(self, destination: Destination) -> Wave:
        now = CLOCK.now()
        wave_id = await self._database.read(lambda t: t.storage.new_wave_id(now.year))
        return Wave(wave_id, destination.warehouse_id, destination.destination_id, now)

    async def fill_backorders(self) -> int:
        """Promise stock that has come to what is owed, before new orders get any of it."""
        destinations: list[Destination] = []

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.transact(lambda t: self._fill(t, order_ids, destinations))

        find = _noting(destinations, lambda t: t.backorders.orders_owed(self.rules.most))
        # One after the other: each plans with what the one before has left.
        return await self.in_batches(find, batch, at_once=1)

    async def _fill(
        self, transaction: Transaction, order_ids: Sequence[str], destinations: Sequence[Destination]
    ) -> int:
        now = CLOCK.now()
        await transaction.orders.lock(order_ids)
        owed = await transaction.backorders.owed_to(order_ids)
        plan = await self._plan(transaction, owed, [], destinations)
        lost = await transaction.cycle.lock_promised(plan.allocations)
        kept = [one for one in plan.allocations if one.carrier_id not in lost]
        if not kept:
            return 0
        await transaction.cycle.allocate(kept, now)
        filled = sorted({one.backorder_id for one in kept if one.backorder_id})
        await transaction.backorders.start(filled, now)
        await transaction.cycle.touch(sorted({one.order_id for one in kept}), now)
        return len(filled)

    async def _plan(
        self,
        transaction: Transaction,
        owed: Sequence[OwedUnits],
        orders: Sequence[Order],
        destinations: Sequence[Destination],
    ) -> AllocationPlan:
        asked = stock_asked(owed, orders)
        carriers = await transaction.cycle.free_carriers(asked, self.rules.most_blockers)
        targets = {one.destination_id: one for one in destinations}
        return allocate(owed, orders, carriers, targets, self.rules.partial)

    async def allocate(self) -> int:
        """Promise stock to the orders of waves; open backorders, or count a failure, for what is missing."""
        destinations: list[Destination] = []

        async def batch(order_ids: Sequence[str]) -> int:
            return await self._allocate(order_ids, destinations)

        # One plan a cycle: what it keeps for one who waits, no second plan may give away.
        size = self.rules.plan_size
        find = _noting(destinations, lambda t: t.cycle.to_allocate(size))
        return await self.in_batches(find, batch, size, at_once=1)

    async def _allocate(self, order_ids: Sequence[str], destinations: Sequence[Destination]) -> int:
        """Plan for many orders together; promise, batch by batch, what is still as it was."""
        found = await self._database.read(lambda t: t.orders.get(order_ids))
        orders = [found[order_id] for order_id in order_ids if _waits_for_stock(found.get(order_id))]
        plan = await self._database.read(lambda t: self._plan(t, [], orders, destinations))
        to_serve = [(order.order_id, order.destination_id or "") for order in orders]

        async def batch(part: Sequence[tuple[str, str]]) -> int:
            return await self._promise([found[order_id] for order_id, _ in part], plan)

        # A carrier goes to one destination, so that orders of different ones don't wait for each other's.
        return await self.in_lanes(to_serve, lambda one: one[1], batch)

    async def _promise(self, orders: Sequence[Order], planned: AllocationPlan) -> int:
        plan = planned.of([order.order_id for order in orders])
        if plan.waiting or plan.missing or plan.short:
            return await self.transact(lambda t: self._promise_and_tell(t, orders, plan))
        kept = await self.call(lambda t: self._keep(t, orders, plan, CLOCK.now()))
        return len({one.order_id for one in kept.allocations})

    async def _keep(
        self, transaction: Transaction, orders: Sequence[Order], plan: AllocationPlan, now: datetime
    ) -> AllocationPlan:
        """Promise what is still as it was planned; gives that part of the plan."""
        return plan.of(await transaction.cycle.promise(self.fence, orders, plan.allocations, now))

    async def _promise_and_tell(
        self, transaction: Transaction, orders: Sequence[Order], planned: AllocationPlan
    ) -> int:
        """Promise, and say of all others why they wait, what they go on without, or that they fail."""
        now = CLOCK.now()
        found = {order.order_id: order for order in orders}
        plan = await self._keep(transaction, orders, planned, now)
        if plan.waiting:
            await transaction.cycle.wait(plan.waiting)
        partial = [
            go_on_without(
                holding(found[order_id], plan.allocations),
                missing,
                ShortageReason.QUANTITY_MISMATCH,
                new_id,
                self.on_errand_of(found[order_id]),
                now,
            )
            for order_id, missing in plan.missing.items()
        ]
        await transaction.orders.save(partial)
        await self.fail(transaction, [(found[order_id], failures.NO_STOCK) for order_id in plan.short], now)
        return len({one.order_id for one in plan.allocations})

    async def request_moves(self) -> int:
        """Ask for allocated carriers, as far as each destination's queue has room."""
        now = CLOCK.now()
        deadline = now + self.rules.move_timeout
        return await self.transact(lambda t: t.cycle.request_moves(deadline, now, self.rules.most // 2))

    async def start_picking(self) -> int:
        """Move orders to PICKING whose first carrier has been asked for."""

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.advance(order_ids, _S.ASSIGNED_TO_WAVE, _S.PICKING, events.PickingStarted)

        return await self.in_batches(lambda t: t.cycle.ready_to_pick(self.rules.most), batch)

    async def take_in_arrivals(self) -> int:
        """Pick off what has arrived; move orders to PACKING that have everything."""

        async def batch(arrivals: Sequence[Arrival]) -> int:
            order_ids = [arrival.order_id for arrival in arrivals]
            if any(arrival.owed for arrival in arrivals):
                return await self.transact(lambda t: self._take_in(t, order_ids, owed=True))
            return await self.call(lambda t: self._take_in(t, order_ids, owed=False))

        arrivals = await self._database.read(lambda t: t.cycle.arrived_for(self.rules.most))
        # Those at one destination draw on the same carriers.
        return await self.in_lanes(arrivals, lambda arrival: arrival.destination_id, batch)

    async def _take_in(self, transaction: Transaction, order_ids: Sequence[str], *, owed: bool) -> int:
        now = CLOCK.now()
        told = self.telling(events.PackingStarted, now)
        taken, units = await transaction.cycle.pick_arrived(self.fence, order_ids, told, owed=owed)
        if units:
            await self._tell_fulfilled(transaction, await transaction.backorders.deliver(units, now), now)
        if owed:
            await transaction.cycle.finish_picking(self.fence, taken, told)
        return len(taken)

    async def _tell_fulfilled(
        self, transaction: Transaction, backorders: Sequence[Backorder], now: datetime
    ) -> None:
        by_order: dict[str, list[Backorder]] = defaultdict(list)
        for backorder in backorders:
            by_order[backorder.order_id].append(backorder)
        found = await transaction.orders.lock(sorted(by_order)) if by_order else {}
        await transaction.orders.save(
            [
                fulfilled(found[order_id], those, self.on_errand_of(found[order_id]), now)
                for order_id, those in by_order.items()
            ]
        )

    async def request_returns(self) -> int:
        """Send carriers with a rest that nobody needs at their destination back to a lane."""
        return await self.transact(lambda t: self._request_trips(t, t.cycle.to_return))

    async def request_relocations(self) -> int:
        """Send carriers out of the way of others that are wanted."""
        return await self.transact(lambda t: self._request_trips(t, t.cycle.blockers))

    async def _request_trips(
        self, transaction: Transaction, find: Callable[[int], Awaitable[list[StrayCarrier]]]
    ) -> int:
        now = CLOCK.now()
        carriers = await find(self.rules.most // 2)
        warehouses = sorted({carrier.warehouse_id for carrier in carriers})
        lanes = await transaction.cycle.lanes_with_room(warehouses, 2_000) if carriers else []
        trips = plan_trips(carriers, lanes)
        if not trips:
            return 0
        return await transaction.cycle.request_trips(trips, now + self.rules.move_timeout, now)

    async def fail_overdue_moves(self) -> int:
        """Give up moves whose deadline has passed."""

        async def batch(transaction: Transaction) -> int:
            now = CLOCK.now()
            move_ids = await transaction.cycle.overdue_moves(now, self.rules.batch)
            moves = await transaction.storage.lock_moves(move_ids) if move_ids else {}
            if not moves:
                return 0
            return len(await transaction.storage.fail_moves(list(moves), "overdue", now))

        return await self.transact(batch)

    async def take_in_failed_moves(self) -> int:
        """Count a failure for every order that waits for a move that failed."""

        async def batch(waiting: Sequence[tuple[str, str]]) -> int:
            return await self.transact(lambda transaction: self._count(transaction, waiting))

        done = await self.in_batches(lambda t: t.cycle.waiting_for_failed_moves(self.rules.most), batch)
        done += await self.transact(lambda t: self._let_go(t, t.cycle.owed_by_failed_moves))
        await self.transact(lambda t: t.cycle.take_in_failed_moves())
        return done

    async def take_in_held_carriers(self) -> int:
        """Count a failure for every order that waits for a carrier that is held now."""

        async def batch(waiting: Sequence[tuple[str, str]]) -> int:
            return await self.transact(lambda transaction: self._count(transaction, waiting))

        done = await self.in_batches(lambda t: t.cycle.waiting_for_held_carriers(self.rules.most), batch)
        return done + await self.transact(lambda t: self._let_go(t, t.cycle.owed_by_held_carriers))

    async def _count(self, transaction: Transaction, waiting: Sequence[tuple[str, str]]) -> int:
        """Count a failure for orders that wait in vain, with the reason."""
        reasons = dict(waiting)
        found = await transaction.orders.lock_free(sorted(reasons))
        working = [order for order in found.values() if order.status in (_S.ASSIGNED_TO_WAVE, _S.PICKING)]
        await self.fail(transaction, [(order, reasons[order.order_id]) for order in working], CLOCK.now())
        return len(working)

    async def _let_go(self, transaction: Transaction, find: Callable[[int], Awaitable[list[str]]]) -> int:
        """Have backorders let go of what will not come; they are filled again from elsewhere."""
        backorder_ids = await find(self.rules.batch)
        if backorder_ids:
            now = CLOCK.now()
            await transaction.orders.lock(await transaction.backorders.orders_of(backorder_ids))
            await transaction.backorders.give_back(backorder_ids, now)
            await transaction.orders.let_go([], backorder_ids, now)
        return len(backorder_ids)


def _noting(
    destinations: list[Destination], find: Callable[[Transaction], Awaitable[list[Item]]]
) -> Callable[[Transaction], Awaitable[list[Item]]]:
    """Note the open destinations too when there is anything to do."""

    async def found(transaction: Transaction) -> list[Item]:
        if items := await find(transaction):
            destinations.extend(await transaction.cycle.open_destinations())
        return items

    return found


def holding(order: Order, allocations: Sequence[Allocation]) -> Order:
    """Give an order as it is after its allocations."""
    units: dict[int, int] = defaultdict(int)
    for one in allocations:
        if one.order_id == order.order_id:
            units[one.line_number] += one.quantity
    items = tuple(replace(item, allocated=item.allocated + units[item.line_number]) for item in order.items)
    return replace(order, items=items)


def _waits_for_stock(order: Order | None) -> bool:
    return (
        order is not None
        and order.status is _S.ASSIGNED_TO_WAVE
        and all(item.allocated == item.shipped for item in order.items)
    )

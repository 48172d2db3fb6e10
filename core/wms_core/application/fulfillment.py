"""The fulfillment cycle: what the active worker does in each tick.

Every step reads what it decides from the database, in bounded batches, each in one fenced transaction that
moves orders along the status table and writes their events. Nothing is remembered from one cycle to the
next. A batch that fails is halved until the order that fails is alone; its failure is counted, the others go
on.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from wms_core.application.fenced import STOPS, FencedWork, now_utc
from wms_core.application.ports import Transaction
from wms_core.domain import events, failures
from wms_core.domain.allocation import allocate
from wms_core.domain.change import told
from wms_core.domain.errors import Aborted
from wms_core.domain.events import OrderEvent
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.planning import plan_returns, plan_waves
from wms_core.domain.storage import Wave

_S = OrderStatus
_log = structlog.get_logger(__name__)

NO_STOCK = "Inventory unavailable"


class Cycle(FencedWork):
    """One cycle of the active replica; its steps are run in order, and stopped between transactions."""

    async def run(self) -> dict[str, int]:
        """Run all steps; gives what each did. Raises StaleEpoch, StorageUnavailable."""
        steps: dict[str, Callable[[], Awaitable[int]]] = {
            "retried": self.retry_due,
            "validated": self.validate,
            "assigned": self.plan_waves,
            "allocated": self.allocate,
            "moves_requested": self.request_moves,
            "picking": self.start_picking,
            "packing": self.take_in_arrivals,
            "returns_requested": self.request_returns,
            "moves_overdue": self.fail_overdue_moves,
            "moves_failed": self.take_in_failures,
        }
        done: dict[str, int] = {}
        for name, step in steps.items():
            if self.stopping():
                break
            try:
                done[name] = await step()
            except STOPS:
                raise
            except Aborted as error:
                _log.warning("step_put_off", step=name, error=str(error))
            except Exception:
                # One failing step must not stop the others.
                _log.exception("step_failed", step=name)
                done["errors"] = done.get("errors", 0) + 1
        return done

    async def retry_due(self) -> int:
        """Put orders whose retry is due back to the beginning."""

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.transact(lambda transaction: self._reset(transaction, order_ids))

        return await self.in_batches(lambda t: t.cycle.due_retries(now_utc(), self.rules.batch), batch)

    async def _reset(self, transaction: Transaction, order_ids: Sequence[str]) -> int:
        now = now_utc()
        found = await transaction.orders.lock_free(order_ids)
        due = [
            o
            for o in found.values()
            if o.status is _S.PENDING_RETRY and o.next_retry_at and o.next_retry_at <= now
        ]
        await transaction.orders.save([failures.reset(order, self._caller, now) for order in due])
        return len(due)

    async def validate(self) -> int:
        """Validate what came in, unless that is left to others."""
        if not self.rules.auto_validate:
            return 0

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.advance(order_ids, _S.RECEIVED, _S.VALIDATED, _validated)

        return await self.in_batches(lambda t: t.cycle.received(self.rules.batch), batch)

    async def plan_waves(self) -> int:
        """Put validated orders into waves, most urgent first, where the fewest wait."""

        async def batch(orders: Sequence[tuple[str, str]]) -> int:
            return await self.transact(lambda transaction: self._plan_waves(transaction, orders))

        return await self.in_batches(lambda t: t.cycle.validated(self.rules.batch), batch)

    async def _plan_waves(self, transaction: Transaction, orders: Sequence[tuple[str, str]]) -> int:
        now = now_utc()
        destinations = await transaction.cycle.open_destinations()
        members = []
        for destination, order_ids in plan_waves(orders, destinations, self.rules.wave_size):
            wave_id = await transaction.storage.new_wave_id(now.year)
            wave = Wave(wave_id, destination.warehouse_id, destination.destination_id, now)
            members += [(order_id, wave) for order_id in order_ids]
        joined = await transaction.cycle.join_waves(members, now) if members else []
        await self.tell(transaction, joined, _S.VALIDATED, _wave_assigned, now)
        return len(joined)

    async def allocate(self) -> int:
        """Promise stock to the orders of waves; count a failure for those that stock can't serve."""
        seen: list[str] = []

        async def find(transaction: Transaction) -> list[str]:
            order_ids = await transaction.cycle.to_allocate(self.rules.batch, seen)
            seen.extend(order_ids)
            return order_ids

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.transact(lambda transaction: self._allocate(transaction, order_ids))

        return await self.in_batches(find, batch)

    async def _allocate(self, transaction: Transaction, order_ids: Sequence[str]) -> int:
        now = now_utc()
        found = await transaction.orders.lock_free(order_ids)
        orders = [found[order_id] for order_id in order_ids if _waits_for_stock(found.get(order_id))]
        carriers = await transaction.cycle.free_carriers(
            sorted({order.warehouse_id for order in orders}),
            sorted({item.sku for order in orders for item in order.items}),
        )
        destinations = {one.destination_id: one for one in await transaction.cycle.open_destinations()}
        plan = allocate(orders, carriers, destinations)
        if plan.allocations:
            await transaction.cycle.allocate(plan.allocations, now)
        if plan.waiting:
            await transaction.cycle.wait(plan.waiting)
        await self.fail(transaction, [(found[order_id], NO_STOCK) for order_id in plan.short], now)
        return len({one.order_id for one in plan.allocations})

    async def request_moves(self) -> int:
        """Ask for allocated carriers, as far as each destination's queue has room."""
        now = now_utc()
        deadline = now + self.rules.move_timeout
        return await self.transact(lambda t: t.cycle.request_moves(deadline, now, self.rules.batch * 10))

    async def start_picking(self) -> int:
        """Move orders to PICKING whose first carrier has been asked for."""

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.advance(order_ids, _S.ASSIGNED_TO_WAVE, _S.PICKING, _picking_started)

        return await self.in_batches(lambda t: t.cycle.ready_to_pick(self.rules.batch), batch)

    async def take_in_arrivals(self) -> int:
        """Pick off what has arrived; move orders to PACKING that have everything."""

        async def batch(order_ids: Sequence[str]) -> int:
            return await self.transact(lambda transaction: self._take_in(transaction, order_ids))

        return await self.in_batches(lambda t: t.cycle.arrived_for(self.rules.batch), batch)

    async def _take_in(self, transaction: Transaction, order_ids: Sequence[str]) -> int:
        now = now_utc()
        picked = await transaction.cycle.pick_arrived(order_ids, now)
        whole = await transaction.cycle.delivered_whole(picked) if picked else []
        packed = await transaction.cycle.advance(whole, _S.PICKING, _S.PACKING, now) if whole else []
        await self.tell(transaction, packed, _S.PICKING, _packing_started, now)
        return len(packed)

    async def request_returns(self) -> int:
        """Send carriers with a rest that nobody needs at their destination back to a lane."""

        async def batch(transaction: Transaction) -> int:
            now = now_utc()
            carriers = await transaction.cycle.to_return(self.rules.batch)
            warehouses = sorted({carrier.warehouse_id for carrier in carriers})
            lanes = await transaction.cycle.lanes_with_room(warehouses, 1000) if carriers else []
            trips = plan_returns(carriers, lanes)
            if trips:
                await transaction.cycle.request_returns(trips, now + self.rules.move_timeout, now)
            return len(trips)

        return await self.transact(batch)

    async def fail_overdue_moves(self) -> int:
        """Give up moves whose deadline has passed."""

        async def batch(transaction: Transaction) -> int:
            now = now_utc()
            move_ids = await transaction.cycle.overdue_moves(now, self.rules.batch)
            moves = await transaction.storage.lock_moves(move_ids) if move_ids else {}
            if not moves:
                return 0
            return len(await transaction.storage.fail_moves(list(moves), "overdue", now))

        return await self.transact(batch)

    async def take_in_failures(self) -> int:
        """Count a failure for every order that waits for a move that failed."""

        async def batch(failed: Sequence[tuple[str, str]]) -> int:
            return await self.transact(lambda transaction: self._take_in_failures(transaction, failed))

        await self.in_batches(lambda t: t.cycle.waiting_for_failed_moves(self.rules.batch), batch)
        return await self.transact(lambda t: t.cycle.take_in_failed_moves())

    async def _take_in_failures(self, transaction: Transaction, failed: Sequence[tuple[str, str]]) -> int:
        reasons = dict(failed)
        found = await transaction.orders.lock_free(list(reasons))
        working = [order for order in found.values() if order.status in (_S.ASSIGNED_TO_WAVE, _S.PICKING)]
        counted = [(order, f"Move failed: {reasons[order.order_id]}") for order in working]
        await self.fail(transaction, counted, now_utc())
        return len(working)


def _waits_for_stock(order: Order | None) -> bool:
    return (
        order is not None
        and order.status is _S.ASSIGNED_TO_WAVE
        and all(item.allocated == item.shipped for item in order.items)
    )


def _validated(order: Order, now: datetime) -> OrderEvent:
    return events.Validated(**told(order, now))


def _wave_assigned(order: Order, now: datetime) -> OrderEvent:
    return events.WaveAssigned(**told(order, now), **_place(order))


def _picking_started(order: Order, now: datetime) -> OrderEvent:
    return events.PickingStarted(**told(order, now), **_place(order))


def _packing_started(order: Order, now: datetime) -> OrderEvent:
    return events.PackingStarted(**told(order, now), **_place(order))


def _place(order: Order) -> dict[str, Any]:
    return {"wave_id": order.wave_id or "", "destination_id": order.destination_id or ""}

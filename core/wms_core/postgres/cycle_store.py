"""What the fulfillment cycle asks of Postgres, in batches."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from wms_core.application.ports import Fence
from wms_core.domain.allocation import StockAsked, Wait
from wms_core.domain.events import CycleEvent, json_time
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.storage import (
    Allocation,
    Arrival,
    Destination,
    FreeCarrier,
    Lane,
    LaneTrip,
    StrayCarrier,
    Wave,
)
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import columns
from wms_core.postgres.queries import query
from wms_core.postgres.storage_rows import destination_from, lane_from

#: Until the end of the transaction: a session may serve others next (PgBouncer).
_PLAN_AFRESH = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true)
"""


class PostgresCycleStore:
    """See `application.ports.CycleStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection
        self._planning_afresh = False

    async def due_retries(self, now: datetime, limit: int) -> list[str]:
        """Give orders whose retry is due, the longest due first."""
        return await self._ids("due_retries", now, limit)

    async def received(self, limit: int) -> list[str]:
        """Give orders that wait for validation, the oldest first."""
        return await self._ids("received", limit)

    async def advance(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        source: OrderStatus,
        to: OrderStatus,
        told: CycleEvent,
        waves: Sequence[Wave] = (),
    ) -> list[str]:
        """Move the orders that are in `source` along one arrow, each into its wave, and tell of it."""
        rows = await self._connection.fetch(
            query("cycle.advance"),
            fence.role,
            fence.epoch,
            list(order_ids),
            [wave.wave_id for wave in waves],
            [wave.destination_id for wave in waves],
            source,
            to,
            *_told(told),
        )
        return [row["order_id"] for row in rows]

    async def validated(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a wave, most urgent first, with their warehouse."""
        rows = await self._fetch(query("cycle.validated"), limit)
        return [(row["order_id"], row["warehouse_id"]) for row in rows]

    async def open_destinations(self) -> list[Destination]:
        """Give the destinations that are not paused, with the orders that wait at them."""
        rows = await self._fetch(query("cycle.open_destinations"))
        return [destination_from(row) for row in rows]

    async def out_of_reach(self, order_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Give by order the destinations that some of its stock can't be brought to."""
        rows = await self._fetch(query("cycle.out_of_reach"), list(order_ids))
        return {row["order_id"]: frozenset(row["destination_ids"]) for row in rows}

    async def to_allocate(self, limit: int) -> list[str]:
        """Give orders in a wave that hold nothing yet, most urgent first."""
        return await self._ids("to_allocate", limit)

    async def free_carriers(self, asked: Sequence[StockAsked], most_blockers: int) -> list[FreeCarrier]:
        """Give the carriers that can be needed, oldest first; of a SKU more only when the first do not do."""
        found: list[FreeCarrier] = []
        depth = 1
        while asked:
            sums = [(one.warehouse_id, one.sku, one.destination_id, one.lines, one.units) for one in asked]
            rows = await self._fetch(query("cycle.free_carriers"), *columns(sums, 5), most_blockers, depth)
            too_few = {(row["warehouse_id"], row["sku"]) for row in rows if row["carrier_id"] is None}
            carriers = [FreeCarrier(*row) for row in rows if row["carrier_id"] is not None]
            found += [one for one in carriers if (one.warehouse_id, one.sku) not in too_few]
            asked = [one for one in asked if (one.warehouse_id, one.sku) in too_few]
            depth *= 8
        return sorted(found, key=lambda one: (one.age_rank, one.carrier_id))

    async def promise(
        self, fence: Fence, orders: Sequence[Order], allocations: Sequence[Allocation], now: datetime
    ) -> list[str]:
        """Promise what was planned to orders that are as they were."""
        rows = await self._connection.fetch(
            query("cycle.promise"),
            fence.role,
            fence.epoch,
            [order.order_id for order in orders],
            [order.version for order in orders],
            [one.order_id for one in allocations],
            [one.line_number for one in allocations],
            [one.carrier_id for one in allocations],
            [one.destination_id for one in allocations],
            [one.quantity for one in allocations],
            now,
        )
        return [row["order_id"] for row in rows]

    async def lock_promised(self, allocations: Sequence[Allocation]) -> set[str]:
        """Lock the carriers of a plan; gives those that can't keep what the plan promises any more."""
        promised = [(one.carrier_id, one.destination_id, one.quantity) for one in allocations]
        rows = await self._connection.fetch(query("cycle.lost_carriers"), *columns(promised, 3))
        return {row["carrier_id"] for row in rows}

    async def allocate(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """Reserve units of locked carriers for backorders of locked orders."""
        rows = [
            (
                one.order_id,
                one.line_number,
                one.carrier_id,
                one.destination_id,
                one.quantity,
                one.backorder_id,
            )
            for one in allocations
        ]
        await self._execute(query("cycle.allocate"), *columns(rows, 6), now)

    async def touch(self, order_ids: Sequence[str], now: datetime) -> None:
        """Count a change of lines as a change of their orders."""
        await self._execute(query("cycle.touch"), list(order_ids), now)

    async def wait(self, waits: Mapping[str, Wait]) -> None:
        """Record why orders wait; changes no version."""
        rows = [(order_id, one.reason, one.sku, one.units) for order_id, one in waits.items()]
        await self._execute(query("cycle.wait"), *columns(rows, 4))

    async def request_moves(self, deadline: datetime, now: datetime, limit: int) -> int:
        """Ask for allocated carriers as far as destination queues allow; gives how many."""
        return len(await self._fetch(query("cycle.request_moves"), deadline, now, limit))

    async def ready_to_pick(self, limit: int) -> list[str]:
        """Give orders in a wave of which a carrier has been asked for, is on its way or there."""
        return await self._ids("ready_to_pick", limit)

    async def arrived_for(self, limit: int) -> list[Arrival]:
        """Give orders for which a carrier is at its destination."""
        return [Arrival(*row) for row in await self._fetch(query("cycle.arrived_for"), limit)]

    async def pick_arrived(
        self, fence: Fence, order_ids: Sequence[str], told: CycleEvent, *, owed: bool
    ) -> tuple[list[str], dict[str, int]]:
        """Pick what carriers that have arrived hold for orders; gives these, and the units for backorders."""
        rows = await self._connection.fetch(
            query("cycle.pick"), fence.role, fence.epoch, list(order_ids), owed, *_told(told)
        )
        taken_ids, backorder_ids, units = rows[0]
        return taken_ids, dict(zip(backorder_ids or (), units or (), strict=True))

    async def finish_picking(self, fence: Fence, order_ids: Sequence[str], told: CycleEvent) -> None:
        """Move locked orders to PACKING that have everything."""
        await self._connection.execute(
            query("cycle.finish_picking"), fence.role, fence.epoch, list(order_ids), *_told(told)
        )

    async def to_return(self, limit: int) -> list[StrayCarrier]:
        """Give carriers with a rest that nobody at their destination holds, locked."""
        rows = await self._fetch(query("cycle.to_return"), limit)
        return [
            StrayCarrier(
                row["carrier_id"],
                row["warehouse_id"],
                frozenset(row["zones"]),
                destination_id=row["destination_id"],
                homes=tuple(row["homes"]),
            )
            for row in rows
        ]

    async def blockers(self, limit: int) -> list[StrayCarrier]:
        """Give heads of lanes that nobody wants in front of carriers that are wanted, locked."""
        rows = await self._fetch(query("cycle.blockers"), limit)
        return [
            StrayCarrier(
                row["carrier_id"],
                row["warehouse_id"],
                frozenset({row["zone"]}),
                lane_id=row["lane_id"],
                homes=tuple(row["homes"]),
            )
            for row in rows
        ]

    async def lanes_with_room(self, warehouse_ids: Sequence[str], limit: int) -> list[Lane]:
        """Give open lanes with free positions, of each zone so many, the emptiest first."""
        rows = await self._fetch(query("cycle.lanes_with_room"), list(warehouse_ids), limit)
        return [lane_from(row) for row in rows]

    async def request_trips(self, trips: Sequence[LaneTrip], deadline: datetime, now: datetime) -> int:
        """Ask for carriers to be brought into lanes with free positions, which are promised now.

        Returns the number of trips: lanes may have been filled or blocked since they were read.
        """
        rows = [
            (
                trip.carrier_id,
                trip.warehouse_id,
                trip.kind,
                trip.from_lane_id,
                trip.to_lane_id,
                trip.destination_id,
            )
            for trip in trips
        ]
        (row,) = await self._fetch(query("cycle.request_trips"), *columns(rows, 6), now, deadline)
        requested: int = row["trips"]
        return requested

    async def overdue_moves(self, now: datetime, limit: int) -> list[str]:
        """Give live moves whose deadline has passed."""
        rows = await self._fetch(query("cycle.overdue_moves"), now, limit)
        return [row["move_id"] for row in rows]

    async def waiting_for_failed_moves(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a carrier whose move failed, with the reason of the failure."""
        rows = await self._fetch(query("cycle.waiting_for_failed_moves"), limit)
        return [(row["order_id"], f"Move failed: {row['failure_reason']}") for row in rows]

    async def owed_by_failed_moves(self, limit: int) -> list[str]:
        """Give backorders that wait for a carrier whose move failed."""
        rows = await self._fetch(query("cycle.owed_by_failed_moves"), limit)
        return [row["backorder_id"] for row in rows]

    async def waiting_for_held_carriers(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a carrier that was held since, with the reason."""
        rows = await self._fetch(query("cycle.waiting_for_held_carriers"), limit)
        return [(row["order_id"], _held(row["carrier_id"], row["status_reason"])) for row in rows]

    async def owed_by_held_carriers(self, limit: int) -> list[str]:
        """Give backorders that wait for a carrier that was held since."""
        rows = await self._fetch(query("cycle.owed_by_held_carriers"), limit)
        return [row["backorder_id"] for row in rows]

    async def take_in_failed_moves(self) -> int:
        """Mark failed moves that nobody waits for any more as acted on; gives how many."""
        return len(await self._fetch(query("cycle.take_in_failed_moves")))

    async def _ids(self, name: str, *arguments: object) -> list[str]:
        rows = await self._fetch(query(f"cycle.{name}"), *arguments)
        return [row["order_id"] for row in rows]

    async def _fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        if self._connection.is_in_transaction():
            await self._plan_afresh()
            return await self._connection.fetch(statement, *arguments)
        async with self._connection.transaction():
            await self._connection.execute(_PLAN_AFRESH)
            return await self._connection.fetch(statement, *arguments)

    async def _execute(self, statement: str, *arguments: object) -> None:
        await self._plan_afresh()
        await self._connection.execute(statement, *arguments)

    async def _plan_afresh(self) -> None:
        """Have each statement planned for what there is now, until the end of the transaction.

        Queues are empty at one time and hold thousands at another: a plan that was kept from the one makes
        a statement take minutes at the other. What a step changes it names by id, so that it has never a
        reason to read a whole table, whatever the planner takes its size to be.
        """
        if not self._planning_afresh:
            await self._connection.execute(_PLAN_AFRESH)
            self._planning_afresh = True


def _told(told: CycleEvent) -> tuple[str, str, str, datetime, str]:
    return told.type, told.actor, told.traceparent, told.at, json_time(told.at)


def _held(carrier_id: str, reason: str) -> str:
    return f"Carrier {carrier_id} is held: {reason or 'no reason given'}"

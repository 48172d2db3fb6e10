"""What the fulfillment cycle asks of Postgres, in batches."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Order
from wms_core.domain.storage import (
    Allocation,
    Destination,
    FreeCarrier,
    Lane,
    ReturnTrip,
    StrayCarrier,
    Wave,
)
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import columns, event_columns, order_from
from wms_core.postgres.queries import query
from wms_core.postgres.storage_rows import destination_from, lane_from


class PostgresCycleStore:
    """See `application.ports.CycleStore`."""

    def __init__(self, connection: Connection, event_max_bytes: int) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection
        self._event_max_bytes = event_max_bytes

    async def due_retries(self, now: datetime, limit: int) -> list[str]:
        """Give orders whose retry is due, the longest due first."""
        return await self._ids("due_retries", now, limit)

    async def received(self, limit: int) -> list[str]:
        """Give orders that wait for validation, the oldest first."""
        return await self._ids("received", limit)

    async def advance(
        self, order_ids: Sequence[str], source: OrderStatus, to: OrderStatus, now: datetime
    ) -> list[Order]:
        """Move the orders that are in `source` along one arrow; gives them without their lines."""
        rows = await self._connection.fetch(query("cycle.advance"), list(order_ids), source, to, now)
        return [order_from(row) for row in rows]

    async def tell(self, records: Sequence[EventRecord]) -> None:
        """Write events of orders that this transaction has advanced."""
        await self._connection.execute(query("cycle.tell"), *event_columns(records, self._event_max_bytes))

    async def validated(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a wave, most urgent first, with their warehouse."""
        rows = await self._connection.fetch(query("cycle.validated"), limit)
        return [(row["order_id"], row["warehouse_id"]) for row in rows]

    async def open_destinations(self) -> list[Destination]:
        """Give the destinations that are not paused, with the orders that wait at them."""
        rows = await self._connection.fetch(query("cycle.open_destinations"))
        return [destination_from(row) for row in rows]

    async def join_waves(self, members: Sequence[tuple[str, Wave]], now: datetime) -> list[Order]:
        """Make the waves and put validated orders into them; gives those that were."""
        waves = {wave.wave_id: wave for _, wave in members}.values()
        await self._connection.execute(
            query("cycle.make_waves"),
            [wave.wave_id for wave in waves],
            [wave.warehouse_id for wave in waves],
            [wave.destination_id for wave in waves],
            now,
        )
        rows = await self._connection.fetch(
            query("cycle.join_waves"),
            [order_id for order_id, _ in members],
            [wave.wave_id for _, wave in members],
            [wave.destination_id for _, wave in members],
            now,
        )
        return [order_from(row) for row in rows]

    async def to_allocate(self, limit: int, skip: Sequence[str]) -> list[str]:
        """Give orders in a wave that hold nothing yet, most urgent first, except those to skip."""
        return await self._ids("to_allocate", limit, list(skip))

    async def free_carriers(self, warehouse_ids: Sequence[str], skus: Sequence[str]) -> list[FreeCarrier]:
        """Give the carriers with units nobody holds, locked, oldest first."""
        rows = await self._connection.fetch(query("cycle.free_carriers"), list(warehouse_ids), list(skus))
        carriers = sorted(rows, key=lambda row: (row["produced_at"], row["carrier_id"]))
        return [
            FreeCarrier(
                row["carrier_id"],
                row["warehouse_id"],
                row["sku"],
                row["free"],
                row["zone"],
                row["destination_id"],
                row["reachable"],
            )
            for row in carriers
        ]

    async def allocate(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """Reserve units of locked carriers for locked orders."""
        rows = [
            (one.order_id, one.line_number, one.carrier_id, one.destination_id, one.quantity)
            for one in allocations
        ]
        await self._connection.execute(query("cycle.allocate"), *columns(rows, 5), now)
        await self._connection.execute(query("cycle.touch"), sorted({row[0] for row in rows}), now)

    async def wait(self, reasons: Mapping[str, str]) -> None:
        """Record why orders wait; changes no version."""
        await self._connection.execute(query("cycle.wait"), list(reasons), list(reasons.values()))

    async def request_moves(self, deadline: datetime, now: datetime, limit: int) -> int:
        """Ask for allocated carriers as far as destination queues allow; gives how many."""
        return len(await self._connection.fetch(query("cycle.request_moves"), deadline, now, limit))

    async def ready_to_pick(self, limit: int) -> list[str]:
        """Give orders in a wave of which a carrier has been asked for, is on its way or there."""
        return await self._ids("ready_to_pick", limit)

    async def arrived_for(self, limit: int) -> list[str]:
        """Give orders in PICKING for which a carrier is at its destination."""
        return await self._ids("arrived_for", limit)

    async def pick_arrived(self, order_ids: Sequence[str], now: datetime) -> list[str]:
        """Pick what carriers that have arrived hold for those of the orders in PICKING; gives these."""
        order_ids = await self._ids("lock_picking", list(order_ids))
        if not order_ids:
            return []
        rows = await self._connection.fetch(query("cycle.lock_arrived"), order_ids)
        carrier_ids = [row["carrier_id"] for row in rows]
        await self._connection.execute(query("cycle.pick"), order_ids, carrier_ids, now)
        await self._connection.execute(query("cycle.touch"), order_ids, now)
        return order_ids

    async def delivered_whole(self, order_ids: Sequence[str]) -> list[str]:
        """Give those of the orders in PICKING for which everything has been delivered."""
        return await self._ids("delivered_whole", list(order_ids))

    async def to_return(self, limit: int) -> list[StrayCarrier]:
        """Give carriers with a rest that nobody at their destination holds, locked."""
        rows = await self._connection.fetch(query("cycle.to_return"), limit)
        return [
            StrayCarrier(
                row["carrier_id"], row["warehouse_id"], row["destination_id"], frozenset(row["zones"])
            )
            for row in rows
        ]

    async def lanes_with_room(self, warehouse_ids: Sequence[str], limit: int) -> list[Lane]:
        """Give open lanes with free positions, the emptiest first."""
        rows = await self._connection.fetch(query("cycle.lanes_with_room"), list(warehouse_ids), limit)
        return [lane_from(row) for row in rows]

    async def request_returns(self, trips: Sequence[ReturnTrip], deadline: datetime, now: datetime) -> None:
        """Ask for carriers to be brought back to a lane; their positions are promised now."""
        rows = [(trip.carrier_id, trip.warehouse_id, trip.destination_id, trip.lane_id) for trip in trips]
        await self._connection.execute(query("cycle.request_returns"), *columns(rows, 4), now, deadline)

    async def overdue_moves(self, now: datetime, limit: int) -> list[str]:
        """Give live moves whose deadline has passed."""
        rows = await self._connection.fetch(query("cycle.overdue_moves"), now, limit)
        return [row["move_id"] for row in rows]

    async def waiting_for_failed_moves(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a carrier whose move failed, with the reason of the failure."""
        rows = await self._connection.fetch(query("cycle.waiting_for_failed_moves"), limit)
        return [(row["order_id"], row["failure_reason"]) for row in rows]

    async def take_in_failed_moves(self) -> int:
        """Mark failed moves that no order waits for any more as acted on; gives how many."""
        return len(await self._connection.fetch(query("cycle.take_in_failed_moves")))

    async def _ids(self, name: str, *arguments: object) -> list[str]:
        rows = await self._connection.fetch(query(f"cycle.{name}"), *arguments)
        return [row["order_id"] for row in rows]

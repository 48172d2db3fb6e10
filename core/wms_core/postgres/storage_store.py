"""Lanes, destinations, carriers, moves and waves in Postgres."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from wms_core.application.ports import CarrierFilter, LaneFilter
from wms_core.domain.caller import Caller
from wms_core.domain.storage import Carrier, Destination, Lane, LaneStatus, Move, MoveStatus, Stock, Wave
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import columns
from wms_core.postgres.queries import query
from wms_core.postgres.storage_pages import carrier_page, lane_page
from wms_core.postgres.storage_rows import (
    carrier_from,
    destination_from,
    lane_from,
    move_from,
    stock_from,
    wave_from,
)


class PostgresStorageStore:
    """See `application.ports.StorageStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def put_warehouse(self, warehouse_id: str) -> None:
        """Make the warehouse exist."""
        await self._connection.execute(query("storage.put_warehouse"), warehouse_id)

    async def warehouse_exists(self, warehouse_id: str) -> bool:
        """Say whether anything was ever put into the warehouse."""
        found: bool = await self._connection.fetchval(query("storage.warehouse_exists"), warehouse_id)
        return found

    async def role_is_held(self, role: str) -> bool:
        """Say whether a worker holds the role and its heartbeat is fresh."""
        held: bool = await self._connection.fetchval(query("roles.held"), role)
        return held

    async def put_lane(self, lane: Lane) -> Lane | None:
        """Make or change a lane; None when it belongs to another warehouse."""
        row = await self._connection.fetchrow(
            query("storage.put_lane"), lane.lane_id, lane.warehouse_id, lane.zone, lane.capacity, lane.status
        )
        return lane_from(row) if row else None

    async def lanes(self, wanted: LaneFilter, after: str, limit: int) -> list[Lane]:
        """Give lanes by id, after one."""
        sql, values = lane_page(wanted, after, limit)
        return [lane_from(row) for row in await self._connection.fetch(sql, *values)]

    async def lock_lanes(self, lane_ids: Sequence[str]) -> dict[str, Lane]:
        """Give the lanes there are, locked."""
        rows = await self._connection.fetch(query("storage.lock_lanes"), list(lane_ids))
        return {row["lane_id"]: lane_from(row) for row in rows}

    async def put_destination(self, destination: Destination) -> Destination | None:
        """Make or change a destination; None when it belongs to another warehouse."""
        row = await self._connection.fetchrow(
            query("storage.put_destination"),
            destination.destination_id,
            destination.warehouse_id,
            destination.queue_capacity,
            list(destination.zones),
            destination.paused,
        )
        return await self.destination(destination.destination_id) if row else None

    async def destinations(self, warehouse_id: str, after: str, limit: int) -> list[Destination]:
        """Give destinations by id, after one, with the length of their queues."""
        rows = await self._connection.fetch(query("storage.destinations"), warehouse_id, after, limit, "")
        return [destination_from(row) for row in rows]

    async def destination(self, destination_id: str) -> Destination | None:
        """Give a destination."""
        row = await self._connection.fetchrow(query("storage.destinations"), "", "", 1, destination_id)
        return destination_from(row) if row else None

    async def insert_carriers(self, carriers: Sequence[Carrier], now: datetime) -> dict[str, Carrier]:
        """Put carriers at the end of locked lanes; gives those that were new, by id."""
        rows = [
            (
                carrier.carrier_id,
                carrier.warehouse_id,
                carrier.sku,
                carrier.quantity,
                carrier.status,
                carrier.lane_id,
                carrier.produced_at,
                carrier.received_at,
            )
            for carrier in carriers
        ]
        made = await self._connection.fetch(query("storage.insert_carriers"), *columns(rows, 8), now)
        return await self._carriers([row["carrier_id"] for row in made])

    async def carriers(self, wanted: CarrierFilter, after: str, limit: int) -> list[Carrier]:
        """Give carriers by id, after one."""
        sql, values = carrier_page(wanted, after, limit)
        return [carrier_from(row) for row in await self._connection.fetch(sql, *values)]

    async def lock_carrier(self, carrier_id: str) -> Carrier | None:
        """Give a carrier, locked."""
        await self._connection.execute(query("storage.lock_carriers"), [carrier_id])
        return (await self._carriers([carrier_id])).get(carrier_id)

    async def _carriers(self, carrier_ids: Sequence[str]) -> dict[str, Carrier]:
        rows = await self._connection.fetch(query("storage.get_carriers"), list(carrier_ids))
        return {row["carrier_id"]: carrier_from(row) for row in rows}

    async def set_carrier_status(self, carrier_id: str, status: str, reason: str, now: datetime) -> Carrier:
        """Change the status of a locked carrier."""
        await self._connection.execute(query("storage.set_carrier_status"), carrier_id, status, reason, now)
        return (await self._carriers([carrier_id]))[carrier_id]

    async def stock(self, warehouse_id: str, sku: str, after: tuple[str, str], limit: int) -> list[Stock]:
        """Sum up the carriers by warehouse and SKU, after a pair of them."""
        rows = await self._connection.fetch(query("storage.stock"), warehouse_id, sku, *after, limit)
        return [stock_from(row) for row in rows]

    async def claim_moves(self, warehouse_id: str, limit: int, claimed_by: str, now: datetime) -> list[Move]:
        """Give requested moves to one caller, the oldest first."""
        claimed = await self._connection.fetch(
            query("storage.claim_moves"), warehouse_id, limit, claimed_by, now
        )
        if not claimed:
            return []
        carrier_ids = [row["carrier_id"] for row in claimed]
        taken = await self._connection.fetch(query("storage.take_up_carriers"), carrier_ids, now)
        carriers = {row["carrier_id"]: row for row in taken}
        moves = [move_from({**row, **carriers[row["carrier_id"]]}) for row in claimed]
        return sorted(moves, key=lambda move: (move.requested_at, move.move_id))

    async def live_moves(self, warehouse_ids: Sequence[str]) -> dict[str, dict[str, MoveStatus]]:
        """Give the statuses of the requested and claimed moves by id, for each warehouse that has any."""
        live: dict[str, dict[str, MoveStatus]] = {}
        for row in await self._connection.fetch(query("storage.live_moves"), list(warehouse_ids)):
            live.setdefault(row["warehouse_id"], {})[row["move_id"]] = MoveStatus(row["status"])
        return live

    async def moves(self, move_ids: Sequence[str]) -> list[Move]:
        """Give the moves there are, oldest first."""
        rows = await self._connection.fetch(query("storage.get_moves"), list(move_ids))
        return [move_from(row) for row in rows]

    async def lock_moves(self, move_ids: Sequence[str]) -> dict[str, Move]:
        """Give the moves there are, locked before their carriers."""
        return _by_id(await self._connection.fetch(query("storage.lock_moves"), list(move_ids)))

    async def complete_moves(self, move_ids: Sequence[str], now: datetime) -> dict[str, Move]:
        """Record that claimed, locked moves are done and where their carriers are now."""
        await self._connection.execute(query("storage.lock_moved_carriers"), list(move_ids))
        return _by_id(await self._connection.fetch(query("storage.complete_moves"), list(move_ids), now))

    async def fail_moves(self, move_ids: Sequence[str], reason: str, now: datetime) -> dict[str, Move]:
        """Record that live, locked moves failed."""
        await self._connection.execute(query("storage.lock_moved_carriers"), list(move_ids))
        return _by_id(await self._connection.fetch(query("storage.fail_moves"), list(move_ids), now, reason))

    async def put_wave(self, wave: Wave) -> Wave:
        """Make a wave, or give the one of that id."""
        await self._connection.execute(
            query("storage.put_wave"), wave.wave_id, wave.warehouse_id, wave.destination_id, wave.created_at
        )
        row = await self._connection.fetchrow(query("storage.wave"), wave.wave_id)
        return wave_from(row) if row else wave

    async def count_wave(self, wave_id: str) -> int:
        """Count the orders of a wave."""
        count: int = await self._connection.fetchval(query("storage.count_wave"), wave_id)
        return count

    async def set_lane_status(self, lane_id: str, status: LaneStatus, now: datetime) -> Lane:
        """Change the status of a locked lane."""
        row = await self._connection.fetchrow(query("storage.set_lane_status"), lane_id, status, now)
        if row is None:
            raise LookupError(f"lane {lane_id} is not locked")
        return lane_from(row)

    async def new_wave_id(self, year: int) -> str:
        """Give the next wave number of the year that nobody has brought, of five digits or more."""
        while True:
            number: int = await self._connection.fetchval(query("storage.next_wave"))
            wave_id = f"WAVE-{year}-{number:05d}"
            if await self._connection.fetchrow(query("storage.wave"), wave_id) is None:
                return wave_id

    async def audit(
        self, caller: Caller, action: str, details: Mapping[str, Mapping[str, object]], now: datetime
    ) -> None:
        """Record who did what to which subjects, for changes that are no event of an order."""
        await self._connection.execute(
            query("storage.audit"),
            now,
            caller.actor,
            action,
            caller.correlation_id,
            list(details),
            [json.dumps(detail, ensure_ascii=False) for detail in details.values()],
        )


def _by_id(rows: Sequence[asyncpg.Record]) -> dict[str, Move]:
    return {row["move_id"]: move_from(row) for row in rows}

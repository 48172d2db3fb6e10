"""Lanes, destinations, load carriers, moves and waves in Postgres."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from wms_core.application.database import CarrierFilter, LaneFilter
from wms_core.domain.call_context import Caller
from wms_core.domain.stock.warehouse import (
    Carrier,
    Destination,
    Lane,
    LaneStatus,
    Move,
    MoveStatus,
    StockLevel,
    Wave,
)
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import transpose
from wms_core.postgres.repositories.storage_rows import (
    to_carrier,
    to_destination,
    to_lane,
    to_move,
    to_stock_level,
    to_wave,
)
from wms_core.postgres.where_builder import WhereBuilder


def build_lane_page_query(lane_filter: LaneFilter, after_id: str, limit: int) -> tuple[str, list[Any]]:
    """Return the query for lanes after an id, and its parameters."""
    where_builder = WhereBuilder()
    where_builder.add_condition("lane_id > ?", after_id)
    if lane_filter.warehouse_id:
        where_builder.add_condition("warehouse_id = ?", lane_filter.warehouse_id)
    if lane_filter.zone:
        where_builder.add_condition("zone = ?", lane_filter.zone)
    if lane_filter.statuses:
        where_builder.add_condition("status = ANY (?::text[])", list(lane_filter.statuses))
    limit_parameter = where_builder.add_parameter(limit)
    sql_text = f"SELECT * FROM lanes{where_builder.where_clause} ORDER BY lane_id LIMIT {limit_parameter}"  # noqa: S608
    return sql_text, where_builder.values


def build_carrier_page_query(
    carrier_filter: CarrierFilter, after_id: str, limit: int
) -> tuple[str, list[Any]]:
    """Return the query for load carriers after an id, and its parameters.

    Without `locations` it excludes load carriers that have left.
    """
    where_builder = WhereBuilder()
    where_builder.add_condition("carrier_id > ?", after_id)
    for column_name in ("warehouse_id", "sku", "lane_id", "destination_id"):
        if value := getattr(carrier_filter, column_name):
            where_builder.add_condition(f"{column_name} = ?", value)
    if carrier_filter.statuses:
        where_builder.add_condition("status = ANY (?::text[])", list(carrier_filter.statuses))
    if carrier_filter.locations:
        where_builder.add_condition("location = ANY (?::text[])", list(carrier_filter.locations))
    else:
        where_builder.add_condition("location <> 'left'")
    limit_parameter = where_builder.add_parameter(limit)
    sql_text = (
        f"SELECT * FROM carrier_documents{where_builder.where_clause} "  # noqa: S608
        f"ORDER BY carrier_id LIMIT {limit_parameter}"
    )
    return sql_text, where_builder.values


class PostgresStorageRepository:
    """Implement `wms_core.application.database.StorageRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put_warehouse(self, warehouse_id: str) -> None:
        """Create the warehouse if it does not exist."""
        await self._connection.execute(query("storage.insert_warehouse"), warehouse_id)

    async def warehouse_exists(self, warehouse_id: str) -> bool:
        """Return whether the warehouse exists."""
        is_known: bool = await self._connection.fetchval(query("storage.warehouse_exists"), warehouse_id)
        return is_known

    async def is_role_held(self, role: str) -> bool:
        """Return whether a worker has the role and its heartbeat is recent."""
        is_held: bool = await self._connection.fetchval(query("roles.is_role_held"), role)
        return is_held

    async def put_lane(self, lane: Lane) -> Lane | None:
        """Create or change a lane; return None if it belongs to another warehouse."""
        row = await self._connection.fetchrow(
            query("storage.upsert_lane"),
            lane.lane_id,
            lane.warehouse_id,
            lane.zone,
            lane.capacity,
            lane.status,
        )
        return to_lane(row) if row else None

    async def list_lanes(self, lane_filter: LaneFilter, after_id: str, limit: int) -> list[Lane]:
        """Return lanes after an id, in order of id."""
        sql_text, values = build_lane_page_query(lane_filter, after_id, limit)
        return [to_lane(row) for row in await self._connection.fetch(sql_text, *values)]

    async def lock_lanes(self, lane_ids: Sequence[str]) -> dict[str, Lane]:
        """Return the existing lanes, locked."""
        rows = await self._connection.fetch(query("storage.lock_lanes"), list(lane_ids))
        return {row["lane_id"]: to_lane(row) for row in rows}

    async def put_destination(self, destination: Destination) -> Destination | None:
        """Create or change a destination; return None if it belongs to another warehouse."""
        row = await self._connection.fetchrow(
            query("storage.upsert_destination"),
            destination.destination_id,
            destination.warehouse_id,
            destination.queue_capacity,
            list(destination.zones),
            destination.is_paused,
        )
        return await self.get_destination(destination.destination_id) if row else None

    async def list_destinations(self, warehouse_id: str, after_id: str, limit: int) -> list[Destination]:
        """Return destinations after an id, in order of id, with the length of their queues."""
        rows = await self._connection.fetch(
            query("storage.list_destinations"), warehouse_id, after_id, limit, ""
        )
        return [to_destination(row) for row in rows]

    async def get_destination(self, destination_id: str) -> Destination | None:
        """Return a destination, or None."""
        row = await self._connection.fetchrow(query("storage.list_destinations"), "", "", 1, destination_id)
        return to_destination(row) if row else None

    async def insert_carriers(self, carriers: Sequence[Carrier], now: datetime) -> dict[str, Carrier]:
        """Insert load carriers at the end of locked lanes; return the new ones, by id."""
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
        inserted_rows = await self._connection.fetch(
            query("storage.insert_carriers"), *transpose(rows, 8), now
        )
        return await self._get_carriers([row["carrier_id"] for row in inserted_rows])

    async def list_carriers(self, carrier_filter: CarrierFilter, after_id: str, limit: int) -> list[Carrier]:
        """Return load carriers after an id, in order of id."""
        sql_text, values = build_carrier_page_query(carrier_filter, after_id, limit)
        return [to_carrier(row) for row in await self._connection.fetch(sql_text, *values)]

    async def lock_carrier(self, carrier_id: str) -> Carrier | None:
        """Return a load carrier, locked, or None."""
        await self._connection.execute(query("storage.lock_carriers"), [carrier_id])
        return (await self._get_carriers([carrier_id])).get(carrier_id)

    async def _get_carriers(self, carrier_ids: Sequence[str]) -> dict[str, Carrier]:
        rows = await self._connection.fetch(query("storage.get_carriers"), list(carrier_ids))
        return {row["carrier_id"]: to_carrier(row) for row in rows}

    async def set_carrier_status(self, carrier_id: str, status: str, reason: str, now: datetime) -> Carrier:
        """Change the status of a locked load carrier."""
        await self._connection.execute(query("storage.set_carrier_status"), carrier_id, status, reason, now)
        return (await self._get_carriers([carrier_id]))[carrier_id]

    async def list_stock(
        self, warehouse_id: str, sku: str, after_key: tuple[str, str], limit: int
    ) -> list[StockLevel]:
        """Return the stock by warehouse and SKU, after such a pair."""
        rows = await self._connection.fetch(query("storage.list_stock"), warehouse_id, sku, *after_key, limit)
        return [to_stock_level(row) for row in rows]

    async def claim_moves(self, warehouse_id: str, limit: int, claimed_by: str, now: datetime) -> list[Move]:
        """Claim requested moves for one caller, the oldest first."""
        claimed_rows = await self._connection.fetch(
            query("storage.claim_moves"), warehouse_id, limit, claimed_by, now
        )
        if not claimed_rows:
            return []
        carrier_ids = [row["carrier_id"] for row in claimed_rows]
        carrier_rows = await self._connection.fetch(query("storage.mark_carriers_moving"), carrier_ids, now)
        rows_by_carrier = {row["carrier_id"]: row for row in carrier_rows}
        moves = [to_move({**row, **rows_by_carrier[row["carrier_id"]]}) for row in claimed_rows]
        return sorted(moves, key=lambda move: (move.requested_at, move.move_id))

    async def list_live_statuses(self, warehouse_ids: Sequence[str]) -> dict[str, dict[str, MoveStatus]]:
        """Return the statuses of the requested and claimed moves, by warehouse and move id."""
        statuses_by_warehouse: dict[str, dict[str, MoveStatus]] = {}
        for row in await self._connection.fetch(query("storage.list_live_statuses"), list(warehouse_ids)):
            statuses_by_warehouse.setdefault(row["warehouse_id"], {})[row["move_id"]] = MoveStatus(
                row["status"]
            )
        return statuses_by_warehouse

    async def list_moves(self, move_ids: Sequence[str]) -> list[Move]:
        """Return the existing moves, oldest first."""
        rows = await self._connection.fetch(query("storage.get_moves"), list(move_ids))
        return [to_move(row) for row in rows]

    async def lock_moves(self, move_ids: Sequence[str]) -> dict[str, Move]:
        """Return the existing moves, locked before their load carriers."""
        return _to_moves_by_id(await self._connection.fetch(query("storage.lock_moves"), list(move_ids)))

    async def complete_moves(self, move_ids: Sequence[str], now: datetime) -> dict[str, Move]:
        """Complete claimed, locked moves, and update the locations of their load carriers."""
        await self._connection.execute(query("storage.lock_moved_carriers"), list(move_ids))
        return _to_moves_by_id(
            await self._connection.fetch(query("storage.complete_moves"), list(move_ids), now)
        )

    async def fail_moves(self, move_ids: Sequence[str], reason: str, now: datetime) -> dict[str, Move]:
        """Fail live, locked moves."""
        await self._connection.execute(query("storage.lock_moved_carriers"), list(move_ids))
        return _to_moves_by_id(
            await self._connection.fetch(query("storage.fail_moves"), list(move_ids), now, reason)
        )

    async def put_wave(self, wave: Wave) -> Wave:
        """Create a wave, or return the existing one."""
        await self._connection.execute(
            query("storage.insert_wave"),
            wave.wave_id,
            wave.warehouse_id,
            wave.destination_id,
            wave.created_at,
        )
        row = await self._connection.fetchrow(query("storage.get_wave"), wave.wave_id)
        return to_wave(row) if row else wave

    async def count_wave_orders(self, wave_id: str) -> int:
        """Return the number of orders of a wave."""
        count: int = await self._connection.fetchval(query("storage.count_wave_orders"), wave_id)
        return count

    async def set_lane_status(self, lane_id: str, status: LaneStatus, now: datetime) -> Lane:
        """Change the status of a locked lane."""
        row = await self._connection.fetchrow(query("storage.set_lane_status"), lane_id, status, now)
        if row is None:
            raise LookupError(f"lane {lane_id} is not locked")
        return to_lane(row)

    async def new_wave_id(self, calendar_year: int) -> str:
        """Return the next unused wave id of the year, with at least five digits."""
        while True:
            number: int = await self._connection.fetchval(query("storage.get_next_wave_number"))
            wave_id = f"WAVE-{calendar_year}-{number:05d}"
            if await self._connection.fetchrow(query("storage.get_wave"), wave_id) is None:
                return wave_id

    async def record_audit(
        self,
        caller: Caller,
        audit_action: str,
        details_by_subject: Mapping[str, Mapping[str, object]],
        now: datetime,
    ) -> None:
        """Write audit records of changes that are not events of an order, one per subject."""
        await self._connection.execute(
            query("storage.record_audit"),
            now,
            caller.actor_name,
            audit_action,
            caller.correlation_id,
            list(details_by_subject),
            [
                json.dumps(subject_details, ensure_ascii=False)
                for subject_details in details_by_subject.values()
            ],
        )


def _to_moves_by_id(rows: Sequence[asyncpg.Record]) -> dict[str, Move]:
    return {row["move_id"]: to_move(row) for row in rows}

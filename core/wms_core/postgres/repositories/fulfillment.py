"""Runs, pauses and statistics in Postgres."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from wms_core.application.database import Page, RunFilter
from wms_core.domain.cycle_runs import (
    CycleStep,
    FulfillmentPause,
    Run,
    RunStatus,
    StepOutcome,
    WaitingOrders,
    WarehouseStats,
)
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.where_builder import WhereBuilder


class PostgresFulfillmentRepository:
    """Implement `wms_core.application.database.FulfillmentRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read_waiting_reason(self, order_id: str) -> str | None:
        """Return the waiting reason of an order; None for a finished order."""
        reason: str | None = await self._connection.fetchval(
            query("fulfillment.read_waiting_reason"), order_id
        )
        return reason

    async def request_run(self, run_id: str, warehouse_id: str, actor_name: str, now: datetime) -> Run:
        """Request a cycle from the active worker."""
        row = await self._connection.fetchrow(
            query("fulfillment.insert_requested_run"), run_id, warehouse_id, actor_name, now
        )
        if row is None:
            raise LookupError("an insert without a row")
        return _to_run(row)

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run, or None."""
        row = await self._connection.fetchrow(query("fulfillment.get_run"), run_id)
        return _to_run(row) if row else None

    async def list_runs(self, run_filter: RunFilter, page: Page) -> list[Run]:
        """Return one page, newest first, with one extra run if there are more."""
        sql_text, values = _build_page_query(run_filter, page)
        return [_to_run(row) for row in await self._connection.fetch(sql_text, *values)]

    async def is_run_requested(self) -> bool:
        """Return whether a run is requested."""
        is_requested: bool = await self._connection.fetchval(query("fulfillment.is_run_requested"))
        return is_requested

    async def start_runs(self, worker_id: str, epoch: int, now: datetime) -> list[str]:
        """Start the requested runs, and mark the unfinished runs of an earlier worker as abandoned."""
        await self._connection.execute(query("fulfillment.abandon_runs"), now, epoch)
        rows = await self._connection.fetch(query("fulfillment.start_runs"), now, worker_id, epoch)
        return [row["run_id"] for row in rows]

    async def finish_run(
        self, run: Run, requested_run_ids: Sequence[str], retention_period: timedelta
    ) -> None:
        """Write the record of a cycle into its requested runs, or as a new run; delete expired runs."""
        steps_json = json.dumps(
            [
                [step_outcome.cycle_step, step_outcome.count, round(step_outcome.duration_seconds, 6)]
                for step_outcome in run.step_outcomes
            ]
        )
        if requested_run_ids:
            await self._connection.execute(
                query("fulfillment.finish_runs"),
                list(requested_run_ids),
                run.status,
                run.finished_at,
                steps_json,
                run.step_errors,
            )
        else:
            await self._connection.execute(
                query("fulfillment.insert_run"),
                run.run_id,
                run.status,
                run.started_at,
                run.finished_at,
                run.worker_id,
                run.epoch,
                steps_json,
                run.step_errors,
            )
        await self._connection.execute(query("fulfillment.delete_expired_runs"), retention_period, 100)

    async def upsert_pause(self, fulfillment_pause: FulfillmentPause) -> FulfillmentPause:
        """Create or change a pause."""
        row = await self._connection.fetchrow(
            query("fulfillment.upsert_pause"),
            fulfillment_pause.warehouse_id,
            fulfillment_pause.reason,
            fulfillment_pause.paused_by,
            fulfillment_pause.paused_at,
            fulfillment_pause.expires_at,
        )
        if row is None:
            raise LookupError("an insert without a row")
        return FulfillmentPause(**row)

    async def delete_pause(self, warehouse_id: str) -> None:
        """End a pause."""
        await self._connection.execute(query("fulfillment.delete_pause"), warehouse_id)

    async def list_pauses(self) -> list[FulfillmentPause]:
        """Return the active pauses."""
        return [
            FulfillmentPause(**row) for row in await self._connection.fetch(query("fulfillment.list_pauses"))
        ]

    async def read_warehouse_stats(self, warehouse_id: str, now: datetime) -> list[WarehouseStats]:
        """Return the statistics of one warehouse, or of all if `warehouse_id` is empty."""
        waiting_by_warehouse: dict[str, list[WaitingOrders]] = defaultdict(list)
        for row in await self._connection.fetch(query("fulfillment.read_waiting_stats"), warehouse_id):
            status = OrderStatus(row["status"])
            waiting_by_warehouse[row["warehouse_id"]].append(
                WaitingOrders(status, row["reason"], row["waiting"], row["oldest_at"], row["oldest_id"])
            )
        rows = await self._connection.fetch(query("fulfillment.read_warehouse_stats"), warehouse_id, now)
        return [
            WarehouseStats(
                warehouse_id=row["warehouse_id"],
                waiting_orders=tuple(waiting_by_warehouse[row["warehouse_id"]]),
                overdue_orders=row["overdue"],
                received_orders=row["received"],
                shipped_orders=row["shipped"],
                dead_lettered_orders=row["dead_lettered"],
                backordered_units=row["backordered_units"],
                shipping_percentiles_seconds=tuple(row["times"] or ()),
            )
            for row in rows
        ]


def _to_run(row: asyncpg.Record) -> Run:
    return Run(
        run_id=row["run_id"],
        status=RunStatus(row["status"]),
        warehouse_id=row["warehouse_id"],
        requested_by=row["requested_by"],
        created_at=row["created_at"],
        requested_at=row["requested_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        worker_id=row["worker_id"],
        epoch=row["epoch"],
        step_outcomes=tuple(
            StepOutcome(CycleStep(step_name), count, duration_seconds)
            for step_name, count, duration_seconds in json.loads(row["steps"])
        ),
        step_errors=tuple(row["errors"]),
    )


def _build_page_query(run_filter: RunFilter, page: Page) -> tuple[str, list[Any]]:
    where_builder = WhereBuilder()
    if page.after_key:
        where_builder.add_condition("(created_at, run_id) < (?, ?)", *page.after_key)
    if run_filter.warehouse_id:
        where_builder.add_condition("warehouse_id = ?", run_filter.warehouse_id)
    if run_filter.statuses:
        where_builder.add_condition("status = ANY (?::text[])", list(run_filter.statuses))
    if run_filter.requested_only:
        where_builder.add_condition("requested_at IS NOT NULL")
    limit_parameter = where_builder.add_parameter(page.size + 1)
    newest_first = "ORDER BY created_at DESC, run_id DESC"
    return (
        f"SELECT * FROM fulfillment_runs{where_builder.where_clause} "  # noqa: S608
        f"{newest_first} LIMIT {limit_parameter}",
        where_builder.values,
    )

"""Runs, pauses and statistics in Postgres."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from wms_core.application.ports import Page, RunFilter
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.runs import Pause, Run, RunStatus, Step, StepResult, Waiting, WarehouseStats
from wms_core.postgres.conditions import Conditions
from wms_core.postgres.connection import Connection
from wms_core.postgres.queries import query


class PostgresFulfillmentStore:
    """See `application.ports.FulfillmentStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def waiting_reason(self, order_id: str) -> str | None:
        """Give why an order waits; None for one that is finished."""
        reason: str | None = await self._connection.fetchval(query("fulfillment.waiting_reason"), order_id)
        return reason

    async def request_run(self, run_id: str, warehouse_id: str, actor: str, now: datetime) -> Run:
        """Ask the active worker for a cycle."""
        row = await self._connection.fetchrow(
            query("fulfillment.request_run"), run_id, warehouse_id, actor, now
        )
        if row is None:
            raise LookupError("an insert without a row")
        return _run(row)

    async def run(self, run_id: str) -> Run | None:
        """Give a run."""
        row = await self._connection.fetchrow(query("fulfillment.run"), run_id)
        return _run(row) if row else None

    async def runs(self, wanted: RunFilter, page: Page) -> list[Run]:
        """Give one page, newest first, with one run more than asked when there are more."""
        sql, values = _page(wanted, page)
        return [_run(row) for row in await self._connection.fetch(sql, *values)]

    async def run_is_requested(self) -> bool:
        """Say whether anybody waits for a cycle."""
        asked: bool = await self._connection.fetchval(query("fulfillment.run_is_requested"))
        return asked

    async def start_runs(self, worker_id: str, epoch: int, now: datetime) -> list[str]:
        """Take up the runs that were asked for; give up those that a worker before left unfinished."""
        await self._connection.execute(query("fulfillment.abandon_runs"), now, epoch)
        rows = await self._connection.fetch(query("fulfillment.start_runs"), now, worker_id, epoch)
        return [row["run_id"] for row in rows]

    async def finish_run(self, run: Run, asked: Sequence[str], kept: timedelta) -> None:
        """Write the record of a cycle, into the runs that asked for it if any did; remove old records."""
        steps = json.dumps([[one.step, one.count, round(one.seconds, 6)] for one in run.steps])
        if asked:
            await self._connection.execute(
                query("fulfillment.finish_runs"), list(asked), run.status, run.finished_at, steps, run.errors
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
                steps,
                run.errors,
            )
        await self._connection.execute(query("fulfillment.forget_runs"), kept, 100)

    async def pause(self, pause: Pause) -> Pause:
        """Stop new work."""
        row = await self._connection.fetchrow(
            query("fulfillment.pause"),
            pause.warehouse_id,
            pause.reason,
            pause.paused_by,
            pause.paused_at,
            pause.expires_at,
        )
        if row is None:
            raise LookupError("an insert without a row")
        return Pause(**row)

    async def resume(self, warehouse_id: str) -> None:
        """Let new work begin again."""
        await self._connection.execute(query("fulfillment.resume"), warehouse_id)

    async def pauses(self) -> list[Pause]:
        """Give the pauses that are in force."""
        return [Pause(**row) for row in await self._connection.fetch(query("fulfillment.pauses"))]

    async def stats(self, warehouse_id: str, now: datetime) -> list[WarehouseStats]:
        """Sum up each warehouse, or one."""
        waiting: dict[str, list[Waiting]] = defaultdict(list)
        for row in await self._connection.fetch(query("fulfillment.waiting_stats"), warehouse_id):
            status = OrderStatus(row["status"])
            waiting[row["warehouse_id"]].append(
                Waiting(status, row["reason"], row["waiting"], row["oldest_at"], row["oldest_id"])
            )
        rows = await self._connection.fetch(query("fulfillment.warehouse_stats"), warehouse_id, now)
        return [
            WarehouseStats(
                warehouse_id=row["warehouse_id"],
                waiting=tuple(waiting[row["warehouse_id"]]),
                overdue=row["overdue"],
                received=row["received"],
                shipped=row["shipped"],
                dead_lettered=row["dead_lettered"],
                backordered_units=row["backordered_units"],
                times=tuple(row["times"] or ()),
            )
            for row in rows
        ]


def _run(row: asyncpg.Record) -> Run:
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
        steps=tuple(
            StepResult(Step(step), count, seconds) for step, count, seconds in json.loads(row["steps"])
        ),
        errors=tuple(row["errors"]),
    )


def _page(wanted: RunFilter, page: Page) -> tuple[str, list[Any]]:
    conditions = Conditions()
    if page.after:
        conditions.add("(created_at, run_id) < (?, ?)", *page.after)
    if wanted.warehouse_id:
        conditions.add("warehouse_id = ?", wanted.warehouse_id)
    if wanted.statuses:
        conditions.add("status = ANY (?::text[])", list(wanted.statuses))
    if wanted.requested_only:
        conditions.add("requested_at IS NOT NULL")
    limit = conditions.parameter(page.size + 1)
    newest = "ORDER BY created_at DESC, run_id DESC"
    return f"SELECT * FROM fulfillment_runs{conditions.where} {newest} LIMIT {limit}", conditions.values  # noqa: S608

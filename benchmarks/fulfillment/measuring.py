"""One measurement from an empty database to its figures."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from statistics import median

import asyncpg

from benchmarks.children import ADVICE
from benchmarks.connection import Connection
from benchmarks.fulfillment.bare import bare_rate
from benchmarks.fulfillment.cycles import CycleRecord, cycle_records, group, step_totals
from benchmarks.fulfillment.figures import Figures
from benchmarks.fulfillment.finished import load_finished
from benchmarks.fulfillment.moves import Cranes
from benchmarks.fulfillment.orders import take_in
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.fulfillment.shipping import ship
from benchmarks.fulfillment.site import open_site
from benchmarks.memory import resident_mb
from benchmarks.progress import Phases
from benchmarks.queries import query
from wms_core.tasks import running
from wms_dev.client import Client, connect, dice
from wms_dev.problem import Problem
from wms_dev.processes.child import Child

LOOK_SECONDS = 1.0
IDLE_SECONDS = 3.0
#: So long without an order that gets on means that the others never will.
STUCK_SECONDS = 60.0


class Stuck(Problem):
    """Orders wait for something that does not come."""


class Measurement:
    """Runs the phases one after the other and keeps what they give."""

    def __init__(self, services: Services, scale: Scale, phases: Phases, connection: Connection) -> None:
        self._services = services
        self._scale = scale
        self._phases = phases
        self._connection = connection
        self._memory: list[float] = []
        self._effort: dict[str, float] = {}

    async def run(self) -> Figures:
        """Measure. Raises Stuck."""
        scale = self._scale
        async with connect(self._services.server.target, "bench", dice(scale.seed)) as client:
            size = await self._prepare(client)
            before = await self._bare(0)
            spent = self._services.cpu_seconds()
            cranes = Cranes(client)
            async with running(cranes.run()) as moving:
                await self._fulfil(moving)
            self._effort["fulfilment"] = self._services.cpu_seconds() - spent
            records = await cycle_records(self._connection)
            after = await self._bare(1)
            shipped = await self._ship(client)
        return await self._figures(records, (before, after), shipped, cranes.done, size)

    async def _prepare(self, client: Client) -> int:
        scale = self._scale
        with self._phases.phase("carriers in lanes", scale.lanes * scale.carriers_per_lane):
            await open_site(client, scale)
        with self._phases.phase("orders finished before", scale.finished) as count:
            size = await load_finished(self._connection, scale.finished, count)
        with self._phases.phase("orders taken in", scale.orders) as count:
            await take_in(client, scale, count)
        return size

    async def _bare(self, part: int) -> float:
        await self._all_told()
        with self._phases.phase("bare four-status update", self._scale.orders):
            spent = self._services.cpu_seconds()
            rate = await bare_rate(self._connection, self._scale, part)
            self._effort[f"bare {part}"] = self._services.cpu_seconds() - spent
        await self._all_told()
        return rate

    async def _all_told(self) -> None:
        """Wait until the sequencer is done with the events so far, and clean up after it."""
        while await self._connection.fetchval(query("watching.untold")):  # noqa: ASYNC110 # another process
            await asyncio.sleep(0.1)
        await self._connection.execute("VACUUM (ANALYZE) orders, order_items, outbox")
        await self._connection.execute("CHECKPOINT")

    async def _fulfil(self, moving: asyncio.Task[None]) -> None:
        worker = await self._services.children.start_worker("bench")
        with self._phases.phase("orders fulfilled", self._scale.orders) as count:
            await self._until_packed(worker, moving, count)
        self._memory.append(resident_mb(worker.process.pid))
        await asyncio.sleep(IDLE_SECONDS)
        await asyncio.to_thread(worker.stop, IDLE_SECONDS * 10)

    async def _until_packed(
        self, worker: Child, moving: asyncio.Task[None], count: Callable[[int], None]
    ) -> None:
        left, moved_at = self._scale.orders, time.monotonic()
        while left:
            await asyncio.sleep(LOOK_SECONDS)
            worker.check(ADVICE)
            if moving.done():
                moving.result()
            now: int = await self._connection.fetchval(query("watching.left"))
            if now < left:
                count(left - now)
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > STUCK_SECONDS:
                why = await self._connection.fetchval(query("watching.waiting"))
                raise Stuck(f"{now} orders do not get on any more: {why}")
            left = now
            if left <= self._scale.orders * 0.9 and not self._memory:
                self._memory.append(resident_mb(worker.process.pid))

    async def _ship(self, client: Client) -> float:
        rows = await self._connection.fetch(query("watching.packed"))
        with self._phases.phase("orders shipped", len(rows)) as count:
            return await ship(client, [row["order_id"] for row in rows], count)

    async def _figures(
        self,
        records: list[CycleRecord],
        bare: tuple[float, float],
        shipped: float,
        moves: dict[str, int],
        size: int,
    ) -> Figures:
        began = next(record.started_at for record in records if record.work)
        ended: datetime = await self._connection.fetchval(query("watching.ended"))
        seconds = (ended - began).total_seconds()
        statuses = {row[0]: row[1] for row in await self._connection.fetch(query("watching.statuses"))}
        lines = await self._connection.fetchrow(query("watching.lines"))
        idle = [record.seconds for record in records if record.started_at > ended and not record.work]
        return Figures(
            scale=asdict(self._scale),
            bare=bare,
            fulfilled=statuses.get("shipped", 0) / seconds,
            shipped=shipped,
            seconds=seconds,
            statuses=statuses,
            lines=dict(lines or {}),
            moves=moves,
            memory_at_tenth=self._memory[0],
            memory_at_end=self._memory[-1],
            database_bytes=size,
            idle_cycle_ms=1_000 * median(idle or [0.0]),
            cpu_ms_per_order={
                name: 1_000 * seconds / self._scale.orders for name, seconds in self._effort.items()
            },
            failed_steps=sum(record.errors for record in records),
            cycles=group(records),
            steps=step_totals(records),
        )


async def measure(services: Services, scale: Scale, phases: Phases) -> Figures:
    """Measure once, on services that have just been opened."""
    services.children.migrate()
    await services.children.start_server(services.server)
    connection = await asyncpg.connect(services.database_url, server_settings={"jit": "off"})
    try:
        return await Measurement(services, scale, phases, connection).run()
    finally:
        await connection.close()

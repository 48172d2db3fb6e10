"""One measurement, from an empty database to its figures."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from statistics import median

import asyncpg

from benchmarks.children import CHILD_ENDED_ADVICE
from benchmarks.connection import Connection
from benchmarks.fulfillment.bare import measure_bare_rate
from benchmarks.fulfillment.cycles import CycleRecord, group_by_work, read_cycle_records, sum_by_step
from benchmarks.fulfillment.figures import Figures
from benchmarks.fulfillment.finished import load_finished_orders
from benchmarks.fulfillment.moves import InstantControlSystem
from benchmarks.fulfillment.orders import create_orders
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.fulfillment.shipping import ship_orders
from benchmarks.fulfillment.site import put_warehouse
from benchmarks.memory import resident_mb
from benchmarks.progress import PhaseProgress
from benchmarks.queries import query
from wms_core.runtime.background_tasks import background_task
from wms_dev.api_client import ApiClient, connect_client, seeded_generator
from wms_dev.errors import UserError
from wms_dev.local_stack.child_process import ChildProcess

POLL_SECONDS = 1.0
IDLE_SECONDS = 3.0
#: Without progress for this time, the measurement is stuck.
STUCK_SECONDS = 60.0


class FulfillmentStalled(UserError):
    """Orders make no progress."""


class Measurement:
    """Runs the phases one after the other and collects their results."""

    def __init__(
        self, services: Services, scale: Scale, phases: PhaseProgress, connection: Connection
    ) -> None:
        self._services = services
        self._scale = scale
        self._phases = phases
        self._connection = connection
        self._memory: list[float] = []
        self._effort: dict[str, float] = {}

    async def run(self) -> Figures:
        """Run all phases. Raises FulfillmentStalled."""
        scale = self._scale
        async with connect_client(
            self._services.server.target, "bench", seeded_generator(scale.seed)
        ) as client:
            size = await self._prepare_warehouse(client)
            before = await self._measure_bare_update(0)
            cpu_seconds_before = self._services.cpu_seconds()
            control_system = InstantControlSystem(client)
            async with background_task(control_system.run()) as control_system_task:
                await self._fulfil_orders(control_system_task)
            self._effort["fulfilment"] = self._services.cpu_seconds() - cpu_seconds_before
            records = await read_cycle_records(self._connection)
            after = await self._measure_bare_update(1)
            shipped = await self._ship_orders(client)
        return await self._build_figures(
            records, (before, after), shipped, control_system.completed_by_kind, size
        )

    async def _prepare_warehouse(self, client: ApiClient) -> int:
        scale = self._scale
        with self._phases.show_phase("carriers in lanes", scale.lanes * scale.carriers_per_lane):
            await put_warehouse(client, scale)
        with self._phases.show_phase("finished orders inserted", scale.finished) as count:
            size = await load_finished_orders(self._connection, scale.finished, count)
        with self._phases.show_phase("orders created", scale.orders) as count:
            await create_orders(client, scale, count)
        return size

    async def _measure_bare_update(self, part: int) -> float:
        await self._wait_until_sequenced()
        with self._phases.show_phase("bare four-status update", self._scale.orders):
            cpu_seconds_before = self._services.cpu_seconds()
            rate = await measure_bare_rate(self._connection, self._scale, part)
            self._effort[f"bare {part}"] = self._services.cpu_seconds() - cpu_seconds_before
        await self._wait_until_sequenced()
        return rate

    async def _wait_until_sequenced(self) -> None:
        """Wait until the outbox is empty, then vacuum the tables."""
        while await self._connection.fetchval(query("watching.outbox_events")):  # noqa: ASYNC110 # changed by another process
            await asyncio.sleep(0.1)
        await self._connection.execute("VACUUM (ANALYZE) orders, order_items, outbox")
        await self._connection.execute("CHECKPOINT")

    async def _fulfil_orders(self, control_system_task: asyncio.Task[None]) -> None:
        worker = await self._services.children.start_worker("bench")
        with self._phases.show_phase("orders fulfilled", self._scale.orders) as count:
            await self._wait_until_packed(worker, control_system_task, count)
        self._memory.append(resident_mb(worker.process.pid))
        await asyncio.sleep(IDLE_SECONDS)
        await asyncio.to_thread(worker.stop, IDLE_SECONDS * 10)

    async def _wait_until_packed(
        self, worker: ChildProcess, control_system_task: asyncio.Task[None], count: Callable[[int], None]
    ) -> None:
        remaining_orders, progressed_at = self._scale.orders, time.monotonic()
        while remaining_orders:
            await asyncio.sleep(POLL_SECONDS)
            worker.raise_if_exited(CHILD_ENDED_ADVICE)
            if control_system_task.done():
                control_system_task.result()
            remaining_now: int = await self._connection.fetchval(query("watching.remaining"))
            if remaining_now < remaining_orders:
                count(remaining_orders - remaining_now)
                progressed_at = time.monotonic()
            elif time.monotonic() - progressed_at > STUCK_SECONDS:
                waiting_reasons = await self._connection.fetchval(query("watching.waiting"))
                raise FulfillmentStalled(f"{remaining_now} orders make no progress: {waiting_reasons}")
            remaining_orders = remaining_now
            if remaining_orders <= self._scale.orders * 0.9 and not self._memory:
                self._memory.append(resident_mb(worker.process.pid))

    async def _ship_orders(self, client: ApiClient) -> float:
        rows = await self._connection.fetch(query("watching.packed"))
        with self._phases.show_phase("orders shipped", len(rows)) as count:
            return await ship_orders(client, [row["order_id"] for row in rows], count)

    async def _build_figures(
        self,
        records: list[CycleRecord],
        bare: tuple[float, float],
        shipped: float,
        moves: dict[str, int],
        size: int,
    ) -> Figures:
        started_at = next(record.started_at for record in records if record.work_count)
        ended_at: datetime = await self._connection.fetchval(query("watching.ended"))
        seconds = (ended_at - started_at).total_seconds()
        statuses = {row[0]: row[1] for row in await self._connection.fetch(query("watching.statuses"))}
        lines = await self._connection.fetchrow(query("watching.lines"))
        idle_seconds = [
            record.seconds for record in records if record.started_at > ended_at and not record.work_count
        ]
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
            idle_cycle_ms=1_000 * median(idle_seconds or [0.0]),
            cpu_ms_per_order={
                name: 1_000 * seconds / self._scale.orders for name, seconds in self._effort.items()
            },
            failed_steps=sum(record.errors for record in records),
            cycles=group_by_work(records),
            steps=sum_by_step(records),
        )


async def measure(services: Services, scale: Scale, phases: PhaseProgress) -> Figures:
    """Measure once, on newly started services."""
    services.children.migrate()
    await services.children.start_server(services.server)
    connection = await asyncpg.connect(services.database_url, server_settings={"jit": "off"})
    try:
        return await Measurement(services, scale, phases, connection).run()
    finally:
        await connection.close()

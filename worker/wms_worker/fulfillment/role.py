"""The fulfillment role: run cycles while this replica is the leader."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from wms_core.application.cycle.cycle import FulfillmentCycle
from wms_core.application.database import Database, Fence
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.domain.workers import Role
from wms_core.runtime.background_tasks import background_task
from wms_core.runtime.readiness import ReadinessMonitor
from wms_core.runtime.tracing import SpanTracing
from wms_worker.fulfillment.ticker import CycleTicker, open_ticker
from wms_worker.fulfillment.tracing import CycleSpans, TracedDatabase
from wms_worker.leadership.progress import CycleProgress
from wms_worker.leadership.remote_control import RemoteControl
from wms_worker.observability.event_metrics import EventMetricsConsumer
from wms_worker.observability.metrics import WorkerMetrics
from wms_worker.settings import WorkerSettings

RUN_REQUEST_POLL_SECONDS = 0.2
_log = structlog.get_logger(__name__)


class FulfillmentRole:
    """Implement `wms_worker.leadership.role_runner.RoleHandler`."""

    role = Role.FULFILLMENT

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        remote_control: RemoteControl,
        worker_metrics: WorkerMetrics,
        span_tracing: SpanTracing,
        readiness_monitor: ReadinessMonitor,
    ) -> None:
        self._readiness_monitor = readiness_monitor
        self._span_tracing = span_tracing
        self._settings = settings
        self._database = database
        self._remote_control = remote_control
        self._worker_metrics = worker_metrics

    async def open_tenure(self, fence: Fence) -> "FulfillmentTenure":
        """Return a new tenure, whose metrics count events from the current end of the log."""
        event_consumer = EventMetricsConsumer(self._database, self._worker_metrics)
        await event_consumer.start_at_log_end()
        cycle_spans = CycleSpans(self._span_tracing, fence.epoch)
        return FulfillmentTenure(
            self._settings,
            self._database,
            fence,
            self._remote_control,
            self._worker_metrics,
            event_consumer,
            cycle_spans,
            self._readiness_monitor,
        )


class FulfillmentTenure:
    """Run the cycles of one tenure; implement `wms_worker.leadership.role_runner.Tenure`."""

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        fence: Fence,
        remote_control: RemoteControl,
        worker_metrics: WorkerMetrics,
        event_consumer: EventMetricsConsumer,
        cycle_spans: CycleSpans,
        readiness_monitor: ReadinessMonitor,
    ) -> None:
        self.fenced_off = asyncio.Event()
        self.stall_detected = asyncio.Event()
        self._is_stopping = False
        self._settings = settings
        self._database = database
        self._worker_metrics = worker_metrics
        self._remote_control = remote_control
        self._event_consumer = event_consumer
        caller = Caller(actor_name=f"worker/{remote_control.worker_id}")
        self._cycle_spans = cycle_spans
        self._cycle_progress = CycleProgress(cycle_spans)
        self._readiness_monitor = readiness_monitor
        self._fulfillment_cycle = FulfillmentCycle(
            TracedDatabase(database, self._cycle_progress),
            fence,
            settings.cycle_rules,
            caller,
            is_stopping=lambda: self._is_stopping,
            cycle_trace=self._cycle_progress,
        )

    def stop(self) -> None:
        """Start no further step."""
        self._is_stopping = True

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Run cycles at each interval and on request."""
        settings = self._settings
        async with (
            background_task(self._event_consumer.run()),
            open_ticker(self.run_cycle, settings.fulfillment_interval, settings.drain_grace) as cycle_ticker,
            background_task(self._poll_run_requests(cycle_ticker)),
            background_task(self._watch_progress()),
        ):
            yield

    async def _watch_progress(self) -> None:
        """Set `stall_detected` when cycles make no progress although the database is writable."""
        interval_seconds = self._settings.fulfillment_interval.total_seconds()
        await self._cycle_progress.wait_until_stalled(
            interval_seconds, lambda: self._readiness_monitor.is_database_writable
        )
        self.stall_detected.set()

    async def _poll_run_requests(self, cycle_ticker: CycleTicker) -> None:
        """Start a cycle immediately after a call of `StartFulfillment`."""
        while True:
            await asyncio.sleep(RUN_REQUEST_POLL_SECONDS)
            try:
                if await self._database.read(
                    lambda transaction: transaction.fulfillment_runs.is_run_requested()
                ):
                    cycle_ticker.request_tick()
            except WmsError as error:
                _log.debug("run_requests_unavailable", error=str(error))

    async def run_cycle(self) -> None:
        """Run one cycle. Errors are logged, and the next tick tries again."""
        if self._is_stopping:
            return
        # A hanging cycle must not delay the end of the tenure.
        async with (
            background_task(self._run_and_record_cycle()) as cycle_task,
            background_task(self.stall_detected.wait()) as stall_task,
        ):
            await asyncio.wait({cycle_task, stall_task}, return_when=asyncio.FIRST_COMPLETED)

    async def _run_and_record_cycle(self) -> None:
        started_at = time.perf_counter()
        with self._cycle_spans.trace_cycle():
            cycle_outcome = await self._execute_cycle()
        self._worker_metrics.record_cycle(cycle_outcome, time.perf_counter() - started_at)
        self._remote_control.record_cycle_end()

    async def _execute_cycle(self) -> str:
        try:
            run = await self._fulfillment_cycle.run_steps()
        except StaleEpoch as error:
            _log.warning("stale_write_refused", error=str(error))
            self._worker_metrics.count_refused_write(Role.FULFILLMENT)
            self.fenced_off.set()
            return "refused"
        except WmsError as error:
            _log.warning("cycle_interrupted", error=str(error))
            return "interrupted"
        except Exception:
            _log.exception("cycle_failed")
            return "broke"
        self._worker_metrics.record_steps(run)
        counts_by_step = {
            step_outcome.cycle_step.value: step_outcome.count
            for step_outcome in run.step_outcomes
            if step_outcome.count
        }
        log_method = _log.info if counts_by_step or run.step_errors else _log.debug
        log_method(
            "cycle_finished",
            seconds=round(sum(step_outcome.duration_seconds for step_outcome in run.step_outcomes), 3),
            **counts_by_step,
        )
        return run.status.value

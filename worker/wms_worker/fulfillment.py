"""The office of the fulfillment worker: cycles, again and again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Database, Fence
from wms_core.domain.caller import Caller
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.domain.workers import Role
from wms_core.readiness import Readiness
from wms_core.tasks import running
from wms_core.traces import Tracing
from wms_worker.duty import Duty
from wms_worker.following import EventFollower
from wms_worker.metrics import Metrics
from wms_worker.progress import CycleProgress
from wms_worker.scheduler import Ticker, ticking
from wms_worker.settings import WorkerSettings
from wms_worker.spans import CycleSpans, FollowedDatabase

_ASKED = 0.2  # seconds between two looks for a cycle that was asked for
_log = structlog.get_logger(__name__)


class FulfillmentOffice:
    """See `wms_worker.candidature.Office`."""

    role = Role.FULFILLMENT

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        duty: Duty,
        metrics: Metrics,
        tracing: Tracing,
        readiness: Readiness,
    ) -> None:
        """Act by the settings."""
        self._readiness = readiness
        self._tracing = tracing
        self._settings = settings
        self._database = database
        self._duty = duty
        self._metrics = metrics

    async def open(self, fence: Fence) -> "FulfillmentTerm":
        """Prepare a term; events are counted from now on."""
        follower = EventFollower(self._database, self._metrics)
        await follower.begin()
        spans = CycleSpans(self._tracing, fence.epoch)
        return FulfillmentTerm(
            self._settings, self._database, fence, self._duty, self._metrics, follower, spans, self._readiness
        )


class FulfillmentTerm:
    """The ticks of one term; see `wms_worker.candidature.Term`."""

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        fence: Fence,
        duty: Duty,
        metrics: Metrics,
        follower: EventFollower,
        spans: CycleSpans,
        readiness: Readiness,
    ) -> None:
        """Use `FulfillmentOffice.open` instead."""
        self.deposed = asyncio.Event()
        self.stalled = asyncio.Event()
        self._stopping = False
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._duty = duty
        self._follower = follower
        caller = Caller(actor=f"worker/{duty.worker_id}")
        self._spans = spans
        self._progress = CycleProgress(spans)
        self._readiness = readiness
        self._cycle = Cycle(
            FollowedDatabase(database, self._progress),
            fence,
            settings.cycle_rules,
            caller,
            stopping=lambda: self._stopping,
            trace=self._progress,
        )

    def stop(self) -> None:
        """Begin no further step."""
        self._stopping = True

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Run cycles by the clock and when somebody asks."""
        settings = self._settings
        async with (
            running(self._follower.run()),
            ticking(self.cycle, settings.fulfillment_interval, settings.drain_grace) as ticker,
            running(self._answer(ticker)),
            running(self._watch_progress()),
        ):
            yield

    async def _watch_progress(self) -> None:
        """Set `stalled` when cycles do not get on though the database answers."""
        interval = self._settings.fulfillment_interval.total_seconds()
        await self._progress.wait_until_stalled(interval, lambda: self._readiness.is_database_writable)
        self.stalled.set()

    async def _answer(self, ticker: Ticker) -> None:
        """Begin a cycle at once when somebody asks for it (StartFulfillment)."""
        while True:
            await asyncio.sleep(_ASKED)
            try:
                if await self._database.read(lambda transaction: transaction.fulfillment.run_is_requested()):
                    ticker.now()
            except WmsError as error:
                _log.debug("requests_not_read", error=str(error))

    async def cycle(self) -> None:
        """Run one cycle; what goes wrong is said, and the next tick tries again."""
        if self._stopping:
            return
        # One that hangs must not hold up the end of the term, too.
        async with running(self._run_cycle()) as cycle, running(self.stalled.wait()) as stalled:
            await asyncio.wait({cycle, stalled}, return_when=asyncio.FIRST_COMPLETED)

    async def _run_cycle(self) -> None:
        started = time.perf_counter()
        with self._spans.cycle():
            outcome = await self._cycle_outcome()
        self._metrics.cycle_ended(outcome, time.perf_counter() - started)
        self._duty.cycle_ended()

    async def _cycle_outcome(self) -> str:
        try:
            run = await self._cycle.run()
        except StaleEpoch as error:
            _log.warning("stale_write_refused", error=str(error))
            self._metrics.write_refused(Role.FULFILLMENT)
            self.deposed.set()
            return "refused"
        except WmsError as error:
            _log.warning("cycle_interrupted", error=str(error))
            return "interrupted"
        except Exception:
            _log.exception("cycle_broke")
            return "broke"
        self._metrics.steps_done(run)
        did = {result.step.value: result.count for result in run.steps if result.count}
        log = _log.info if did or run.errors else _log.debug
        log("cycle", seconds=round(sum(result.seconds for result in run.steps), 3), **did)
        return run.status.value

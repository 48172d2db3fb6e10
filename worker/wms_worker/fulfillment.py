"""The role of the fulfillment worker: wait for it, act in it, give it up."""

import asyncio
import time

import structlog

from wms_core.application.fenced import CycleRules
from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Database, Fence
from wms_core.domain.caller import Caller
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.domain.runs import ROLE
from wms_core.tasks import running
from wms_worker.election import Election
from wms_worker.following import EventFollower
from wms_worker.health import Health
from wms_worker.metrics import Metrics
from wms_worker.scheduler import Ticker, ticking
from wms_worker.settings import WorkerSettings

_ASKED = 0.2  # seconds between two looks for a cycle that was asked for
_log = structlog.get_logger(__name__)


class FulfillmentRole:
    """Runs terms of the role, one after the other, until it is cancelled."""

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        election: Election,
        health: Health,
        metrics: Metrics,
    ) -> None:
        """Act by the settings."""
        self._settings = settings
        self._database = database
        self._election = election
        self._health = health
        self._metrics = metrics
        self._rules: CycleRules = settings.cycle_rules

    async def run(self) -> None:
        """Win the role, act until it is lost, and again."""
        while True:
            fence = await self._election.win()
            try:
                await self._term(fence)
            finally:
                await self._health.set_active(active=False)
                await asyncio.shield(self._election.resign())

    async def _term(self, fence: Fence) -> None:
        term = _Term(self._database, fence, self._rules, self._settings.worker_id, self._metrics)
        _log.info("active", role=ROLE, epoch=fence.epoch, worker_id=self._settings.worker_id)
        follower = EventFollower(self._database, self._metrics)
        await follower.begin()
        await self._health.set_active(active=True, epoch=fence.epoch)
        self._metrics.role_changed("won")
        cause = "stopped"
        lost = asyncio.create_task(self._election.lose())
        deposed = asyncio.create_task(term.deposed.wait())
        try:
            settings = self._settings
            async with (
                running(follower.run()),
                ticking(term.cycle, settings.fulfillment_interval, settings.drain_grace) as ticker,
                running(self._answer(ticker)),
            ):
                try:
                    await asyncio.wait({lost, deposed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # At once: the step at work may take a while to end.
                    term.stopping = True
                    await self._health.set_active(active=False)
            cause = lost.result() if lost.done() else "a write was refused"
            _log.warning("stepped_down", role=ROLE, epoch=fence.epoch, cause=cause)
        finally:
            self._metrics.role_changed(cause)
            lost.cancel()
            deposed.cancel()

    async def _answer(self, ticker: Ticker) -> None:
        """Begin a cycle at once when somebody asks for it (StartFulfillment)."""
        while True:
            await asyncio.sleep(_ASKED)
            try:
                if await self._database.read(lambda transaction: transaction.fulfillment.run_is_requested()):
                    ticker.now()
            except WmsError as error:
                _log.debug("requests_not_read", error=str(error))


class _Term:
    """The ticks of one term."""

    def __init__(
        self, database: Database, fence: Fence, rules: CycleRules, worker_id: str, metrics: Metrics
    ) -> None:
        self.stopping = False
        self.deposed = asyncio.Event()
        self._metrics = metrics
        caller = Caller(actor=f"worker/{worker_id}")
        self._cycle = Cycle(database, fence, rules, caller, stopping=lambda: self.stopping)

    async def cycle(self) -> None:
        """Run one cycle; what goes wrong is said, and the next tick tries again."""
        if self.stopping:
            return
        started = time.perf_counter()
        outcome = await self._cycle_outcome()
        self._metrics.cycle_ended(outcome, time.perf_counter() - started)

    async def _cycle_outcome(self) -> str:
        try:
            run = await self._cycle.run()
        except StaleEpoch as error:
            _log.warning("stale_write_refused", error=str(error))
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

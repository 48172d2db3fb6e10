"""The role of the fulfillment worker: wait for it, act in it, give it up."""

import asyncio
import time

import structlog

from wms_core.application.fenced import CycleRules
from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Database, Fence
from wms_core.domain.caller import Caller
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.tasks import running
from wms_worker.duty import Duty
from wms_worker.election import Election
from wms_worker.following import EventFollower
from wms_worker.health import Health
from wms_worker.metrics import Metrics
from wms_worker.scheduler import Ticker, ticking
from wms_worker.settings import WorkerSettings

ROLE = "fulfillment"
_ASKED = 0.2  # seconds between two looks for a cycle that was asked for
_log = structlog.get_logger(__name__)


class FulfillmentRole:
    """Runs terms of the role, one after the other, until it is cancelled."""

    def __init__(
        self,
        settings: WorkerSettings,
        database: Database,
        election: Election,
        duty: Duty,
        health: Health,
        metrics: Metrics,
    ) -> None:
        """Act by the settings."""
        self._duty = duty
        self._settings = settings
        self._database = database
        self._election = election
        self._health = health
        self._metrics = metrics
        self._rules: CycleRules = settings.cycle_rules

    async def run(self) -> None:
        """Win the role, act until it is lost, and again."""
        while True:
            await self._duty.admitted()
            try:
                fence = await self._elected()
                if fence is not None:
                    await self._term(fence)
            finally:
                await self._health.set_active(active=False)
                await asyncio.shield(self._election.resign())

    async def _elected(self) -> Fence | None:
        """Stand for election; None when this replica was told to leave the line."""
        winning = asyncio.create_task(self._election.win())
        leaving = asyncio.create_task(self._duty.excluded())
        try:
            await asyncio.wait({winning, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (winning, leaving):
                task.cancel()
            # It may have been won at this very moment.
            await asyncio.wait({winning})
        return None if winning.cancelled() else winning.result()

    async def _term(self, fence: Fence) -> None:
        self._duty.began(fence)
        term = _Term(self._database, fence, self._rules, self._duty, self._metrics)
        _log.info("active", role=ROLE, epoch=fence.epoch, worker_id=self._settings.worker_id)
        follower = EventFollower(self._database, self._metrics)
        await follower.begin()
        await self._health.set_active(active=True, epoch=fence.epoch)
        self._metrics.role_changed("won")
        cause = "stopped"
        lost = asyncio.create_task(self._election.lose())
        deposed = asyncio.create_task(term.deposed.wait())
        dismissed = asyncio.create_task(self._duty.dismissed())
        try:
            settings = self._settings
            async with (
                running(follower.run()),
                ticking(term.cycle, settings.fulfillment_interval, settings.drain_grace) as ticker,
                running(self._answer(ticker)),
            ):
                try:
                    await asyncio.wait({lost, deposed, dismissed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # At once: the step at work may take a while to end.
                    term.stopping = True
                    await self._health.set_active(active=False)
            cause = _cause(lost, dismissed)
            _log.warning("stepped_down", role=ROLE, epoch=fence.epoch, cause=cause)
        finally:
            self._metrics.role_changed(cause)
            for task in (lost, deposed, dismissed):
                task.cancel()

    async def _answer(self, ticker: Ticker) -> None:
        """Begin a cycle at once when somebody asks for it (StartFulfillment)."""
        while True:
            await asyncio.sleep(_ASKED)
            try:
                if await self._database.read(lambda transaction: transaction.fulfillment.run_is_requested()):
                    ticker.now()
            except WmsError as error:
                _log.debug("requests_not_read", error=str(error))


def _cause(lost: "asyncio.Task[str]", dismissed: "asyncio.Task[str]") -> str:
    """Say why a term ended, as the log and the metrics do."""
    return next((task.result() for task in (lost, dismissed) if task.done()), "a write was refused")


class _Term:
    """The ticks of one term."""

    def __init__(
        self, database: Database, fence: Fence, rules: CycleRules, duty: Duty, metrics: Metrics
    ) -> None:
        self.stopping = False
        self.deposed = asyncio.Event()
        self._metrics = metrics
        self._duty = duty
        caller = Caller(actor=f"worker/{duty.worker_id}")
        self._cycle = Cycle(database, fence, rules, caller, stopping=lambda: self.stopping)

    async def cycle(self) -> None:
        """Run one cycle; what goes wrong is said, and the next tick tries again."""
        if self.stopping:
            return
        started = time.perf_counter()
        outcome = await self._cycle_outcome()
        self._metrics.cycle_ended(outcome, time.perf_counter() - started)
        self._duty.cycle_ended()

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

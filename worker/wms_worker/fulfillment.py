"""The role of the fulfillment worker: wait for it, act in it, give it up."""

import asyncio
import time

import structlog

from wms_core.application.fenced import CycleRules
from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Database, Fence
from wms_core.domain.caller import Caller
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_worker.election import Election
from wms_worker.health import Health
from wms_worker.scheduler import ticking
from wms_worker.settings import WorkerSettings

ROLE = "fulfillment"
_log = structlog.get_logger(__name__)


class FulfillmentRole:
    """Runs terms of the role, one after the other, until it is cancelled."""

    def __init__(
        self, settings: WorkerSettings, database: Database, election: Election, health: Health
    ) -> None:
        """Act by the settings."""
        self._settings = settings
        self._database = database
        self._election = election
        self._health = health
        self._rules: CycleRules = settings.cycle_rules

    async def run(self) -> None:
        """Win the role, act until it is lost, and again."""
        while True:
            fence = await self._election.win()
            try:
                await self._term(fence)
            finally:
                await self._health.set_active(ROLE, active=False)
                await asyncio.shield(self._election.resign())

    async def _term(self, fence: Fence) -> None:
        term = _Term(self._database, fence, self._rules, self._settings.worker_id)
        _log.info("active", role=ROLE, epoch=fence.epoch, worker_id=self._settings.worker_id)
        await self._health.set_active(ROLE, active=True)
        lost = asyncio.create_task(self._election.lose())
        deposed = asyncio.create_task(term.deposed.wait())
        try:
            settings = self._settings
            async with ticking(term.cycle, settings.fulfillment_interval, settings.drain_grace):
                try:
                    await asyncio.wait({lost, deposed}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # At once: the step at work may take a while to end.
                    term.stopping = True
                    await self._health.set_active(ROLE, active=False)
            cause = lost.result() if lost.done() else "a write was refused: the epoch is another's"
            _log.warning("stepped_down", role=ROLE, epoch=fence.epoch, cause=cause)
        finally:
            lost.cancel()
            deposed.cancel()


class _Term:
    """The ticks of one term."""

    def __init__(self, database: Database, fence: Fence, rules: CycleRules, worker_id: str) -> None:
        self.stopping = False
        self.deposed = asyncio.Event()
        caller = Caller(actor=f"worker/{worker_id}")
        self._cycle = Cycle(database, fence, rules, caller, stopping=lambda: self.stopping)

    async def cycle(self) -> None:
        """Run one cycle; what goes wrong is said, and the next tick tries again."""
        if self.stopping:
            return
        started = time.perf_counter()
        try:
            done = await self._cycle.run()
        except StaleEpoch as error:
            _log.warning("stale_write_refused", error=str(error))
            self.deposed.set()
        except WmsError as error:
            _log.warning("cycle_interrupted", error=str(error))
        except Exception:
            _log.exception("cycle_broke")
        else:
            did = {name: count for name, count in done.items() if count}
            log = _log.info if did else _log.debug
            log("cycle", seconds=round(time.perf_counter() - started, 3), **did)

"""What this replica reports of itself, and what it is told: ListWorkers, SetWorkerMode, StepDown."""

import asyncio
import socket
import time
from importlib.metadata import version

import structlog

from wms_core.application.ports import Database, Fence
from wms_core.clock import CLOCK
from wms_core.domain.errors import WmsError
from wms_core.domain.workers import Report, Told

_REPORT = 1.0  # seconds between two reports
_LOOK = 0.1  # seconds between two looks for what it is told
_log = structlog.get_logger(__name__)


class Duty:
    """Whether this replica may stand for a role, and hold on to it.

    While the database can't be asked, what was told last holds; before the first answer it may not stand.
    """

    def __init__(self, database: Database, role: str, worker_id: str, roles: tuple[str, ...]) -> None:
        """Report in the name of a worker that stands for these roles, of which this is one."""
        self._roles = roles
        self.worker_id = worker_id
        self._database = database
        self._role = role
        self._epoch = 0
        self._started = time.monotonic()
        self._last_cycle: float | None = None

    async def run(self) -> None:
        """Report again and again, until cancelled."""
        while True:
            try:
                await self._database.transact(lambda transaction: transaction.workers.report(self._report))
            except WmsError as error:
                _log.debug("not_reported", error=str(error))
            await asyncio.sleep(_REPORT)

    def began(self, fence: Fence) -> None:
        """Note that a term has begun."""
        self._epoch = fence.epoch

    def cycle_ended(self) -> None:
        """Note that a cycle has ended."""
        self._last_cycle = time.monotonic()

    async def admitted(self) -> None:
        """Wait until this replica may stand for election; says once why it may not."""
        said = False
        while (told := await self._told()) is None or told.passive or told.abstain:
            if told is not None and not said:
                reason = "told to stay passive" if told.passive else "asked to step down"
                _log.info("abstaining", role=self._role, worker_id=self.worker_id, reason=reason)
                said = True
            await asyncio.sleep(_LOOK)

    async def excluded(self) -> None:
        """Wait until this replica has to leave the line."""
        while True:
            told = await self._told()
            if told is not None and told.passive:
                return
            await asyncio.sleep(_REPORT)

    async def dismissed(self) -> str:
        """Wait until this replica has to hand the role over; gives the cause."""
        while True:
            await asyncio.sleep(_LOOK)
            told = await self._told()
            if told is not None and told.step_down:
                return "asked to step down"
            if told is not None and told.passive:
                return "told to stay passive"

    async def _told(self) -> Told | None:
        """Give what is told now; None when nobody can say."""
        try:
            return await self._database.read(
                lambda transaction: transaction.workers.told(self.worker_id, self._role, self._epoch)
            )
        except WmsError as error:
            _log.debug("not_told", error=str(error))
            return None

    @property
    def _report(self) -> Report:
        return Report(
            worker_id=self.worker_id,
            host=socket.gethostname(),
            version=version("wms-orders"),
            started_at=CLOCK.at(self._started),
            role=self._role,
            roles=self._roles,
            epoch=self._epoch,
            last_cycle_at=None if self._last_cycle is None else CLOCK.at(self._last_cycle),
        )

"""Reports of this replica and commands to it: `ListWorkers`, `SetWorkerMode`, `StepDown`."""

import asyncio
import socket
import time
from importlib.metadata import version

import structlog

from wms_core.application.database import Database, Fence
from wms_core.domain.errors import WmsError
from wms_core.domain.workers import ReplicaCommands, ReplicaReport
from wms_core.runtime.clock import DATABASE_CLOCK

_REPORT_INTERVAL_SECONDS = 1.0
_COMMAND_POLL_SECONDS = 0.1
_log = structlog.get_logger(__name__)


class RemoteControl:
    """Operators' control over whether this replica may acquire and keep a role.

    While the database is unavailable, the replica keeps its state: a leader does not step down, and a
    candidate waits.
    """

    def __init__(self, database: Database, role: str, worker_id: str, role_names: tuple[str, ...]) -> None:
        self._role_names = role_names
        self.worker_id = worker_id
        self._database = database
        self._role = role
        self._epoch = 0
        self._started_at = time.monotonic()
        self._last_cycle_ended_at: float | None = None

    async def run(self) -> None:
        """Save a report every second until cancelled."""
        while True:
            try:
                await self._database.run_in_transaction(
                    lambda transaction: transaction.workers.save_report(self._worker_report)
                )
            except WmsError as error:
                _log.debug("heartbeat_failed", error=str(error))
            await asyncio.sleep(_REPORT_INTERVAL_SECONDS)

    def record_tenure_start(self, fence: Fence) -> None:
        """Record the epoch of a new tenure."""
        self._epoch = fence.epoch

    def record_cycle_end(self) -> None:
        """Record the time of the end of a cycle."""
        self._last_cycle_ended_at = time.monotonic()

    async def wait_until_allowed(self) -> None:
        """Wait until this replica may be a candidate; log once why it may not."""
        has_logged = False
        while (
            (replica_commands := await self._read_commands()) is None
            or replica_commands.passive
            or replica_commands.abstain
        ):
            if replica_commands is not None and not has_logged:
                reason = "told to stay passive" if replica_commands.passive else "asked to step down"
                _log.info("role_declined", role=self._role, worker_id=self.worker_id, reason=reason)
                has_logged = True
            await asyncio.sleep(_COMMAND_POLL_SECONDS)

    async def wait_until_passive(self) -> None:
        """Wait until an operator sets this replica to passive."""
        while True:
            replica_commands = await self._read_commands()
            if replica_commands is not None and replica_commands.passive:
                return
            await asyncio.sleep(_REPORT_INTERVAL_SECONDS)

    async def wait_until_step_down(self) -> str:
        """Wait until an operator asks this replica to release the role; return the cause."""
        while True:
            await asyncio.sleep(_COMMAND_POLL_SECONDS)
            replica_commands = await self._read_commands()
            if replica_commands is not None and replica_commands.step_down:
                return "asked to step down"
            if replica_commands is not None and replica_commands.passive:
                return "told to stay passive"

    async def _read_commands(self) -> ReplicaCommands | None:
        """Return the current commands; None if the database is unavailable."""
        try:
            return await self._database.read(
                lambda transaction: transaction.workers.read_commands(self.worker_id, self._role, self._epoch)
            )
        except WmsError as error:
            _log.debug("commands_unavailable", error=str(error))
            return None

    @property
    def _worker_report(self) -> ReplicaReport:
        return ReplicaReport(
            worker_id=self.worker_id,
            host=socket.gethostname(),
            version=version("wms-orders"),
            started_at=DATABASE_CLOCK.to_datetime(self._started_at),
            role=self._role,
            candidate_roles=self._role_names,
            epoch=self._epoch,
            last_cycle_at=None
            if self._last_cycle_ended_at is None
            else DATABASE_CLOCK.to_datetime(self._last_cycle_ended_at),
        )

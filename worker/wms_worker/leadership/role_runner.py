"""Acquire a role, run its tenure, release it, and start again."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from wms_core.application.database import Fence
from wms_worker.leadership.election import RoleElection
from wms_worker.leadership.remote_control import RemoteControl
from wms_worker.observability.health_server import HealthReporter
from wms_worker.observability.metrics import WorkerMetrics

#: A replica whose tenure stalled is no candidate for this time.
STALL_PAUSE_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Tenure(Protocol):
    """The time for which this replica is the leader of a role."""

    #: Set when the fence has rejected a write of this tenure.
    fenced_off: asyncio.Event
    #: Set when the tenure makes no progress and another replica should try.
    stall_detected: asyncio.Event

    def serve(self) -> AbstractAsyncContextManager[None]:
        """Perform the role inside the context; on exit the current step finishes."""
        ...

    def stop(self) -> None:
        """Start no further step."""
        ...


class RoleHandler(Protocol):
    """The tasks of a role's leader."""

    @property
    def role(self) -> str:
        """The name of the role."""
        ...

    async def open_tenure(self, fence: Fence) -> Tenure:
        """Return a new tenure, which does not start before `Tenure.serve`."""
        ...


class RoleRunner:
    """Run the tenures of one role, one after the other, until cancelled."""

    def __init__(
        self,
        role_handler: RoleHandler,
        role_election: RoleElection,
        remote_control: RemoteControl,
        health_reporter: HealthReporter,
        worker_metrics: WorkerMetrics,
    ) -> None:
        self._role_handler = role_handler
        self._role = role_handler.role
        self._role_election = role_election
        self._remote_control = remote_control
        self._health_reporter = health_reporter
        self._worker_metrics = worker_metrics

    async def run(self) -> None:
        """Acquire the role and serve until it is lost, repeatedly."""
        while True:
            await self._remote_control.wait_until_allowed()
            has_stalled = False
            try:
                fence = await self._acquire_role()
                if fence is not None:
                    has_stalled = await self._serve_tenure(fence)
            finally:
                self._health_reporter.set_active(self._role, is_active=False)
                await asyncio.shield(self._role_election.release())
            if has_stalled:
                await asyncio.sleep(STALL_PAUSE_SECONDS)

    async def _acquire_role(self) -> Fence | None:
        """Wait for the role; return None if an operator sets this replica to passive."""
        acquire_task = asyncio.create_task(self._role_election.acquire())
        passive_task = asyncio.create_task(self._remote_control.wait_until_passive())
        try:
            await asyncio.wait({acquire_task, passive_task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (acquire_task, passive_task):
                task.cancel()
            # The role may have been acquired just before the cancellation.
            await asyncio.wait({acquire_task})
        return None if acquire_task.cancelled() else acquire_task.result()

    async def _serve_tenure(self, fence: Fence) -> bool:
        """Serve until the tenure ends. Return whether it ended because of a stall."""
        self._remote_control.record_tenure_start(fence)
        _log.info("active", role=self._role, epoch=fence.epoch, worker_id=self._remote_control.worker_id)
        current_tenure = await self._role_handler.open_tenure(fence)
        self._health_reporter.set_active(self._role, is_active=True, epoch=fence.epoch)
        self._worker_metrics.count_role_change(self._role, "won")
        end_cause = "stopped"
        lost_task = asyncio.create_task(self._role_election.wait_until_lost())
        fenced_off_task = asyncio.create_task(current_tenure.fenced_off.wait())
        step_down_task = asyncio.create_task(self._remote_control.wait_until_step_down())
        stall_task = asyncio.create_task(current_tenure.stall_detected.wait())
        end_tasks = {lost_task, fenced_off_task, step_down_task, stall_task}
        try:
            async with current_tenure.serve():
                try:
                    await asyncio.wait(end_tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # Before the exit of `serve`, which waits for the current step.
                    current_tenure.stop()
                    self._health_reporter.set_active(self._role, is_active=False)
            end_cause = (
                "no step was finished in time"
                if stall_task.done()
                else _describe_end(lost_task, step_down_task)
            )
            _log.warning("stepped_down", role=self._role, epoch=fence.epoch, cause=end_cause)
        finally:
            self._worker_metrics.count_role_change(self._role, end_cause)
            for task in end_tasks:
                task.cancel()
        return stall_task.done()


def _describe_end(lost_task: "asyncio.Task[str]", step_down_task: "asyncio.Task[str]") -> str:
    """Return the cause of the end of a tenure, for the log and the metrics."""
    return next((task.result() for task in (lost_task, step_down_task) if task.done()), "a write was refused")

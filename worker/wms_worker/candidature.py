"""A replica's candidature for a role: wait for it, act in it, give it up, and again."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from wms_core.application.ports import Fence
from wms_worker.duty import Duty
from wms_worker.election import Election
from wms_worker.health import Health
from wms_worker.metrics import Metrics

#: How long a replica whose work did not get on stays out of the next elections.
STALL_PAUSE_SECONDS = 5.0
_log = structlog.get_logger(__name__)


class Term(Protocol):
    """One term in an office."""

    #: Set when the fence has refused a write of this term.
    deposed: asyncio.Event
    #: Set when the work does not get on and another replica should try.
    stalled: asyncio.Event

    def acting(self) -> AbstractAsyncContextManager[None]:
        """Do the work of the office inside; at the end the step at work is waited for."""
        ...

    def stop(self) -> None:
        """Begin no further step."""
        ...


class Office(Protocol):
    """What the holder of a role does."""

    @property
    def role(self) -> str:
        """The role whose holder does it."""
        ...

    async def open(self, fence: Fence) -> Term:
        """Prepare a term; nothing is done in it yet."""
        ...


class Candidature:
    """Runs terms of one role, one after the other, until it is cancelled."""

    def __init__(
        self, office: Office, election: Election, duty: Duty, health: Health, metrics: Metrics
    ) -> None:
        """Stand for the office."""
        self._office = office
        self._role = office.role
        self._election = election
        self._duty = duty
        self._health = health
        self._metrics = metrics

    async def run(self) -> None:
        """Win the role, act until it is lost, and again."""
        while True:
            await self._duty.admitted()
            has_stalled = False
            try:
                fence = await self._elected()
                if fence is not None:
                    has_stalled = await self._term(fence)
            finally:
                self._health.set_active(self._role, active=False)
                await asyncio.shield(self._election.resign())
            if has_stalled:
                await asyncio.sleep(STALL_PAUSE_SECONDS)

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

    async def _term(self, fence: Fence) -> bool:
        """Act until something ends the term. Return whether it ended because the work did not get on."""
        self._duty.began(fence)
        _log.info("active", role=self._role, epoch=fence.epoch, worker_id=self._duty.worker_id)
        term = await self._office.open(fence)
        self._health.set_active(self._role, active=True, epoch=fence.epoch)
        self._metrics.role_changed(self._role, "won")
        cause = "stopped"
        lost = asyncio.create_task(self._election.lose())
        deposed = asyncio.create_task(term.deposed.wait())
        dismissed = asyncio.create_task(self._duty.dismissed())
        stalled = asyncio.create_task(term.stalled.wait())
        ends = {lost, deposed, dismissed, stalled}
        try:
            async with term.acting():
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # At once: the step at work may take a while to end.
                    term.stop()
                    self._health.set_active(self._role, active=False)
            cause = "no step was finished in time" if stalled.done() else _cause(lost, dismissed)
            _log.warning("stepped_down", role=self._role, epoch=fence.epoch, cause=cause)
        finally:
            self._metrics.role_changed(self._role, cause)
            for task in ends:
                task.cancel()
        return stalled.done()


def _cause(lost: "asyncio.Task[str]", dismissed: "asyncio.Task[str]") -> str:
    """Say why a term ended, as the log and the metrics do."""
    return next((task.result() for task in (lost, dismissed) if task.done()), "a write was refused")

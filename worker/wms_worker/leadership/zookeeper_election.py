"""Leader election with ZooKeeper (docs/adr/0012).

The first candidate in line at the lock may claim the role, and its claim in Postgres begins the tenure. The
leader confirms its lock six times per session timeout. It steps down when the connection is interrupted. It
also steps down by its own clock without an answer for two thirds of the session timeout, before the session
can have expired and another replica can have been elected.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from wms_core.application.database import Fence, RoleLeases
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.runtime.background_tasks import AbandonableTasks
from wms_worker.leadership.zookeeper_session import ZooKeeperSession
from wms_worker.leadership.zookeeper_settings import ElectionUnavailable, ZooKeeperConfig

#: A candidate counts as passive after this wait in line; also the pause between two candidacies.
_CANDIDACY_PAUSE_SECONDS = 0.2
#: Pause between two candidacies while the election is unavailable.
_UNAVAILABLE_PAUSE_SECONDS = 1.0
CLOSE_TIMEOUT_SECONDS = 2.0
#: Longest interval between two heartbeats in Postgres.
_MAX_HEARTBEAT_SECONDS = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _ZooKeeperTenure:
    session: ZooKeeperSession
    fence: Fence
    confirmed_at: float


class ZooKeeperElection:
    """Implement `wms_worker.leadership.election.RoleElection` with ZooKeeper.

    `report_reason` receives the reason why this replica cannot be a candidate, or an empty string.
    """

    def __init__(
        self,
        role_leases: RoleLeases,
        role: str,
        worker_id: str,
        zookeeper_config: ZooKeeperConfig,
        report_reason: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._role_leases = role_leases
        self._role = role
        self._worker_id = worker_id
        self._zookeeper_config = zookeeper_config
        self._report_reason = report_reason
        self._reason = ""
        self._abandonable_tasks = AbandonableTasks()
        self._current_tenure: _ZooKeeperTenure | None = None

    async def acquire(self) -> Fence:
        """Wait until elected and confirmed by Postgres, with a new session for each candidacy."""
        while True:
            session = ZooKeeperSession(self._zookeeper_config, self._role, self._worker_id)
            try:
                self._current_tenure = await self._stand_for_election(session)
            except (ElectionUnavailable, WmsError) as error:
                self._set_reason(str(error))
            finally:
                if self._current_tenure is None:
                    await self._wait_for_close(self._abandonable_tasks.start_task(session.close()))
            if self._current_tenure is not None:
                return self._current_tenure.fence
            await asyncio.sleep(_UNAVAILABLE_PAUSE_SECONDS if self._reason else _CANDIDACY_PAUSE_SECONDS)

    async def wait_until_lost(self) -> str:
        """Confirm the lock in ZooKeeper and send heartbeats to Postgres until one of them fails."""
        if self._current_tenure is None:
            return "not held"
        end_tasks = [
            asyncio.create_task(end_wait)
            for end_wait in (
                _wait_until_ended(self._current_tenure.session),
                self._wait_until_unconfirmed(self._current_tenure),
                self._wait_until_fenced_off(self._current_tenure),
            )
        ]
        try:
            done_tasks, _ = await asyncio.wait(end_tasks, return_when=asyncio.FIRST_COMPLETED)
            return done_tasks.pop().result()
        finally:
            for end_task in end_tasks:
                end_task.cancel()

    async def release(self) -> None:
        """Close the session and release the role; both continue in the background after 2 s."""
        if self._current_tenure is None:
            return
        current_tenure, self._current_tenure = self._current_tenure, None
        await self._wait_for_close(
            self._abandonable_tasks.start_task(current_tenure.session.close()),
            self._abandonable_tasks.start_task(self._release_lease(current_tenure.fence)),
        )

    async def _stand_for_election(self, session: ZooKeeperSession) -> _ZooKeeperTenure:
        await self._wait_until_connected(session)
        elected_task = asyncio.create_task(session.wait_until_elected())
        try:
            done_tasks, _ = await asyncio.wait({elected_task}, timeout=_CANDIDACY_PAUSE_SECONDS)
            if not done_tasks:
                self._set_reason("")
                _log.info("passive", role=self._role, worker_id=self._worker_id)
            token = await elected_task
        finally:
            elected_task.cancel()
        requested_at = time.monotonic()
        epoch = await self._role_leases.claim_elected(self._role, self._worker_id, token)
        if epoch is None:
            raise ElectionUnavailable(
                f"Postgres knows a later election than {token.folder_created_ms}/{token.node_number} of "
                f"ZOOKEEPER_PATH={self._zookeeper_config.path}; check whether the ensemble was replaced or "
                "restored from a backup"
            )
        self._set_reason("")
        return _ZooKeeperTenure(session, Fence(self._role, epoch), requested_at)

    async def _wait_until_connected(self, session: ZooKeeperSession) -> None:
        """Wait until the session is connected; report once if that exceeds the session timeout.

        Raises:
            ElectionUnavailable: the session ended first.
        """
        event_tasks = [
            asyncio.create_task(session_event.wait())
            for session_event in (session.connected_event, session.ended_event)
        ]
        try:
            timeout_seconds: float | None = self._zookeeper_config.session_timeout_seconds
            while not session.connected_event.is_set() and not session.ended_event.is_set():
                await asyncio.wait(event_tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
                self._report_unreachable(session)
                timeout_seconds = None
        finally:
            for event_task in event_tasks:
                event_task.cancel()
        if session.ended_event.is_set():
            raise ElectionUnavailable(session.end_cause)

    def _report_unreachable(self, session: ZooKeeperSession) -> None:
        if not session.connected_event.is_set() and not session.ended_event.is_set():
            self._set_reason(
                f"no answer from ZOOKEEPER_HOSTS={self._zookeeper_config.addresses}: {session.last_error}"
            )

    async def _wait_until_unconfirmed(self, current_tenure: _ZooKeeperTenure) -> str:
        """Confirm the lock repeatedly; return the cause when it is lost or cannot be confirmed in time."""
        confirm_interval_seconds, confirm_limit_seconds = (
            self._zookeeper_config.session_timeout_seconds / 6,
            self._zookeeper_config.session_timeout_seconds * 2 / 3,
        )
        confirmed_at = current_tenure.confirmed_at
        while True:
            requested_at = time.monotonic()
            remaining_seconds = confirmed_at + confirm_limit_seconds - requested_at
            if remaining_seconds <= 0:
                return "this replica stood still for too long"
            try:
                is_still_held = await asyncio.wait_for(
                    current_tenure.session.confirm_lock(), remaining_seconds
                )
            except TimeoutError:
                return "ZooKeeper has not answered in time"
            except ElectionUnavailable:
                return "the connection to ZooKeeper was suspended"
            if not is_still_held:
                return "the lock is gone"
            confirmed_at = requested_at
            await asyncio.sleep(confirm_interval_seconds)

    async def _wait_until_fenced_off(self, current_tenure: _ZooKeeperTenure) -> str:
        """Send heartbeats, which monitoring reads; return only when another replica has a later epoch."""
        heartbeat_interval_seconds = min(
            self._zookeeper_config.session_timeout_seconds / 3, _MAX_HEARTBEAT_SECONDS
        )
        while True:
            try:
                await self._abandonable_tasks.run_with_timeout(
                    heartbeat_interval_seconds, self._role_leases.send_heartbeat(current_tenure.fence)
                )
            except StaleEpoch:
                return "another replica has taken the role"
            except (WmsError, TimeoutError) as error:
                _log.warning("role_heartbeat_failed", role=self._role, error=str(error))
            await asyncio.sleep(heartbeat_interval_seconds)

    async def _release_lease(self, fence: Fence) -> None:
        try:
            await self._role_leases.release(fence)
        except WmsError as error:
            _log.warning("role_release_failed", role=self._role, error=str(error))

    async def _wait_for_close(self, *closing_tasks: asyncio.Task[None]) -> None:
        await asyncio.wait(closing_tasks, timeout=CLOSE_TIMEOUT_SECONDS)

    def _set_reason(self, reason: str) -> None:
        """Report why this replica cannot be a candidate; log a reason that is new."""
        if reason and reason != self._reason:
            _log.warning("election_unavailable", role=self._role, worker_id=self._worker_id, reason=reason)
        self._reason = reason
        self._report_reason(reason)


async def _wait_until_ended(session: ZooKeeperSession) -> str:
    await session.ended_event.wait()
    return session.end_cause

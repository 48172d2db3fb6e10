"""Leader election with a lease in Postgres, without ZooKeeper (docs/adr/0005).

A replica acquires the role when the role has no holder or the holder's heartbeat is older than the lease. The
leader renews the lease three times per lease period. It steps down by its own clock when no renewal has
succeeded for two thirds of the period, before another replica can acquire the role.
"""

import asyncio
import time
from datetime import timedelta

import structlog

from wms_core.application.database import Fence, RoleLeases
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.runtime.background_tasks import AbandonableTasks

_log = structlog.get_logger(__name__)


class PostgresElection:
    """Implement `wms_worker.leadership.election.RoleElection` with a lease."""

    def __init__(self, role_leases: RoleLeases, role: str, worker_id: str, lease: timedelta) -> None:
        self._role_leases = role_leases
        self._role = role
        self._worker_id = worker_id
        self._lease = lease
        self._renewal_interval_seconds = lease.total_seconds() / 3
        self._fence: Fence | None = None
        self._renewed_at = 0.0
        self._abandonable_tasks = AbandonableTasks()

    async def acquire(self) -> Fence:
        """Try to claim the role until it succeeds."""
        has_logged_passive = False
        while True:
            self._renewed_at = time.monotonic()
            try:
                epoch = await self._role_leases.claim(self._role, self._worker_id, self._lease)
            except WmsError as error:
                _log.warning("role_claim_failed", role=self._role, error=str(error))
                epoch = None
            if epoch is not None:
                self._fence = Fence(self._role, epoch)
                return self._fence
            if not has_logged_passive:
                _log.info("passive", role=self._role, worker_id=self._worker_id)
                has_logged_passive = True
            await asyncio.sleep(min(self._renewal_interval_seconds, 1.0))

    async def wait_until_lost(self) -> str:
        """Renew the lease until renewals fail for too long or another replica has the role."""
        if self._fence is None:
            return "not held"
        while True:
            await asyncio.sleep(self._renewal_interval_seconds)
            requested_at = time.monotonic()
            try:
                await self._abandonable_tasks.run_with_timeout(
                    self._renewal_interval_seconds, self._role_leases.send_heartbeat(self._fence)
                )
                self._renewed_at = requested_at
            except StaleEpoch:
                return "another replica has taken the role"
            except (WmsError, TimeoutError) as error:
                _log.warning("role_heartbeat_failed", role=self._role, error=str(error))
            if time.monotonic() - self._renewed_at > 2 * self._renewal_interval_seconds:
                return "the heartbeat could not be renewed"

    async def release(self) -> None:
        """Release the role. If the database is unavailable, the lease expires instead."""
        if self._fence is None:
            return
        fence, self._fence = self._fence, None
        try:
            await self._abandonable_tasks.run_with_timeout(2.0, self._role_leases.release(fence))
        except (WmsError, TimeoutError) as error:
            _log.warning("role_release_failed", role=self._role, error=str(error))

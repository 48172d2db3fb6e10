"""Election without ZooKeeper: Postgres alone, by a heartbeat (docs/adr/0005).

A replica takes the role when nobody holds it or the holder's heartbeat is older than the lease. The holder
renews it three times in a lease, and steps down by its own clock when it has not succeeded for two thirds of
one: before another may take the role.
"""

import asyncio
import time
from datetime import timedelta

import structlog

from wms_core.application.ports import Fence, RoleStore
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_worker.patience import Patience

_log = structlog.get_logger(__name__)


class StandaloneElection:
    """See `wms_worker.election.Election`."""

    def __init__(self, roles: RoleStore, role: str, worker_id: str, lease: timedelta) -> None:
        """Stand for the role in the name of a worker."""
        self._roles = roles
        self._role = role
        self._worker_id = worker_id
        self._lease = lease
        self._pause = lease.total_seconds() / 3
        self._fence: Fence | None = None
        self._renewed = 0.0
        self._patience = Patience()

    async def win(self) -> Fence:
        """Try to claim the role until it is ours."""
        waiting = False
        while True:
            self._renewed = time.monotonic()
            try:
                epoch = await self._roles.claim(self._role, self._worker_id, self._lease)
            except WmsError as error:
                _log.warning("role_not_claimed", role=self._role, error=str(error))
                epoch = None
            if epoch is not None:
                self._fence = Fence(self._role, epoch)
                return self._fence
            if not waiting:
                _log.info("passive", role=self._role, worker_id=self._worker_id)
                waiting = True
            await asyncio.sleep(min(self._pause, 1.0))

    async def lose(self) -> str:
        """Renew the role until that fails for too long, or until it is another's."""
        if self._fence is None:
            return "not held"
        while True:
            await asyncio.sleep(self._pause)
            asked = time.monotonic()
            try:
                await self._patience.within(self._pause, self._roles.heartbeat(self._fence))
                self._renewed = asked
            except StaleEpoch:
                return "another replica has taken the role"
            except (WmsError, TimeoutError) as error:
                _log.warning("heartbeat_failed", role=self._role, error=str(error))
            if time.monotonic() - self._renewed > 2 * self._pause:
                return "the heartbeat could not be renewed"

    async def resign(self) -> None:
        """Give the role up; when the database is away the lease ends it."""
        if self._fence is None:
            return
        fence, self._fence = self._fence, None
        try:
            await self._patience.within(2.0, self._roles.release(fence))
        except (WmsError, TimeoutError) as error:
            _log.warning("role_not_released", role=self._role, error=str(error))

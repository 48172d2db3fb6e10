"""A role store in memory, the twin of the one in Postgres, and the ways to take a role from its holder."""

import time
from dataclasses import dataclass
from datetime import timedelta

from wms_core.application.ports import ElectionToken, Fence
from wms_core.domain.errors import StaleEpoch, StorageUnavailable


@dataclass(slots=True)
class _Role:
    epoch: int = 0
    worker_id: str | None = None
    heartbeat: float = 0.0
    token: ElectionToken | None = None


class MemoryRoles:
    """See `application.ports.RoleStore`; `away` makes it unreachable."""

    def __init__(self) -> None:
        """Start with nobody in any role."""
        self.away = False
        self._roles: dict[str, _Role] = {}

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Take the role by a new epoch; None while another worker's heartbeat is fresh."""
        held = self._role(role)
        fresh = time.monotonic() - held.heartbeat <= lease.total_seconds()
        if held.worker_id not in (None, worker_id) and fresh:
            return None
        held.epoch, held.worker_id, held.heartbeat = held.epoch + 1, worker_id, time.monotonic()
        return held.epoch

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Take the role by a new epoch; None when the winner of a later election has claimed it."""
        held = self._role(role)
        if held.token is not None and held.token > token:
            return None
        held.epoch, held.worker_id, held.heartbeat = held.epoch + 1, worker_id, time.monotonic()
        held.token = token
        return held.epoch

    async def heartbeat(self, fence: Fence) -> None:
        """Say that the holder is alive; raises StaleEpoch when it is the holder no more."""
        held = self._role(fence.role)
        if held.epoch != fence.epoch:
            raise StaleEpoch(role=fence.role, epoch=fence.epoch, current=held.epoch)
        held.heartbeat = time.monotonic()

    async def release(self, fence: Fence) -> None:
        """Give the role up; does nothing when another one has it."""
        held = self._role(fence.role)
        if held.epoch == fence.epoch:
            held.worker_id = None

    def _role(self, role: str) -> _Role:
        if self.away:
            raise StorageUnavailable
        return self._roles.setdefault(role, _Role())

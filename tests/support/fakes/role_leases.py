"""An in-memory implementation of the role leases, like that in Postgres."""

import time
from dataclasses import dataclass
from datetime import timedelta

from wms_core.application.database import ElectionToken, Fence
from wms_core.domain.errors import StaleEpoch, StorageUnavailable


@dataclass(slots=True)
class _RoleLease:
    epoch: int = 0
    worker_id: str | None = None
    heartbeat: float = 0.0
    token: ElectionToken | None = None


class InMemoryRoleLeases:
    """Role leases in memory (see `wms_core.application.database`); `is_unreachable` makes calls fail."""

    def __init__(self) -> None:
        self.is_unreachable = False
        self._lease_by_role: dict[str, _RoleLease] = {}

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Claim the role. Return a new epoch; None while another worker's heartbeat is fresh."""
        role_lease = self._get_lease(role)
        is_fresh = time.monotonic() - role_lease.heartbeat <= lease.total_seconds()
        if role_lease.worker_id not in (None, worker_id) and is_fresh:
            return None
        role_lease.epoch, role_lease.worker_id, role_lease.heartbeat = (
            role_lease.epoch + 1,
            worker_id,
            time.monotonic(),
        )
        return role_lease.epoch

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Claim the role. Return a new epoch; None if the winner of a later election has claimed it."""
        role_lease = self._get_lease(role)
        if role_lease.token is not None and role_lease.token > token:
            return None
        role_lease.epoch, role_lease.worker_id, role_lease.heartbeat = (
            role_lease.epoch + 1,
            worker_id,
            time.monotonic(),
        )
        role_lease.token = token
        return role_lease.epoch

    async def send_heartbeat(self, fence: Fence) -> None:
        """Renew the heartbeat of the holder. Raises StaleEpoch if another worker has claimed the role."""
        role_lease = self._get_lease(fence.role)
        if role_lease.epoch != fence.epoch:
            raise StaleEpoch(role=fence.role, epoch=fence.epoch, current=role_lease.epoch)
        role_lease.heartbeat = time.monotonic()

    async def release(self, fence: Fence) -> None:
        """Release the role; has no effect if another worker has claimed it."""
        role_lease = self._get_lease(fence.role)
        if role_lease.epoch == fence.epoch:
            role_lease.worker_id = None

    def _get_lease(self, role: str) -> _RoleLease:
        if self.is_unreachable:
            raise StorageUnavailable
        return self._lease_by_role.setdefault(role, _RoleLease())

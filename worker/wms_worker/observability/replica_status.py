"""The current status of this replica, for gRPC health, the HTTP pages and the metrics."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class RoleStatus:
    """The status of this replica in one role.

    `epoch` is the epoch of its latest tenure, 0 before the first. `reason` says why it cannot be a candidate
    or cannot publish; it is empty otherwise.
    """

    role: str
    is_active: bool = False
    epoch: int = 0
    reason: str = ""

    def set_reason(self, reason: str) -> None:
        """Set the reason; an empty string clears it."""
        self.reason = reason

    def to_json_object(self) -> dict[str, object]:
        """Return the status as a JSON object."""
        json_fields: dict[str, object] = {"role": self.role, "active": self.is_active, "epoch": self.epoch}
        return {**json_fields, "trouble": self.reason} if self.reason else json_fields


class ReplicaStatus:
    """The status of this replica in each of its roles. It starts as passive."""

    def __init__(self, worker_id: str, role_names: Iterable[str]) -> None:
        self.worker_id = worker_id
        self.role_statuses = {role: RoleStatus(role) for role in role_names}

    def to_json_object(self) -> dict[str, object]:
        """Return the status as a JSON object."""
        return {
            "worker_id": self.worker_id,
            "roles": [role_status.to_json_object() for role_status in self.role_statuses.values()],
        }

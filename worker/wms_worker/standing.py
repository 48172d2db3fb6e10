"""What this replica is just now, for whoever asks: gRPC health, the pages, the metrics."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Part:
    """A replica's candidature for a role; `epoch` is that of its latest term, 0 before the first.

    `trouble` says what keeps it from standing for election; empty when nothing does.
    """

    role: str
    active: bool = False
    epoch: int = 0
    trouble: str = ""

    def report(self, trouble: str) -> None:
        """Take what keeps it from standing, or that nothing does."""
        self.trouble = trouble

    def facts(self) -> dict[str, object]:
        """Give it as JSON has it."""
        facts: dict[str, object] = {"role": self.role, "active": self.active, "epoch": self.epoch}
        return {**facts, "trouble": self.trouble} if self.trouble else facts


class Standing:
    """A replica, with its part in each of its roles."""

    def __init__(self, worker_id: str, roles: Iterable[str]) -> None:
        """Passive in all of them."""
        self.worker_id = worker_id
        self.parts = {role: Part(role) for role in roles}

    def facts(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {"worker_id": self.worker_id, "roles": [part.facts() for part in self.parts.values()]}

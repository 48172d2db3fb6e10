"""What this replica is just now, for whoever asks: gRPC health, the pages, the metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class Standing:
    """A replica's candidature for a role; `epoch` is that of its latest term, 0 before the first.

    `trouble` says what keeps it from standing for election; empty when nothing does.
    """

    worker_id: str
    role: str
    active: bool = False
    epoch: int = 0
    trouble: str = ""

    def report(self, trouble: str) -> None:
        """Take what keeps it from standing, or that nothing does."""
        self.trouble = trouble

    def facts(self) -> dict[str, object]:
        """Give it as JSON has it."""
        facts = {"worker_id": self.worker_id, "role": self.role, "active": self.active, "epoch": self.epoch}
        return {**facts, "trouble": self.trouble} if self.trouble else facts

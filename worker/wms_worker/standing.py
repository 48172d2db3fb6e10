"""What this replica is just now, for whoever asks: gRPC health, the pages, the metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class Standing:
    """A replica's candidature for a role; `epoch` is that of its latest term, 0 before the first."""

    worker_id: str
    role: str
    active: bool = False
    epoch: int = 0

    def facts(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {"worker_id": self.worker_id, "role": self.role, "active": self.active, "epoch": self.epoch}

"""What the simulated warehouse has done."""

from dataclasses import asdict, dataclass


@dataclass
class Tally:
    """Counts since the start."""

    moves_completed: int = 0
    moves_failed: int = 0
    orders_shipped: int = 0
    orders_delivered: int = 0
    rounds_lost: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in asdict(self).items())

"""Figures of one measurement."""

from dataclasses import dataclass
from typing import Any

from benchmarks.fulfillment.cycles import CycleGroup


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates in orders per second, memory in megabytes, size of the database in bytes at the start.

    `bare` was measured before and after the fulfillment, in the same database.
    """

    scale: dict[str, Any]
    bare: tuple[float, float]
    fulfilled: float
    shipped: float
    seconds: float
    statuses: dict[str, int]
    lines: dict[str, int]
    moves: dict[str, int]
    memory_at_tenth: float
    memory_at_end: float
    database_bytes: int
    idle_cycle_ms: float
    cpu_ms_per_order: dict[str, float]
    failed_steps: int
    cycles: list[CycleGroup]
    steps: dict[str, tuple[int, float]]

    @property
    def share(self) -> float:
        """The rate of the fulfillment as a share of that of the bare update."""
        return self.fulfilled / (sum(self.bare) / len(self.bare))

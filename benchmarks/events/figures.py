"""Figures of one measurement."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates in events or orders per second, times in milliseconds, memory in megabytes.

    `bare` was measured before and after `relay`, with the same messages and settings.
    """

    scale: dict[str, Any]
    bare: tuple[float, float]
    simple: float
    relay: float
    backlog: float
    memory: dict[str, float]
    delay: dict[str, float]
    highest_rate: float
    placing_without: list[float]
    placing_with: list[float]

    @property
    def share(self) -> float:
        """The rate of the relay as a share of the bare producer's."""
        return self.relay / (sum(self.bare) / len(self.bare))

    @property
    def times_simple(self) -> float:
        """The ratio of the relay's rate to that of the simple relay."""
        return self.relay / self.simple

    @property
    def slowdown(self) -> float:
        """The ratio of the median latency of CreateOrder with the relay to that without it."""
        return median_of(self.placing_with) / median_of(self.placing_without)

    @property
    def growth(self) -> float:
        """The ratio of the relay's memory at the end of the backlog to that after half of it."""
        return self.memory["at_end"] / self.memory["at_half"]


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * share), 1) - 1]


def median_of(values: Iterable[float]) -> float:
    """Return the median."""
    return percentile(values, 0.5)

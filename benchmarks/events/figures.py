"""What one measurement gives."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates in events or orders a second, times in milliseconds, memory in megabytes.

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
        """The rate of the relay in terms of the simple one's."""
        return self.relay / self.simple

    @property
    def slowdown(self) -> float:
        """CreateOrder with the relay at work in terms of that without: the middle round's medians."""
        return middle(self.placing_with) / middle(self.placing_without)

    @property
    def growth(self) -> float:
        """The relay's memory at the end of the backlog in terms of that after half of it."""
        return self.memory["at_end"] / self.memory["at_half"]


def percentile(values: Iterable[float], share: float) -> float:
    """Give the smallest value that at least this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * share), 1) - 1]


def middle(values: Iterable[float]) -> float:
    """Give the median."""
    return percentile(values, 0.5)

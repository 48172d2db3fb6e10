"""Measured figures by candidate, database, call and calls in flight, for each round."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """A measured case. `call` is create, get, list, list_deep or batch."""

    candidate: str
    database: str
    call: str
    in_flight: int

    def __str__(self) -> str:
        return f"{self.candidate} {self.database} {self.call} {self.in_flight}"


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """Figures of one load: responses per second, latencies, and processor time per order or response."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    postgres_ms: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class RoundSpread:
    """Median, minimum and maximum of the rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of_rounds(cls, values: Sequence[float]) -> "RoundSpread":
        """Return the spread of the values of the rounds."""
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Figures:
    """All figures of a measurement."""

    cases: dict[MeasuredCase, list[LoadFigures]] = field(default_factory=lambda: defaultdict(list))
    #: Memory of a server process in megabytes after few and after many orders.
    memory: tuple[float, float] = (0.0, 0.0)
    filling_seconds: float = 0.0
    #: Turns that were repeated because a call had failed, with the error.
    repeated: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, case: MeasuredCase, figure: LoadFigures) -> None:
        """Add the figures of a round."""
        self.cases[case].append(figure)

    def spread_of(self, case: MeasuredCase, name: str) -> RoundSpread:
        """Return the spread of one figure of a case."""
        return RoundSpread.of_rounds([getattr(figure, name) for figure in self.cases[case]])

    def ratio_of(self, above: MeasuredCase, below: MeasuredCase, name: str) -> RoundSpread:
        """Return the spread of the ratio of two cases' figures, round by round."""
        pairs = zip(self.cases[above], self.cases[below], strict=True)
        return RoundSpread.of_rounds(
            [
                _divide_or_infinity(getattr(numerator, name), getattr(denominator, name))
                for numerator, denominator in pairs
            ]
        )


def _divide_or_infinity(value: float, divisor: float) -> float:
    """Return a ratio; on a busy machine a short load may have no response at all."""
    return value / divisor if divisor else inf

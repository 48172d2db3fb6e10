"""What was measured, round by round, by candidate, database, call and calls in flight."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median


@dataclass(frozen=True, slots=True)
class Case:
    """What was measured. `call` is create, get, list, list_deep or batch."""

    candidate: str
    database: str
    call: str
    in_flight: int

    def __str__(self) -> str:
        return f"{self.candidate} {self.database} {self.call} {self.in_flight}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One load: answers a second, milliseconds, and processor milliseconds for each order or answer."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    postgres_ms: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, the lowest and the highest."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Look at the values of the rounds."""
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Figures:
    """All of it."""

    cases: dict[Case, list[Figure]] = field(default_factory=lambda: defaultdict(list))
    #: Megabytes of a server process after few and after many orders.
    memory: tuple[float, float] = (0.0, 0.0)
    filling_seconds: float = 0.0
    #: Turns in which a call failed, and how; they were done once more.
    repeated: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, case: Case, figure: Figure) -> None:
        """Add the figure of a round."""
        self.cases[case].append(figure)

    def spread(self, case: Case, name: str) -> Spread:
        """Give one field of the figures of a case."""
        return Spread.of([getattr(figure, name) for figure in self.cases[case]])

    def ratio(self, above: Case, below: Case, name: str) -> Spread:
        """Give how much of the one there is for the other, round by round."""
        pairs = zip(self.cases[above], self.cases[below], strict=True)
        return Spread.of([_share(getattr(one, name), getattr(other, name)) for one, other in pairs])


def _share(value: float, of: float) -> float:
    """Give a ratio; on a machine that is busy with other work a short load may have no answer at all."""
    return value / of if of else inf

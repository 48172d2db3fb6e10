"""What is to be reached (issues 6 and 7), each as a ratio of two things measured in the same rounds."""

from dataclasses import dataclass

from benchmarks.api.figures import Case, Figures, Spread
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import EMPTY, FULL


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, and what came of it. The median of the rounds decides."""

    what: str
    wanted: float
    at_most: bool
    found: Spread

    @property
    def reached(self) -> bool:
        """Whether it was reached."""
        return self.found.median <= self.wanted if self.at_most else self.found.median >= self.wanted

    @property
    def bound(self) -> str:
        """The target in words."""
        return f"at {'most' if self.at_most else 'least'} {self.wanted:g}"

    @property
    def word(self) -> str:
        """The verdict in words."""
        return "reached" if self.reached else "missed"


def _case(candidate: str, call: str, in_flight: int, database: str = EMPTY) -> Case:
    return Case(candidate, database, call, in_flight)


def verdicts(figures: Figures, scale: Scale) -> list[Verdict]:
    """Hold the figures to all targets."""
    return [*_others(figures), *_ours(figures), *_full(figures), *_rest(figures, scale)]


def _others(figures: Figures) -> list[Verdict]:
    """Against other services."""
    found = []
    for in_flight, wanted in ((64, 8.0), (256, 12.0)):
        pair = (_case("ours-2", "create", in_flight), _case("sqlalchemy-2", "create", in_flight))
        what = f"CreateOrder, 2 processes, {in_flight} in flight, against FastAPI + SQLAlchemy with 2"
        found.append(_at_least(figures, what, wanted, *pair))
        found.append(_at_most(figures, what + ": p99", 0.1, *pair, "p99_ms"))
    return [
        *found,
        *(
            _at_least(
                figures,
                f"CreateOrder over HTTP, 2 processes, {in_flight} in flight, against FastAPI + SQLAlchemy",
                4.0,
                _case("http-2", "create", in_flight),
                _case("sqlalchemy-2", "create", in_flight),
            )
            for in_flight in (64, 256)
        ),
        _at_least(
            figures,
            "CreateOrder, 1 process, 64 in flight, against grpc.aio + asyncpg",
            1.8,
            _case("ours-1", "create", 64),
            _case("plain-1", "create", 64),
        ),
        _at_most(
            figures,
            "CreateOrder, one caller: p50 against grpc.aio + asyncpg",
            1.1,
            _case("ours-1", "create", 1),
            _case("plain-1", "create", 1),
            "p50_ms",
        ),
        _at_least(
            figures,
            "CreateOrder, 2 processes, 256 in flight, against grpc-go + pgx on the same cores",
            1.0,
            _case("ours-2", "create", 256),
            _case("go-2", "create", 256),
        ),
    ]


def _ours(figures: Figures) -> list[Verdict]:
    """Against what is ours or Postgres's own."""
    return [
        _at_least(
            figures,
            "CreateOrder, 2 processes, 256 in flight, against our no-op call",
            0.85,
            _case("ours-2", "create", 256),
            _case("noop-2", "create", 256),
        ),
        *(
            _at_most(
                figures,
                f"Postgres's processor time an order, 1 process, 64 in flight, against {whose} a call each",
                0.3,
                _case("ours-1", "create", 64),
                _case(candidate, "create", 64),
                "postgres_ms",
            )
            for candidate, whose in (("solo-1", "our own statement"), ("plain-1", "grpc.aio + asyncpg's"))
        ),
        _at_least(
            figures,
            "BatchCreateOrders(500), 8 callers, 2 processes, against one connection with unnest",
            0.9,
            _case("ours-2", "batch", 8),
            _case("unnest", "batch", 1),
        ),
        _at_least(
            figures,
            "GetOrder, random ids, 2 processes, 256 in flight, against its no-op call",
            0.65,
            _case("ours-2", "get", 256),
            _case("noop-2", "get", 256),
        ),
    ]


def _full(figures: Figures) -> list[Verdict]:
    """With millions of orders in the database, against an empty one."""
    asked = (
        ("CreateOrder, 2 processes, 64 in flight", "ours-2", "create", 64),
        ("CreateOrder, 2 processes, 256 in flight", "ours-2", "create", 256),
        ("CreateOrder, 1 process, 64 in flight", "ours-1", "create", 64),
        ("BatchCreateOrders(500), 8 callers", "ours-2", "batch", 8),
        ("GetOrder, 2 processes, 256 in flight", "ours-2", "get", 256),
    )
    found = []
    for what, candidate, call, in_flight in asked:
        pair = (_case(candidate, call, in_flight, FULL), _case(candidate, call, in_flight))
        found.append(_at_least(figures, f"full against empty: {what}", 0.9, *pair))
    what = "full against empty: CreateOrder, one caller, by p50"
    lone = (_case("ours-1", "create", 1), _case("ours-1", "create", 1, FULL))
    return [*found, _at_least(figures, what, 0.9, *lone, "p50_ms")]


def _rest(figures: Figures, scale: Scale) -> list[Verdict]:
    before, after = figures.memory
    deep = (_case("ours-2", "list_deep", 1, FULL), _case("ours-2", "list", 1, FULL))
    return [
        _at_most(
            figures, f"ListOrders at depth {scale.deep:,} against the first page: p50", 1.5, *deep, "p50_ms"
        ),
        Verdict(
            f"memory of a server process after {scale.grown:,} orders against after {scale.grown_from:,}",
            1.05,
            True,
            Spread.of([after / before]),
        ),
    ]


def _at_least(
    figures: Figures, what: str, wanted: float, above: Case, below: Case, name: str = "rate"
) -> Verdict:
    return Verdict(what, wanted, at_most=False, found=figures.ratio(above, below, name))


def _at_most(figures: Figures, what: str, wanted: float, above: Case, below: Case, name: str) -> Verdict:
    return Verdict(what, wanted, at_most=True, found=figures.ratio(above, below, name))

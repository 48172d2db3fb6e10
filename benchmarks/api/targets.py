"""Targets, each for the ratio of two cases that are measured in the same rounds."""

from dataclasses import dataclass

from benchmarks.api.figures import Figures, MeasuredCase, RoundSpread
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import EMPTY_DATABASE, FULL_DATABASE


@dataclass(frozen=True, slots=True)
class TargetVerdict:
    """A target and its measured ratio. The median of the rounds decides."""

    compared_text: str
    target_ratio: float
    is_upper_bound: bool
    measured_ratio: RoundSpread

    @property
    def is_reached(self) -> bool:
        """Whether the target is reached."""
        return (
            self.measured_ratio.median <= self.target_ratio
            if self.is_upper_bound
            else self.measured_ratio.median >= self.target_ratio
        )

    @property
    def target_text(self) -> str:
        """The target in words."""
        return f"at {'most' if self.is_upper_bound else 'least'} {self.target_ratio:g}"

    @property
    def verdict_text(self) -> str:
        """The verdict in words."""
        return "reached" if self.is_reached else "missed"


def _build_case(candidate: str, call: str, in_flight: int, database: str = EMPTY_DATABASE) -> MeasuredCase:
    return MeasuredCase(candidate, database, call, in_flight)


def build_verdicts(figures: Figures, scale: Scale) -> list[TargetVerdict]:
    """Compare the figures with all targets."""
    return [
        *_competitor_verdicts(figures),
        *_own_verdicts(figures),
        *_full_database_verdicts(figures),
        *_depth_and_memory_verdicts(figures, scale),
    ]


def _competitor_verdicts(figures: Figures) -> list[TargetVerdict]:
    """Return the verdicts against competitors."""
    target_verdicts = []
    for in_flight, target_ratio in ((64, 8.0), (256, 12.0)):
        compared_cases = (
            _build_case("ours-2", "create", in_flight),
            _build_case("sqlalchemy-2", "create", in_flight),
        )
        compared_text = (
            f"CreateOrder, 2 processes, {in_flight} in flight, against FastAPI + SQLAlchemy with 2"
        )
        target_verdicts.append(_build_lower_bound(figures, compared_text, target_ratio, *compared_cases))
        target_verdicts.append(
            _build_upper_bound(figures, compared_text + ": p99", 0.1, *compared_cases, "p99_ms")
        )
    return [
        *target_verdicts,
        *(
            _build_lower_bound(
                figures,
                f"CreateOrder over HTTP, 2 processes, {in_flight} in flight, against FastAPI + SQLAlchemy",
                4.0,
                _build_case("http-2", "create", in_flight),
                _build_case("sqlalchemy-2", "create", in_flight),
            )
            for in_flight in (64, 256)
        ),
        _build_lower_bound(
            figures,
            "CreateOrder, 1 process, 64 in flight, against grpc.aio + asyncpg",
            1.8,
            _build_case("ours-1", "create", 64),
            _build_case("plain-1", "create", 64),
        ),
        _build_upper_bound(
            figures,
            "CreateOrder, one caller: p50 against grpc.aio + asyncpg",
            1.1,
            _build_case("ours-1", "create", 1),
            _build_case("plain-1", "create", 1),
            "p50_ms",
        ),
        _build_lower_bound(
            figures,
            "CreateOrder, 2 processes, 256 in flight, against grpc-go + pgx on the same cores",
            1.0,
            _build_case("ours-2", "create", 256),
            _build_case("go-2", "create", 256),
        ),
    ]


def _own_verdicts(figures: Figures) -> list[TargetVerdict]:
    """Return the verdicts against the no-op call and Postgres itself."""
    return [
        _build_lower_bound(
            figures,
            "CreateOrder, 2 processes, 256 in flight, against our no-op call",
            0.85,
            _build_case("ours-2", "create", 256),
            _build_case("noop-2", "create", 256),
        ),
        *(
            _build_upper_bound(
                figures,
                f"Postgres's processor time an order, 1 process, 64 in flight, against {other} a call each",
                0.3,
                _build_case("ours-1", "create", 64),
                _build_case(candidate, "create", 64),
                "postgres_ms",
            )
            for candidate, other in (("solo-1", "our own statement"), ("plain-1", "grpc.aio + asyncpg's"))
        ),
        _build_lower_bound(
            figures,
            "BatchCreateOrders(500), 8 callers, 2 processes, against one connection with unnest",
            0.9,
            _build_case("ours-2", "batch", 8),
            _build_case("unnest", "batch", 1),
        ),
        _build_lower_bound(
            figures,
            "GetOrder, random ids, 2 processes, 256 in flight, against its no-op call",
            0.65,
            _build_case("ours-2", "get", 256),
            _build_case("noop-2", "get", 256),
        ),
    ]


def _full_database_verdicts(figures: Figures) -> list[TargetVerdict]:
    """Return the verdicts of a database with millions of orders against an empty one."""
    compared_cases = (
        ("CreateOrder, 2 processes, 64 in flight", "ours-2", "create", 64),
        ("CreateOrder, 2 processes, 256 in flight", "ours-2", "create", 256),
        ("CreateOrder, 1 process, 64 in flight", "ours-1", "create", 64),
        ("BatchCreateOrders(500), 8 callers", "ours-2", "batch", 8),
        ("GetOrder, 2 processes, 256 in flight", "ours-2", "get", 256),
    )
    target_verdicts = []
    for compared_text, candidate, call, in_flight in compared_cases:
        pair = (
            _build_case(candidate, call, in_flight, FULL_DATABASE),
            _build_case(candidate, call, in_flight),
        )
        target_verdicts.append(
            _build_lower_bound(figures, f"full against empty: {compared_text}", 0.9, *pair)
        )
    compared_text = "full against empty: CreateOrder, one caller, by p50"
    single_caller_cases = (
        _build_case("ours-1", "create", 1),
        _build_case("ours-1", "create", 1, FULL_DATABASE),
    )
    return [*target_verdicts, _build_lower_bound(figures, compared_text, 0.9, *single_caller_cases, "p50_ms")]


def _depth_and_memory_verdicts(figures: Figures, scale: Scale) -> list[TargetVerdict]:
    memory_before_mb, memory_after_mb = figures.memory
    deep = (
        _build_case("ours-2", "list_deep", 1, FULL_DATABASE),
        _build_case("ours-2", "list", 1, FULL_DATABASE),
    )
    return [
        _build_upper_bound(
            figures, f"ListOrders at depth {scale.deep:,} against the first page: p50", 1.5, *deep, "p50_ms"
        ),
        TargetVerdict(
            f"memory of a server process after {scale.grown:,} orders against after {scale.grown_from:,}",
            1.05,
            True,
            RoundSpread.of_rounds([memory_after_mb / memory_before_mb]),
        ),
    ]


def _build_lower_bound(
    figures: Figures,
    compared_text: str,
    target_ratio: float,
    above: MeasuredCase,
    below: MeasuredCase,
    name: str = "rate",
) -> TargetVerdict:
    return TargetVerdict(
        compared_text, target_ratio, is_upper_bound=False, measured_ratio=figures.ratio_of(above, below, name)
    )


def _build_upper_bound(
    figures: Figures,
    compared_text: str,
    target_ratio: float,
    above: MeasuredCase,
    below: MeasuredCase,
    name: str,
) -> TargetVerdict:
    return TargetVerdict(
        compared_text, target_ratio, is_upper_bound=True, measured_ratio=figures.ratio_of(above, below, name)
    )

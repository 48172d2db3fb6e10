"""Statistics of cycles, from the run records of the worker."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import asyncpg

from benchmarks.connection import Connection
from benchmarks.queries import query

#: Cycles are grouped by their work: none, up to 1,000, up to 10,000, more.
WORK_BOUNDS = (0, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """Start, duration, errors of a cycle, and counts and durations of its steps."""

    started_at: datetime
    seconds: float
    errors: int
    counts: dict[str, int]
    step_seconds: dict[str, float]

    @property
    def work_count(self) -> int:
        """The number of processed orders, backorders and moves."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class CycleGroup:
    """Cycles with similar work; `per_thousand_ms` is None without work."""

    most_work: int | None
    cycles: int
    median_ms: float
    per_thousand_ms: float | None


async def read_cycle_records(connection: Connection) -> list[CycleRecord]:
    """Return the records, oldest first."""
    rows = await connection.fetch(query("watching.runs"))
    return [_build_record(row, json.loads(row["steps"])) for row in rows]


def _build_record(row: asyncpg.Record, steps: Sequence[tuple[str, int, float]]) -> CycleRecord:
    return CycleRecord(
        row["started_at"],
        row["seconds"],
        row["errors"] or 0,
        {step: count for step, count, _ in steps},
        {step: seconds for step, _, seconds in steps},
    )


def sum_by_step(records: Sequence[CycleRecord]) -> dict[str, tuple[int, float]]:
    """Return count and seconds by step."""
    totals: dict[str, tuple[int, float]] = {}
    for record in records:
        for step, count in record.counts.items():
            work_count, seconds = totals.get(step, (0, 0.0))
            totals[step] = (work_count + count, seconds + record.step_seconds[step])
    return totals


def group_by_work(records: Sequence[CycleRecord]) -> list[CycleGroup]:
    """Return the cycles grouped by their work."""
    groups: dict[int, list[CycleRecord]] = defaultdict(list)
    for record in records:
        groups[sum(record.work_count > bound for bound in WORK_BOUNDS)].append(record)
    return [_build_group(number, groups[number]) for number in sorted(groups)]


def _build_group(number: int, records: Sequence[CycleRecord]) -> CycleGroup:
    seconds, work = sum(record.seconds for record in records), sum(record.work_count for record in records)
    return CycleGroup(
        most_work=WORK_BOUNDS[number] if number < len(WORK_BOUNDS) else None,
        cycles=len(records),
        median_ms=1_000 * median(record.seconds for record in records),
        per_thousand_ms=1_000_000 * seconds / work if work else None,
    )

"""What the worker's own records say about its cycles."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import asyncpg

from benchmarks.connection import Connection
from benchmarks.queries import query

#: Cycles are put together by what they did: nothing, fewer than 1,000 things, fewer than 10,000, more.
BOUNDS = (0, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One cycle: when it began, how long it took, and what its steps did in how long."""

    started_at: datetime
    seconds: float
    errors: int
    counts: dict[str, int]
    step_seconds: dict[str, float]

    @property
    def work(self) -> int:
        """All that its steps dealt with: orders, backorders and moves."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class CycleGroup:
    """Cycles that did about as much; `per_thousand` is None where nothing was done."""

    most_work: int | None
    cycles: int
    median_ms: float
    per_thousand_ms: float | None


async def cycle_records(connection: Connection) -> list[CycleRecord]:
    """Read the records, oldest first."""
    rows = await connection.fetch(query("watching.runs"))
    return [_record(row, json.loads(row["steps"])) for row in rows]


def _record(row: asyncpg.Record, steps: Sequence[tuple[str, int, float]]) -> CycleRecord:
    return CycleRecord(
        row["started_at"],
        row["seconds"],
        row["errors"] or 0,
        {step: count for step, count, _ in steps},
        {step: seconds for step, _, seconds in steps},
    )


def step_totals(records: Sequence[CycleRecord]) -> dict[str, tuple[int, float]]:
    """Sum up by step: how many things, in how many seconds."""
    totals: dict[str, tuple[int, float]] = {}
    for record in records:
        for step, count in record.counts.items():
            done, seconds = totals.get(step, (0, 0.0))
            totals[step] = (done + count, seconds + record.step_seconds[step])
    return totals


def group(records: Sequence[CycleRecord]) -> list[CycleGroup]:
    """Put cycles together by the work in them."""
    groups: dict[int, list[CycleRecord]] = defaultdict(list)
    for record in records:
        groups[sum(record.work > bound for bound in BOUNDS)].append(record)
    return [_group(number, groups[number]) for number in sorted(groups)]


def _group(number: int, records: Sequence[CycleRecord]) -> CycleGroup:
    seconds, work = sum(one.seconds for one in records), sum(one.work for one in records)
    return CycleGroup(
        most_work=BOUNDS[number] if number < len(BOUNDS) else None,
        cycles=len(records),
        median_ms=1_000 * median(one.seconds for one in records),
        per_thousand_ms=1_000_000 * seconds / work if work else None,
    )

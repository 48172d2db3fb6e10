"""What counts as progress of the cycle, and when there is none."""

import asyncio
from collections.abc import Callable
from itertools import count

import pytest

from tests.support.waiting import bounded
from wms_core.tasks import running
from wms_core.traces import Tracing
from wms_worker import progress
from wms_worker.progress import CycleProgress
from wms_worker.spans import CycleSpans


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MIN_STALL_SECONDS", 0.1)
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.01)


def _progress() -> CycleProgress:
    return CycleProgress(CycleSpans(Tracing(), 1))


def _finishes_steps(cycle: CycleProgress) -> None:
    cycle.begin("validate")
    cycle.end(0)


def _breaks_steps(cycle: CycleProgress) -> None:
    cycle.begin("validate")
    cycle.end(0, "StorageUnavailable")


def _commits_in_a_step(cycle: CycleProgress) -> None:
    cycle.begin("validate")
    with cycle.in_database("transaction"):
        pass


def _reads_in_a_step(cycle: CycleProgress) -> None:
    cycle.begin("validate")
    with cycle.in_database("read"):
        pass


def _commits_between_steps(cycle: CycleProgress) -> None:
    with cycle.in_database("transaction"):
        pass


@pytest.mark.parametrize(
    ("does", "stalls"),
    [
        (_finishes_steps, False),
        (_commits_in_a_step, False),
        (_breaks_steps, True),
        (_reads_in_a_step, True),
        (_commits_between_steps, True),
    ],
)
async def test_progress_is_a_step_that_ends_or_a_transaction_of_one(
    does: Callable[[CycleProgress], None], stalls: bool
) -> None:
    """A step that fails again and again is none, nor are reads, nor what begins and ends a cycle."""
    cycle = _progress()
    async with running(cycle.wait_until_stalled(0, lambda: True)) as stalled:
        for _ in range(60):
            does(cycle)
            await asyncio.sleep(0.005)
        assert stalled.done() is stalls


async def test_only_time_counts_in_which_the_database_answers() -> None:
    """One outage after the other is no stall."""
    polls = count()
    cycle = _progress()
    async with running(cycle.wait_until_stalled(0, lambda: next(polls) % 8 != 0)) as stalled:
        await asyncio.wait({stalled}, timeout=0.5)
        assert not stalled.done()


async def test_long_intervals_have_longer_stalls() -> None:
    """Ten of them."""
    cycle = _progress()
    async with running(cycle.wait_until_stalled(0.05, lambda: True)) as stalled:
        await asyncio.wait({stalled}, timeout=0.3)
        assert not stalled.done()
        await bounded(stalled, 5)

"""The progress of the cycle, and the detection of a stall."""

import asyncio
from collections.abc import Callable
from itertools import count

import pytest
from tests.support.waiting import with_timeout

from wms_core.runtime.background_tasks import background_task
from wms_core.runtime.tracing import SpanTracing
from wms_worker.fulfillment.tracing import CycleSpans
from wms_worker.leadership import progress
from wms_worker.leadership.progress import CycleProgress


@pytest.fixture(autouse=True)
def _short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MIN_STALL_SECONDS", 0.1)
    monkeypatch.setattr(progress, "_POLL_SECONDS", 0.01)


def _create_progress() -> CycleProgress:
    return CycleProgress(CycleSpans(SpanTracing(), 1))


def _finishes_steps(cycle: CycleProgress) -> None:
    cycle.start_step("validate")
    cycle.end_step(0)


def _fails_steps(cycle: CycleProgress) -> None:
    cycle.start_step("validate")
    cycle.end_step(0, "StorageUnavailable")


def _commits_in_a_step(cycle: CycleProgress) -> None:
    cycle.start_step("validate")
    with cycle.trace_operation("transaction"):
        pass


def _reads_in_a_step(cycle: CycleProgress) -> None:
    cycle.start_step("validate")
    with cycle.trace_operation("read"):
        pass


def _commits_between_steps(cycle: CycleProgress) -> None:
    with cycle.trace_operation("transaction"):
        pass


@pytest.mark.parametrize(
    ("act", "is_stalled"),
    [
        (_finishes_steps, False),
        (_commits_in_a_step, False),
        (_fails_steps, True),
        (_reads_in_a_step, True),
        (_commits_between_steps, True),
    ],
)
async def test_progress_is_a_finished_step_or_a_commit_in_a_step(
    act: Callable[[CycleProgress], None], is_stalled: bool
) -> None:
    """Failed steps, reads, and transactions outside of a step are no progress."""
    cycle = _create_progress()
    async with background_task(cycle.wait_until_stalled(0, lambda: True)) as stall_task:
        for _ in range(60):
            act(cycle)
            await asyncio.sleep(0.005)
        assert stall_task.done() is is_stalled


async def test_outages_of_the_database_do_not_count() -> None:
    """A series of outages is not a stall."""
    polls = count()
    cycle = _create_progress()
    async with background_task(cycle.wait_until_stalled(0, lambda: next(polls) % 8 != 0)) as stall_task:
        await asyncio.wait({stall_task}, timeout=0.5)
        assert not stall_task.done()


async def test_long_interval_has_a_longer_stall_limit() -> None:
    """The limit is ten intervals."""
    cycle = _create_progress()
    async with background_task(cycle.wait_until_stalled(0.05, lambda: True)) as stall_task:
        await asyncio.wait({stall_task}, timeout=0.3)
        assert not stall_task.done()
        await with_timeout(stall_task, 5)

"""Bounds of waits: they hold for what is waited for, and not for a machine that has too much to do."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import waiting
from tests.support.waiting import Stopwatch, bounded, eventually, time_limit


class _Machine:
    """Tells how long work has waited for a processor, as Linux does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.stall(0)

    def stall(self, seconds: float) -> None:
        """Have so many seconds in all."""
        told = f"avg10=0.00 avg60=0.00 avg300=0.00 total={round(seconds * 1_000_000)}"
        self._file.write_text(f"some {told}\nfull {told}\n", encoding="ascii")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Machine]:
    """Give a machine on which nothing waits for a processor."""
    resting = _Machine(tmp_path / "cpu")
    pressure = waiting.open_pressure(str(tmp_path / "cpu"))
    assert pressure is not None
    monkeypatch.setattr(waiting, "_pressure", pressure)
    yield resting
    os.close(pressure)


async def _never() -> bool:
    return False


def test_seconds_in_which_work_waits_for_a_processor_do_not_count(machine: _Machine) -> None:
    """All others do."""
    watch, began = Stopwatch(), time.monotonic()
    machine.stall(1000)
    assert watch.seconds == pytest.approx(time.monotonic() - began - 1000, abs=0.5)


def test_where_the_system_does_not_tell_all_seconds_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems than Linux, or one that was built without."""
    monkeypatch.setattr(waiting, "_pressure", waiting.open_pressure(str(tmp_path / "absent")))
    watch = Stopwatch()
    time.sleep(0.05)
    assert watch.seconds >= 0.05


@pytest.mark.usefixtures("machine")
async def test_what_does_not_come_in_time_fails() -> None:
    """On a machine at rest."""
    with pytest.raises(AssertionError, match=r"still False after .+; 0\.05 s were allowed"):
        await eventually(_never, within=0.05)
    with pytest.raises(TimeoutError):
        await bounded(asyncio.Event().wait(), 0.05)


async def test_on_a_busy_machine_it_may_take_longer(machine: _Machine) -> None:
    """By as much as the machine was busy."""
    machine.stall(1000)
    ends = time.monotonic() + 0.2
    with pytest.raises(TimeoutError):  # noqa: PT012 # the block is what takes too long
        async with time_limit(0.05):
            machine.stall(1000.15)
            await asyncio.Event().wait()
    assert time.monotonic() >= ends - 0.01


async def test_what_comes_in_time_is_given_back() -> None:
    """And nothing goes on behind it."""
    before = asyncio.all_tasks()
    assert await bounded(asyncio.sleep(0, "done"), 20) == "done"
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before

"""Timeouts of tests count only time in which the machine was not too busy."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import waiting
from tests.support.waiting import Stopwatch, eventually, time_limit, with_timeout


class _PressureFile:
    """A pressure file of Linux, which has the time for which work waited for a processor."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set_stalled_seconds(0)

    def set_stalled_seconds(self, seconds: float) -> None:
        """Set the total of stalled seconds."""
        values = f"avg10=0.00 avg60=0.00 avg300=0.00 total={round(seconds * 1_000_000)}"
        self._file.write_text(f"some {values}\nfull {values}\n", encoding="ascii")


@pytest.fixture
def pressure_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_PressureFile]:
    """Yield the pressure file of an idle machine."""
    idle = _PressureFile(tmp_path / "cpu")
    descriptor = waiting.open_pressure_file(str(tmp_path / "cpu"))
    assert descriptor is not None
    monkeypatch.setattr(waiting, "_pressure_descriptor", descriptor)
    yield idle
    os.close(descriptor)


async def _never() -> bool:
    return False


def test_stalled_seconds_do_not_count(pressure_file: _PressureFile) -> None:
    """All other seconds count."""
    stopwatch, started = Stopwatch(), time.monotonic()
    pressure_file.set_stalled_seconds(1000)
    assert stopwatch.seconds == pytest.approx(time.monotonic() - started - 1000, abs=0.5)


def test_all_seconds_count_without_a_pressure_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other operating systems, and some Linux kernels, have no such file."""
    monkeypatch.setattr(waiting, "_pressure_descriptor", waiting.open_pressure_file(str(tmp_path / "absent")))
    stopwatch = Stopwatch()
    time.sleep(0.05)
    assert stopwatch.seconds >= 0.05


@pytest.mark.usefixtures("pressure_file")
async def test_timeout_is_exact_on_an_idle_machine() -> None:
    """The condition fails as soon as the timeout has passed."""
    with pytest.raises(AssertionError, match=r"still False after .+; the timeout is 0\.05 s"):
        await eventually(_never, within=0.05)
    with pytest.raises(TimeoutError):
        await with_timeout(asyncio.Event().wait(), 0.05)


async def test_timeout_is_extended_on_a_busy_machine(pressure_file: _PressureFile) -> None:
    """The extension is the time for which the machine was busy."""
    pressure_file.set_stalled_seconds(1000)
    earliest_end = time.monotonic() + 0.2
    with pytest.raises(TimeoutError):  # noqa: PT012 # the block takes too long on purpose
        async with time_limit(0.05):
            pressure_file.set_stalled_seconds(1000.15)
            await asyncio.Event().wait()
    assert time.monotonic() >= earliest_end - 0.01


async def test_result_in_time_is_returned() -> None:
    """No task is left behind."""
    before = asyncio.all_tasks()
    assert await with_timeout(asyncio.sleep(0, "done"), 20) == "done"
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before

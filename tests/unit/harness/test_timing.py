"""The recorder of test times: its records of a run, and its tables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pytest_plugins.timing.report import read_times, report

ROOT = Path(__file__).parents[3]
SAMPLE = """
import asyncio, subprocess, time

import pytest

from tests.support.waiting import eventually


@pytest.fixture
async def slow_to_set_up():
    await asyncio.sleep(0.3)
    yield
    await asyncio.sleep(0.3)


async def test_that_waits_for_a_condition(slow_to_set_up):
    ends = time.monotonic() + 0.3

    async def over():
        return time.monotonic() > ends

    await eventually(over)


def test_that_waits_for_a_process():
    subprocess.run(["sleep", "0.3"])


def test_that_computes():
    ends = time.process_time() + 0.3
    while time.process_time() < ends:
        pass
"""


@pytest.fixture(scope="module")
def recorded_times(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the records of a run of the sample."""
    folder = tmp_path_factory.mktemp("timing")
    sample = folder / "test_sample.py"
    sample.write_text(SAMPLE, encoding="utf-8")
    options = (
        "-q",
        "-p",
        "tests.support.pytest_plugins.timing.recorder",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
    )
    completed = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder), str(sample)],
        cwd=ROOT,
        env={**os.environ, "TEST_TIMES_DIRECTORY": str(folder / "times")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout
    return folder / "times"


@pytest.mark.parametrize(
    ("test", "activity"),
    [
        ("test_that_waits_for_a_condition", "condition (polled)"),
        ("test_that_waits_for_a_process", "child process"),
        ("test_that_computes", "own processor time"),
    ],
)
def test_test_is_recorded_with_its_activity(recorded_times: Path, test: str, activity: str) -> None:
    """The time runs from setup to teardown, and most of it has the right activity."""
    (total,) = [total for name, total in read_times(recorded_times).tests.items() if name.endswith(test)]
    assert total.count == 1
    assert total.wall >= 0.3
    assert total.waits[activity] >= 0.1, total.waits


def test_fixture_is_recorded_with_its_setup_time(recorded_times: Path) -> None:
    """The sleep of an asynchronous fixture is found through its generator."""
    total = read_times(recorded_times).fixtures["slow_to_set_up (function)"]
    assert (total.count, total.wall >= 0.3) == (1, True)
    assert total.waits["sleep in test_sample.py:slow_to_set_up"] >= 0.1, total.waits


def test_tables_have_kinds_activities_files_fixtures_and_tests(recorded_times: Path) -> None:
    """Each table is Markdown, has the largest row first, and at most the requested rows."""
    tables = report(read_times(recorded_times), max_rows=2).split("\n\n")
    assert [table.split("|")[1].strip() for table in tables] == [
        "kind",
        "spent on",
        "file",
        "fixture",
        "test",
    ]
    assert all(len(table.splitlines()) <= 4 for table in tables)


def test_directory_without_records_is_reported(tmp_path: Path) -> None:
    """The error has the command that creates them."""
    with pytest.raises(FileNotFoundError, match="make test-times"):
        read_times(tmp_path)

"""The recorder of test times: what it writes of a run, and the tables that are made of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.timing.report import read_times, report

ROOT = Path(__file__).parents[2]
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
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what the recorder wrote of a run of the sample."""
    folder = tmp_path_factory.mktemp("timing")
    sample = folder / "test_sample.py"
    sample.write_text(SAMPLE, encoding="utf-8")
    options = ("-q", "-p", "tests.support.timing.recorder", "-c", str(ROOT / "pyproject.toml"), "--rootdir")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder), str(sample)],
        cwd=ROOT,
        env={**os.environ, "TEST_TIMES_DIRECTORY": str(folder / "times")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder / "times"


@pytest.mark.parametrize(
    ("test", "wait"),
    [
        ("test_that_waits_for_a_condition", "condition (polled)"),
        ("test_that_waits_for_a_process", "child process"),
        ("test_that_computes", "own processor time"),
    ],
)
def test_a_test_is_recorded_with_what_it_waits_for(recorded: Path, test: str, wait: str) -> None:
    """Its time from setup to teardown, and most of it under the right name."""
    (total,) = [total for name, total in read_times(recorded).tests.items() if name.endswith(test)]
    assert total.count == 1
    assert total.wall >= 0.3
    assert total.waits[wait] >= 0.1, total.waits


def test_a_fixture_is_recorded_by_its_own_time(recorded: Path) -> None:
    """Setup alone; what an asynchronous one sleeps for is seen through its generator."""
    total = read_times(recorded).fixtures["slow_to_set_up (function)"]
    assert (total.count, total.wall >= 0.3) == (1, True)
    assert total.waits["sleep in test_sample.py:slow_to_set_up"] >= 0.1, total.waits


def test_the_tables_name_kinds_files_fixtures_tests_and_waits(recorded: Path) -> None:
    """Each in Markdown, the largest first, no longer than asked for."""
    tables = report(read_times(recorded), most=2).split("\n\n")
    assert [table.split("|")[1].strip() for table in tables] == [
        "kind",
        "spent on",
        "file",
        "fixture",
        "test",
    ]
    assert all(len(table.splitlines()) <= 4 for table in tables)


def test_a_directory_without_records_is_named(tmp_path: Path) -> None:
    """With the command that makes them."""
    with pytest.raises(FileNotFoundError, match="make test-times"):
        read_times(tmp_path)

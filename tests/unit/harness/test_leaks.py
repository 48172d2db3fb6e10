"""A resource leak is reported in the test file that caused it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_LEAKING = """
import socket

def test_that_leaves_a_socket_open():
    circle = [socket.socket()]
    circle.append(circle)
"""
_INNOCENT = """
import gc

def test_that_has_left_nothing():
    gc.collect()
"""


def test_leaked_socket_fails_in_the_file_that_opened_it(tmp_path: Path) -> None:
    """The next file passes, although the garbage is collected there, too."""
    first, second = tmp_path / "test_first.py", tmp_path / "test_second.py"
    first.write_text(_LEAKING, encoding="utf-8")
    second.write_text(_INNOCENT, encoding="utf-8")
    options = (
        "-q",
        "-p",
        "tests.support.pytest_plugins.leaks",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
    )
    completed = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path), str(first), str(second)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in completed.stdout.splitlines() if line.startswith("ERROR ")]
    assert [line.partition(" - ")[0].rpartition("/")[2] for line in errors] == [
        "test_first.py::test_that_leaves_a_socket_open"
    ]
    assert "2 passed, 1 error" in completed.stdout

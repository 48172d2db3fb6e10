"""What a test leaves open is told of its own file."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LEAVES = """
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


def test_a_socket_that_is_left_open_fails_in_the_file_that_has_opened_it(tmp_path: Path) -> None:
    """The file that is run after it passes, although the garbage is collected there, too."""
    first, second = tmp_path / "test_first.py", tmp_path / "test_second.py"
    first.write_text(_LEAVES, encoding="utf-8")
    second.write_text(_INNOCENT, encoding="utf-8")
    options = (
        "-q",
        "-p",
        "tests.support.leaks",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path), str(first), str(second)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR ")]
    assert [line.partition(" - ")[0].rpartition("/")[2] for line in errors] == [
        "test_first.py::test_that_leaves_a_socket_open"
    ]
    assert "2 passed, 1 error" in done.stdout

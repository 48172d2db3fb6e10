"""A pytest plugin that records a `make soak`: one line of JSON per run in benchmarks/results/soak.jsonl.

A line has the commit (with `+` if the work tree differs from it), the machine, the time of the run in UTC,
and the outcome and the duration in seconds of each test.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks.machine import describe_machine

ROOT = Path(__file__).resolve().parents[3]
RECORD_FILE = ROOT / "benchmarks" / "results" / "soak.jsonl"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Append the run to the record."""
    outcomes = {
        report.nodeid: {"outcome": outcome, "seconds": round(report.duration, 1)}
        for outcome in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" or outcome != "passed"
    }
    line = {
        "commit": _commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "tests": outcomes,
    }
    with RECORD_FILE.open("a", encoding="utf-8") as record:
        record.write(json.dumps(line) + "\n")
    terminalreporter.write_line(f"recorded in {RECORD_FILE.relative_to(ROOT)}")


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit}+" if _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return completed.stdout.strip()

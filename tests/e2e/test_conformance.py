"""The clients of all languages, held to one list of cases by `make conformance`."""

import json
import subprocess
import sys

import pytest

from tests.support.error_reasons import documented_reasons
from tests.support.requirements import require_programs
from wms_dev.conformance.programs import CASES, PROGRAMS, Program
from wms_dev.conformance.run import Report, Result
from wms_dev.conformance.table import failures

WRITTEN = json.loads(CASES.read_text())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_tools_of_each_client_are_on_this_machine(program: Program) -> None:
    """Else that client is not held to anything, which nobody may overlook."""
    require_programs(program.client)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_client_passes_every_case() -> None:
    """Against live servers: a real Postgres, a worker, and faults on the way."""
    able = {program.client for program in PROGRAMS if not program.missing}
    done = subprocess.run(
        [sys.executable, "-m", "wms_dev.conformance", *sorted(able)],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") >= len(WRITTEN["cases"]) * len(able)


def test_every_reason_has_a_case_or_says_why_there_is_none() -> None:
    """A case is named as its reason, and its last step expects it."""
    reasons = documented_reasons()
    cases = {case["name"]: case for case in WRITTEN["cases"]}
    assert sorted(reasons) == sorted([*(cases.keys() & reasons.keys()), *WRITTEN["unprovoked"]])
    for reason, documented in reasons.items():
        if reason in cases:
            error = cases[reason]["steps"][-1]["error"]
            assert (error["reason"], error["code"]) == (reason, documented.code)
            assert error.get("metadata", {}).keys() <= documented.keys
    assert all(WRITTEN["unprovoked"].values())


def test_every_case_is_named_once_and_says_what_it_is_about() -> None:
    """So that a line of the table can be looked up."""
    names = [case["name"] for case in WRITTEN["cases"]]
    assert len(names) == len(set(names))
    assert all(case["about"] for case in WRITTEN["cases"])
    assert all(fixture["about"] for fixture in WRITTEN["fixtures"].values())


def test_a_case_that_failed_or_was_left_out_is_told() -> None:
    """And so is a program that broke, with its last words."""
    passed = Result(ok=True, milliseconds=1, detail="")
    failed = Result(ok=False, milliseconds=1, detail="order.status is RECEIVED")
    whole = Report({"a": passed, "b": passed}, exit_code=0)
    lacking = Report({"a": failed}, said=["panic: no"], exit_code=2)
    assert failures(["a", "b"], {"Go": whole}) == []
    assert failures(["a", "b"], {"Java": lacking}) == [
        "Java: a: order.status is RECEIVED",
        "Java: b was not run",
        "Java: ended with 2: panic: no",
    ]
    assert failures(["a"], {"Go": whole}) == ["Go: nobody asked for b"]

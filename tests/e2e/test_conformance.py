"""The clients of all languages run the same list of cases with `make conformance`."""

import json
import subprocess
import sys

import pytest

from tests.support.clients.errors import documented_reasons
from tests.support.pytest_plugins.requirements import require_programs
from wms_dev.conformance.programs import CASES_PATH, PROGRAMS, Program
from wms_dev.conformance.result_table import find_failures
from wms_dev.conformance.runner import CaseResult, ProgramReport

CASE_FILE = json.loads(CASES_PATH.read_text())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_tools_of_each_client_are_installed(program: Program) -> None:
    """A client without its tools is not tested, which must not go unnoticed."""
    require_programs(program.client)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_client_passes_every_case() -> None:
    """The clients call live servers with a real Postgres, a worker, and injected faults."""
    testable_clients = {program.client for program in PROGRAMS if not program.missing}
    completed = subprocess.run(
        [sys.executable, "-m", "wms_dev.conformance", *sorted(testable_clients)],
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert completed.stdout.count("✓") >= len(CASE_FILE["cases"]) * len(testable_clients)


def test_every_error_reason_has_a_case_or_an_explanation() -> None:
    """A case has the name of its reason, and its last step expects the reason."""
    reasons = documented_reasons()
    cases = {case["name"]: case for case in CASE_FILE["cases"]}
    assert sorted(reasons) == sorted([*(cases.keys() & reasons.keys()), *CASE_FILE["unprovoked"]])
    for reason, documented in reasons.items():
        if reason in cases:
            error = cases[reason]["steps"][-1]["error"]
            assert (error["reason"], error["code"]) == (reason, documented.status_code)
            assert error.get("metadata", {}).keys() <= documented.metadata_keys
    assert all(CASE_FILE["unprovoked"].values())


def test_every_case_has_a_unique_name_and_a_description() -> None:
    """The name is used to look up a row of the table."""
    names = [case["name"] for case in CASE_FILE["cases"]]
    assert len(names) == len(set(names))
    assert all(case["about"] for case in CASE_FILE["cases"])
    assert all(fixture["about"] for fixture in CASE_FILE["fixtures"].values())


def test_failed_or_missing_case_is_reported() -> None:
    """A crashed program is reported as well, with its last output."""
    passed = CaseResult(has_passed=True, milliseconds=1, detail="")
    failed = CaseResult(has_passed=False, milliseconds=1, detail="order.status is RECEIVED")
    complete_report = ProgramReport({"a": passed, "b": passed}, exit_code=0)
    incomplete_report = ProgramReport({"a": failed}, output_lines=["panic: no"], exit_code=2)
    assert find_failures(["a", "b"], {"Go": complete_report}) == []
    assert find_failures(["a", "b"], {"Java": incomplete_report}) == [
        "Java: a: order.status is RECEIVED",
        "Java: b was not run",
        "Java: exited with code 2: panic: no",
    ]
    assert find_failures(["a"], {"Go": complete_report}) == ["Go: unknown cases: b"]

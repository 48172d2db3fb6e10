"""Runs the programs concurrently and parses their output."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from wms_dev.conformance.programs import CASES_PATH, Program

PROGRAM_TIMEOUT_SECONDS = 240.0
_MAX_OUTPUT_LINES = 20


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case with one client."""

    has_passed: bool
    milliseconds: int
    detail: str


@dataclass(slots=True)
class ProgramReport:
    """The output of a program: the results of its cases, and its other lines."""

    results: dict[str, CaseResult] = field(default_factory=dict)
    output_lines: list[str] = field(default_factory=list)
    exit_code: int | None = None


def case_names() -> list[str]:
    """Return the names of the cases, in their order."""
    return [case["name"] for case in json.loads(CASES_PATH.read_text())["cases"]]


async def run_programs(programs: Sequence[Program], servers: Mapping[str, str]) -> dict[str, ProgramReport]:
    """Run the programs concurrently, each with its own ids."""
    reports = await asyncio.gather(*(_run_program(program, servers) for program in programs))
    return {program.name: report for program, report in zip(programs, reports, strict=True)}


async def _run_program(program: Program, servers: Mapping[str, str]) -> ProgramReport:
    arguments = ["--cases", str(CASES_PATH), "--run", secrets.token_hex(4)]
    process = await asyncio.create_subprocess_exec(
        *program.command,
        *arguments,
        *(f"{name}={address}" for name, address in servers.items()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report = ProgramReport()
    try:
        async with asyncio.timeout(PROGRAM_TIMEOUT_SECONDS):
            async for line in _read_lines(process):
                _record_line(report, line)
            report.exit_code = await process.wait()
    except TimeoutError:
        report.output_lines.append(f"stopped after {PROGRAM_TIMEOUT_SECONDS:.0f} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return report


async def _read_lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout
    async for line in process.stdout:
        yield line.decode(errors="replace").rstrip()


def _record_line(report: ProgramReport, line: str) -> None:
    """Parse a line of JSON as a result. Keep other lines for the message about a failure."""
    try:
        case_result = json.loads(line)
        report.results[case_result["case"]] = CaseResult(
            bool(case_result["ok"]), int(case_result["ms"]), str(case_result["detail"])
        )
    except (ValueError, KeyError, TypeError):
        report.output_lines = [*report.output_lines, line][-_MAX_OUTPUT_LINES:]

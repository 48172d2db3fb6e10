"""Runs the programs, side by side, and reads what they say."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from wms_dev.conformance.programs import CASES, Program

PROGRAM_SECONDS = 240.0
_SAID_LINES = 20


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went with one client."""

    ok: bool
    milliseconds: int
    detail: str


@dataclass(slots=True)
class Report:
    """What one program said: a result for each case that it ran, and its other words."""

    results: dict[str, Result] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    exit_code: int | None = None


def case_names() -> list[str]:
    """The names of the cases, in their order."""
    return [case["name"] for case in json.loads(CASES.read_text())["cases"]]


async def run_all(programs: Sequence[Program], servers: Mapping[str, str]) -> dict[str, Report]:
    """Run the programs at the same time, each with ids of its own."""
    reports = await asyncio.gather(*(_run(program, servers) for program in programs))
    return {program.name: report for program, report in zip(programs, reports, strict=True)}


async def _run(program: Program, servers: Mapping[str, str]) -> Report:
    arguments = ["--cases", str(CASES), "--run", secrets.token_hex(4)]
    process = await asyncio.create_subprocess_exec(
        *program.command,
        *arguments,
        *(f"{name}={address}" for name, address in servers.items()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report = Report()
    try:
        async with asyncio.timeout(PROGRAM_SECONDS):
            async for line in _lines(process):
                _read(report, line)
            report.exit_code = await process.wait()
    except TimeoutError:
        report.said.append(f"ended after {PROGRAM_SECONDS:.0f} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return report


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout
    async for line in process.stdout:
        yield line.decode(errors="replace").rstrip()


def _read(report: Report, line: str) -> None:
    """A line of JSON is a result; what else a program says is kept for its failure."""
    try:
        told = json.loads(line)
        report.results[told["case"]] = Result(bool(told["ok"]), int(told["ms"]), str(told["detail"]))
    except (ValueError, KeyError, TypeError):
        report.said = [*report.said, line][-_SAID_LINES:]

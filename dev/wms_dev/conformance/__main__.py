"""The command of `make conformance`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from wms_dev.conformance.programs import PROGRAMS, Program
from wms_dev.conformance.run import case_names, run_all
from wms_dev.conformance.stage import open_stage
from wms_dev.conformance.table import failures, show
from wms_dev.embedded_postgres import EmbeddedPostgresError
from wms_dev.problem import Problem
from wms_dev.stack.launching import new_console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the clients through the cases; 1 when a case failed, is missing, or could not be run."""
    parser = argparse.ArgumentParser(prog="wms_dev.conformance", description="Hold the clients to the cases.")
    names = [program.client for program in PROGRAMS]
    parser.add_argument(
        "clients", nargs="*", metavar="CLIENT", help=f"only these: {', '.join(dict.fromkeys(names))}"
    )
    wanted = parser.parse_args(arguments).clients
    console = new_console()
    programs = [program for program in PROGRAMS if program.client in wanted or not wanted]
    try:
        return asyncio.run(_run(console, programs))
    except KeyboardInterrupt:
        return 130
    except (Problem, EmbeddedPostgresError) as error:
        console.print(f"\n{error}", soft_wrap=True)
        return 1


async def _run(console: Console, programs: Sequence[Program]) -> int:
    lacking = [program for program in programs if program.missing]
    for program in lacking:
        console.print(f"{program.name} can't run: there is no {' and no '.join(program.missing)} here.")
    able = [program for program in programs if program not in lacking]
    console.print("Building the clients, and starting Postgres, five servers and a worker ...")
    for build in dict.fromkeys(program.build for program in able):
        await asyncio.to_thread(build)
    async with open_stage() as servers:
        reports = await run_all(able, servers)
    cases = case_names()
    show(console, cases, reports)
    found = failures(cases, reports)
    for fault in found:
        console.print(fault, style="red", soft_wrap=True)
    return 1 if found or lacking else 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of `make conformance`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from wms_dev.conformance.environment import open_conformance_servers
from wms_dev.conformance.programs import PROGRAMS, Program
from wms_dev.conformance.result_table import find_failures, print_results
from wms_dev.conformance.runner import case_names, run_programs
from wms_dev.embedded.postgres import EmbeddedPostgresError
from wms_dev.errors import UserError
from wms_dev.local_stack.startup import create_console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the clients through the cases. Return 1 when a case failed, is missing, or could not be run."""
    parser = argparse.ArgumentParser(
        prog="wms_dev.conformance", description="Run the clients through the conformance cases."
    )
    names = [program.client for program in PROGRAMS]
    parser.add_argument(
        "clients", nargs="*", metavar="CLIENT", help=f"only these: {', '.join(dict.fromkeys(names))}"
    )
    selected_clients = parser.parse_args(arguments).clients
    console = create_console()
    programs = [program for program in PROGRAMS if program.client in selected_clients or not selected_clients]
    try:
        return asyncio.run(_run_programs(console, programs))
    except KeyboardInterrupt:
        return 130
    except (UserError, EmbeddedPostgresError) as error:
        console.print(f"\n{error}", soft_wrap=True)
        return 1


async def _run_programs(console: Console, programs: Sequence[Program]) -> int:
    unavailable_programs = [program for program in programs if program.missing]
    for program in unavailable_programs:
        console.print(f"{program.name} cannot run, missing programs: {', '.join(program.missing)}.")
    available_programs = [program for program in programs if program not in unavailable_programs]
    console.print("Building the clients, and starting Postgres, five servers and a worker ...")
    for build in dict.fromkeys(program.build for program in available_programs):
        await asyncio.to_thread(build)
    async with open_conformance_servers() as servers:
        reports = await run_programs(available_programs, servers)
    cases = case_names()
    print_results(console, cases, reports)
    messages = find_failures(cases, reports)
    for message in messages:
        console.print(message, style="red", soft_wrap=True)
    return 1 if messages or unavailable_programs else 0


if __name__ == "__main__":
    sys.exit(main())

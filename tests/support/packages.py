"""Installs a package as its README says, and runs programs that use it."""

import asyncio
import os
import subprocess
from pathlib import Path

from tests.support.guides.pages import Block, pages

PROGRAM_SECONDS = 600.0


async def run_program(command: list[str], folder: Path, **variables: str) -> str:
    """Run a program in a folder to its end and return its standard output.

    Raise AssertionError with all of its output when it fails. A server of the test goes on meanwhile.
    """
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


async def install(readme: str, test: str, folder: Path, **variables: str) -> None:
    """Run the block of a README that names this test, in the folder of a user's project."""
    commands = next(
        block.text for block in _blocks(readme) if block.runner and Path(test).match(block.runner)
    )
    await run_program(["bash", "-euc", commands], folder, **variables)


def shown_dependency(readme: str) -> str:
    """Return the first XML that a README shows: what a user puts into his pom.xml."""
    return next(block.text for block in _blocks(readme) if block.language == "xml")


def _blocks(readme: str) -> list[Block]:
    return pages()[readme].blocks

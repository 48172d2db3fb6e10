"""Install a package by the commands of its README, and run programs that use it."""

import asyncio
import os
import subprocess
from pathlib import Path

from tests.support.docs_runner.pages import CodeBlock, load_pages

PROGRAM_SECONDS = 600.0


async def run_program(command: list[str], folder: Path, **variables: str) -> str:
    """Run a program in a folder. Return its standard output.

    Servers in the process of the test continue meanwhile.

    Raises:
        AssertionError: the program failed; the message has its output.
    """
    completed = await asyncio.to_thread(
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
    assert completed.returncode == 0, f"{' '.join(command)}\n{completed.stdout}{completed.stderr}"
    return completed.stdout


async def install(readme: str, test: str, folder: Path, **variables: str) -> None:
    """Run the block of a README that names this test, in the folder of a user's project."""
    commands = next(
        block.text for block in _blocks(readme) if block.test_path and Path(test).match(block.test_path)
    )
    await run_program(["bash", "-euc", commands], folder, **variables)


def find_shown_dependency(readme: str) -> str:
    """Return the first XML block of a README: the dependency for a pom.xml."""
    return next(block.text for block in _blocks(readme) if block.language == "xml")


def _blocks(readme: str) -> list[CodeBlock]:
    return load_pages()[readme].blocks

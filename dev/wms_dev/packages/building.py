"""Functions that the builds of all packages share."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wms_dev.codegen.manifests import read_project_facts
from wms_dev.codegen.protos import ROOT
from wms_dev.errors import UserError

BUILD_TIMEOUT_SECONDS = 600.0


class PackageBuildError(UserError):
    """A package cannot be built. The message has the last lines of the failed tool."""


def project_version() -> str:
    """Return the version of all packages."""
    return read_project_facts(ROOT)["version"]


def project_repository() -> str:
    """Return the repository address for all packages."""
    return read_project_facts(ROOT)["repository"]


def run_tool(command: Sequence[str], folder: Path) -> str:
    """Run a tool in a folder and return its standard output.

    Raises:
        PackageBuildError: The tool is missing, failed, or took too long.
    """
    command_text = f"`{' '.join(command[:3])} ...` in {folder.name}"
    try:
        completed = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=BUILD_TIMEOUT_SECONDS
        )
    except FileNotFoundError:
        raise PackageBuildError(f"{command[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise PackageBuildError(
            f"{command_text} did not finish within {BUILD_TIMEOUT_SECONDS:.0f} s."
        ) from None
    if completed.returncode != 0:
        last_lines = "\n".join((completed.stdout + completed.stderr).splitlines()[-30:])
        raise PackageBuildError(f"{command_text} failed:\n{last_lines}")
    return completed.stdout

"""What the builds of all packages share: the facts of the project, and how a tool is run."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wms_dev.generate.manifests import project_facts
from wms_dev.generate.protos import ROOT
from wms_dev.problem import Problem

BUILD_SECONDS = 600.0


class PackageNotBuilt(Problem):
    """A package can't be built; the message has the last lines of the tool that failed."""


def project_version() -> str:
    """Return the version of every package."""
    return project_facts(ROOT)["version"]


def project_repository() -> str:
    """Return the address of the repository that every package names."""
    return project_facts(ROOT)["repository"]


def run(command: Sequence[str], folder: Path) -> str:
    """Run a tool in a folder and return its standard output; raise PackageNotBuilt when it fails."""
    shown = f"`{' '.join(command[:3])} ...` in {folder.name}"
    try:
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=BUILD_SECONDS
        )
    except FileNotFoundError:
        raise PackageNotBuilt(f"There is no {command[0]} on this machine.") from None
    except subprocess.TimeoutExpired:
        raise PackageNotBuilt(f"{shown} did not end within {BUILD_SECONDS:.0f} s.") from None
    if done.returncode != 0:
        last_lines = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise PackageNotBuilt(f"{shown} failed:\n{last_lines}")
    return done.stdout

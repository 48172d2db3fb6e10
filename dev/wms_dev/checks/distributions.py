"""The distributions of this tree, as their pyproject.toml files declare them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The folders of the distributions relative to the root, dependencies first.
FOLDERS = ("clients/python", ".")
# The name of the list that is installed with a distribution. The other lists are extras.
DEPENDENCIES = "dependencies"

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*([^;]*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """An entry of a list: the normalized name, and the allowed versions."""

    name: str
    versions: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """The name of a distribution, and its lists of requirements: `dependencies`, and each extra by name."""

    name: str
    requirements: Mapping[str, tuple[Requirement, ...]]


def read_distributions(root: Path) -> list[Distribution]:
    """Return the distributions of a tree, in the order of FOLDERS."""
    return [_read_distribution(root / folder / "pyproject.toml") for folder in FOLDERS]


def normalize_name(name: str) -> str:
    """Return the normalized name of a package: lower case, dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_distribution(file: Path) -> Distribution:
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    lists = {DEPENDENCIES: project["dependencies"], **project.get("optional-dependencies", {})}
    return Distribution(
        normalize_name(project["name"]),
        {name: tuple(_parse_requirement(entry) for entry in entries) for name, entries in lists.items()},
    )


def _parse_requirement(entry: str) -> Requirement:
    match = _REQUIREMENT.match(entry)
    if match is None:
        raise ValueError(f"{entry!r} is not a requirement")
    return Requirement(normalize_name(match[1]), match[2].strip())

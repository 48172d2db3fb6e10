"""The distributions of this tree, as their pyproject.toml files declare them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The folders of the distributions, from the root; one comes after those that it depends on.
FOLDERS = ("clients/python", ".")
#: The list that is installed with a distribution; the others are its extras.
DEPENDENCIES = "dependencies"

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*([^;]*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One entry of a list: the normalized name, and the versions that it allows."""

    name: str
    versions: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """The name of a distribution, and its lists of requirements: `dependencies`, and each extra by name."""

    name: str
    requirements: Mapping[str, tuple[Requirement, ...]]


def read_distributions(root: Path) -> list[Distribution]:
    """Return the distributions of a tree, in the order of FOLDERS."""
    return [_read(root / folder / "pyproject.toml") for folder in FOLDERS]


def normalized(name: str) -> str:
    """Return a package's name in the one spelling of all: lower case, dashes."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(file: Path) -> Distribution:
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    lists = {DEPENDENCIES: project["dependencies"], **project.get("optional-dependencies", {})}
    return Distribution(
        normalized(project["name"]),
        {name: tuple(_parse(entry) for entry in entries) for name, entries in lists.items()},
    )


def _parse(entry: str) -> Requirement:
    match = _REQUIREMENT.match(entry)
    if match is None:
        raise ValueError(f"{entry!r} is no requirement")
    return Requirement(normalized(match[1]), match[2].strip())

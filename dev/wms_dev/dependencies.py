"""Compares what is imported with what is declared: `python -m wms_dev.dependencies`.

Each list of requirements has its folders (`tool.wms-orders.imports` in pyproject.toml). What is imported
there is declared in the list, or in one that is installed with it; what is in the list is imported there, or
has its reason in `tool.wms-orders.needed-without-import`.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from wms_dev.distributions import ROOT, normalized, read_distributions

#: The distributions that have a module, by its full name.
Owners = Mapping[str, frozenset[str]]

_MODULE_SUFFIXES = (".py", ".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Part:
    """A list of requirements, and the folders that import what it declares."""

    distribution: str
    requirements: str
    folders: tuple[str, ...]
    declared: frozenset[str]
    installed: frozenset[str]  # what is declared, here and in the lists that are installed with this one

    @property
    def title(self) -> str:
        """The list and its distribution, for people."""
        return f"`{self.requirements}` of {self.distribution}"


def main() -> int:
    """Print what is wrong, a line each; return 1 when something is."""
    found = list(faults(ROOT, installed_modules()))
    for fault in found:
        print(fault)
    return 1 if found else 0


def faults(root: Path, installed: Owners) -> Iterator[str]:
    """Name what is imported and not declared, declared and not imported, and reasons without a use."""
    tool = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["wms-orders"]
    parts = _parts(root, tool["imports"])
    owners = {**installed, **_own_modules(root, parts)}
    reasons = {normalized(name) for name in tool["needed-without-import"]}
    needed: set[str] = set()
    for part in parts:
        providers = _imported(root, part, owners)
        for names, place in providers.items():
            if not names & {part.distribution, *part.installed}:
                yield f"{place}: {' or '.join(sorted(names))} is imported, and not in {part.title}"
        unused = part.declared.difference(*providers)
        needed |= unused & reasons
        for name in sorted(unused - reasons):
            yield f"{part.title}: nothing in {', '.join(part.folders)} imports {name}"
    for name in sorted(reasons - needed):
        yield f"needed-without-import: {name} is imported, or declared nowhere"


def installed_modules() -> Owners:
    """Return the modules of this environment with the distributions that installed them."""
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        for file in distribution.files or ():
            if file.suffix in _MODULE_SUFFIXES:
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                module = ".".join(parts).removesuffix(".__init__")
                found.setdefault(module, set()).add(normalized(distribution.name))
    return {module: frozenset(names) for module, names in found.items()}


def _parts(root: Path, entries: list[dict[str, Any]]) -> list[Part]:
    """Return the parts with what they declare; raise KeyError for a list that is in no pyproject.toml."""
    lists = {
        (distribution.name, name): frozenset(requirement.name for requirement in requirements)
        for distribution in read_distributions(root)
        for name, requirements in distribution.requirements.items()
    }
    parts = []
    for entry in entries:
        distribution, name = entry["distribution"], entry["requirements"]
        declared = lists[distribution, name]
        others = (lists[distribution, other] for other in entry.get("installed-with", []))
        parts.append(Part(distribution, name, tuple(entry["folders"]), declared, declared.union(*others)))
    if left := lists.keys() - {(part.distribution, part.requirements) for part in parts}:
        raise KeyError(f"tool.wms-orders.imports has no folders for {sorted(left)}")
    return parts


def _own_modules(root: Path, parts: list[Part]) -> Owners:
    """Return the top packages of this tree with their distributions: editable ones list no modules."""
    return {
        package.name: frozenset({part.distribution})
        for part in parts
        for folder in part.folders
        for package in _packages(root / folder)
    }


def _packages(folder: Path) -> list[Path]:
    """Return the folder itself when it is a package, else those in it."""
    if (folder / "__init__.py").exists():
        return [folder]
    return [path for path in folder.iterdir() if (path / "__init__.py").exists()]


def _imported(root: Path, part: Part, owners: Owners) -> dict[frozenset[str], str]:
    """Return the distributions that a part imports from, with the first place of each.

    Those that have the same module are one entry; a module that no distribution has is an entry of its own.
    """
    found: dict[frozenset[str], str] = {}
    for package in (package for folder in part.folders for package in _packages(root / folder)):
        for file in sorted(package.rglob("*.py")):
            for name, line in _imports(file):
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names:
                    providers = _providers(name, owners) or frozenset({f"the module {top}"})
                    found.setdefault(providers, f"{file.relative_to(root)}:{line}")
    return found


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    """Give the full names that a file imports, with their lines."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _providers(name: str, owners: Owners) -> frozenset[str]:
    """Return who has a module, or the innermost module above that somebody has."""
    while name and name not in owners:
        name = name.rpartition(".")[0]
    return owners.get(name, frozenset())


if __name__ == "__main__":
    sys.exit(main())

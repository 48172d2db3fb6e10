"""Compares imports with declared dependencies: `python -m wms_dev.checks.dependencies`.

`tool.wms-orders.imports` in pyproject.toml assigns folders to each list of requirements. Each imported
distribution must be declared in the list or in one that is installed with it. Each declared distribution must
be imported, or have a reason in `tool.wms-orders.needed-without-import`.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from wms_dev.checks.distributions import ROOT, normalize_name, read_distributions

# The distributions that provide a module, by its full name.
DistributionsByModule = Mapping[str, frozenset[str]]

_MODULE_SUFFIXES = (".py", ".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Requirements:
    """A list of requirements, and the folders whose imports it declares."""

    distribution: str
    requirements: str
    folders: tuple[str, ...]
    declared: frozenset[str]
    installed: frozenset[str]  # declared here or in lists that are installed with this one

    @property
    def title(self) -> str:
        """The list and its distribution, for messages."""
        return f"`{self.requirements}` of {self.distribution}"


def main() -> int:
    """Print the findings, each on a line. Return 1 if there are any."""
    findings = list(find_faults(ROOT, read_installed_modules()))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def find_faults(root: Path, installed: DistributionsByModule) -> Iterator[str]:
    """Yield undeclared imports, unused requirements, and unnecessary exceptions."""
    tool = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["wms-orders"]
    requirement_lists = _read_requirement_lists(root, tool["imports"])
    owners = {**installed, **_own_modules(root, requirement_lists)}
    reasons = {normalize_name(name) for name in tool["needed-without-import"]}
    excepted_names: set[str] = set()
    for requirement_list in requirement_lists:
        providers = _find_imported_distributions(root, requirement_list, owners)
        for provider_names, place in providers.items():
            if not provider_names & {requirement_list.distribution, *requirement_list.installed}:
                title = requirement_list.title
                yield f"{place}: {' or '.join(sorted(provider_names))} is imported but not in {title}"
        unused = requirement_list.declared.difference(*providers)
        excepted_names |= unused & reasons
        for name in sorted(unused - reasons):
            yield f"{requirement_list.title}: {name} is not imported in {', '.join(requirement_list.folders)}"
    for name in sorted(reasons - excepted_names):
        yield f"needed-without-import: {name} is imported or not declared, so it needs no reason"


def read_installed_modules() -> DistributionsByModule:
    """Return the modules of this environment with the distributions that installed them."""
    distributions_by_module: dict[str, set[str]] = {}
    for distribution in distributions():
        for file in distribution.files or ():
            if file.suffix in _MODULE_SUFFIXES:
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                module = ".".join(parts).removesuffix(".__init__")
                distributions_by_module.setdefault(module, set()).add(normalize_name(distribution.name))
    return {module: frozenset(names) for module, names in distributions_by_module.items()}


def _read_requirement_lists(root: Path, entries: list[dict[str, Any]]) -> list[Requirements]:
    """Return the lists of requirements with their folders.

    Raises:
        KeyError: A list is in no pyproject.toml, or has no folders.
    """
    lists = {
        (distribution.name, name): frozenset(requirement.name for requirement in requirements)
        for distribution in read_distributions(root)
        for name, requirements in distribution.requirements.items()
    }
    requirement_lists = []
    for entry in entries:
        distribution, name = entry["distribution"], entry["requirements"]
        declared = lists[distribution, name]
        others = (lists[distribution, other] for other in entry.get("installed-with", []))
        requirement_lists.append(
            Requirements(distribution, name, tuple(entry["folders"]), declared, declared.union(*others))
        )
    if unassigned_lists := lists.keys() - {
        (part.distribution, part.requirements) for part in requirement_lists
    }:
        raise KeyError(f"tool.wms-orders.imports has no folders for {sorted(unassigned_lists)}")
    return requirement_lists


def _own_modules(root: Path, parts: list[Requirements]) -> DistributionsByModule:
    """Return the packages of this tree with their distributions; editable installs list no modules."""
    return {
        package.name: frozenset({part.distribution})
        for part in parts
        for folder in part.folders
        for package in _packages(root / folder)
    }


def _packages(folder: Path) -> list[Path]:
    """Return the folder itself if it is a package, otherwise the packages in it."""
    if (folder / "__init__.py").exists():
        return [folder]
    return [path for path in folder.iterdir() if (path / "__init__.py").exists()]


def _find_imported_distributions(
    root: Path, requirement_list: Requirements, owners: DistributionsByModule
) -> dict[frozenset[str], str]:
    """Return the imported distributions with the place of the first import.

    Distributions with the same module form one entry. A module without a distribution is an entry of its own.
    """
    places_by_providers: dict[frozenset[str], str] = {}
    for package in (package for folder in requirement_list.folders for package in _packages(root / folder)):
        for file in sorted(package.rglob("*.py")):
            for name, line in _read_imports(file):
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names:
                    providers = _find_providers(name, owners) or frozenset({f"the module {top}"})
                    places_by_providers.setdefault(providers, f"{file.relative_to(root)}:{line}")
    return places_by_providers


def _read_imports(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the full names that a file imports, with their lines."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _find_providers(name: str, distributions_by_module: DistributionsByModule) -> frozenset[str]:
    """Return the distributions of a module, or of its innermost parent that has any."""
    while name and name not in distributions_by_module:
        name = name.rpartition(".")[0]
    return distributions_by_module.get(name, frozenset())


if __name__ == "__main__":
    sys.exit(main())

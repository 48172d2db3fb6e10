"""Checks the lock files without network access: `python -m wms_dev.checks.lockfiles`.

No file tracked by git may contain a download address: lock files pin versions by hash, and the package index
is configured where packages are installed. The locks must also match the distributions of this tree: each
dependency is locked in an allowed version with its hashes, and no pin is left over as a direct dependency.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wms_dev.checks.distributions import (
    DEPENDENCIES,
    ROOT,
    Distribution,
    Requirement,
    normalize_name,
    read_distributions,
)

LOCKS = ("requirements.lock", "requirements-source.lock", "requirements-bench.lock")
# The packages of the image and of its build, subsets of the first lock.
IMAGE_LOCKS = ("requirements-image.lock", "requirements-build.lock")

_LOCK_NAMES = re.compile(r"\.lock$|-lock\.(json|yaml)$|^go\.sum$|^npm-shrinkwrap\.json$")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|\bgit@")
# Escaped, so that this file does not match itself.
_REGISTRIES = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|(proxy|sum)\.golang\.org|crates\.io"
    r"|repo1?\.maven(\.apache)?\.org|plugins\.gradle\.org|rubygems\.org)\b",
    re.IGNORECASE,
)
_INDEX = re.compile(
    r"(index[-_]url|find[-_]links|trusted[-_]host)[\"']?\s*[=: ]\s*[\"']?\w+(://|\.)"
    r"|\bregistry[\"']?\s*[=:]\s*[\"']?\w+://",
    re.IGNORECASE,
)
_ARCHIVE = re.compile(
    r"\w+://[^\s\"'<>]+\.(whl|tar\.(gz|bz2|xz)|tgz|zip|jar|deb|rpm|gem|crate)\b", re.IGNORECASE
)

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
_CLAUSE = re.compile(r"^(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)$")
_SOURCE_ONLY = ("pure-sasl",)  # in requirements-source.lock, which is also used for the image
# The comment on the origin of a pin: the root distribution, which uv names with its file, or its client.
_DIRECT_REQUIREMENT = re.compile(r"^\s+#\s+(via )?(wms-orders \(pyproject\.toml\)|wms-orders-client)$")


@dataclass(slots=True)
class Pin:
    """An entry of a lock."""

    name: str
    version: str
    place: str
    hash_count: int = 0
    is_direct: bool = False


@dataclass(slots=True)
class Lock:
    """The entries of a lock, and the places of lines that are not understood."""

    pins: dict[str, Pin] = field(default_factory=dict)
    unparsed_places: list[str] = field(default_factory=list)


def main() -> int:
    """Print the findings, each on a line. Return 1 if there are any."""
    findings = [*find_addresses(tracked_texts(ROOT)), *find_lock_mismatches(ROOT)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def tracked_texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and content of every text file that git tracks."""
    git_output = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 # the git on the PATH
        cwd=root,
        check=True,
        capture_output=True,
    )
    for name in git_output.stdout.decode().split("\0"):
        path = root / name
        if name and path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                yield name, content.decode(errors="replace")


def find_addresses(texts: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield every line with a download address."""
    for name, text in texts:
        is_lock = _LOCK_NAMES.search(Path(name).name) is not None
        for number, line in enumerate(text.splitlines(), start=1):
            if description := _describe_address(line, is_lock=is_lock):
                yield f"{name}:{number}: {description}"


def _describe_address(line: str, *, is_lock: bool) -> str | None:
    if is_lock and _ADDRESS.search(line):
        return "address in a lock file"
    if _REGISTRIES.search(line):
        return "host of a registry"
    if _INDEX.search(line):
        return "address of packages"
    if _ARCHIVE.search(line):
        return "download address of an archive"
    return None


def find_lock_mismatches(root: Path) -> Iterator[str]:
    """Yield the mismatches between the locks and the dependencies of the distributions."""
    lock = Lock()
    for name in LOCKS:
        read_lock(lock, name, (root / name).read_text(encoding="utf-8"))
    yield from (f"{place}: not a pin, a hash or a comment" for place in lock.unparsed_places)
    for pin in lock.pins.values():
        if not pin.hash_count:
            yield f"{pin.place}: {pin.name} has no hash"
    distributions = read_distributions(root)
    yield from _find_image_mismatches(root, lock, distributions)
    required = read_required(distributions)
    for requirement in required:
        pin_of_requirement = lock.pins.get(requirement.name)
        if pin_of_requirement is None:
            yield f"{LOCKS[0]}: {requirement.name} is missing; run `make lock`"
        elif not version_matches(pin_of_requirement.version, requirement.versions):
            yield (
                f"{pin_of_requirement.place}: {requirement.name} {pin_of_requirement.version} does not match"
                f" {requirement.versions}; run `make lock`"
            )
    names = {requirement.name for requirement in required}
    for pin in lock.pins.values():
        if pin.is_direct and normalize_name(pin.name) not in names:
            yield f"{pin.place}: {pin.name} is not a dependency any more; run `make lock`"


def _find_image_mismatches(
    root: Path, full_lock: Lock, distributions: Sequence[Distribution]
) -> Iterator[str]:
    """Yield untested packages in the image, and packages that it lacks."""
    image_lock = Lock()
    for name in IMAGE_LOCKS:
        read_lock(image_lock, name, (root / name).read_text(encoding="utf-8"))
    yield from (f"{place}: not a pin, a hash or a comment" for place in image_lock.unparsed_places)
    for name, pin in image_lock.pins.items():
        tested_pin = full_lock.pins.get(name)
        if not pin.hash_count:
            yield f"{pin.place}: {pin.name} has no hash"
        if tested_pin is None or tested_pin.version != pin.version:
            tested_version = tested_pin.version if tested_pin else "missing"
            yield f"{pin.place}: {pin.name} {pin.version} is {tested_version} in {LOCKS[0]}; run `make lock`"
    for requirement in read_required(distributions, DEPENDENCIES):
        if requirement.name not in {*image_lock.pins, *_SOURCE_ONLY}:
            yield f"{IMAGE_LOCKS[0]}: {requirement.name} is missing; run `make lock`"


def read_lock(lock: Lock, file: str, text: str) -> None:
    """Add the pins of a file with their hashes and origins to the lock."""
    last = None
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{file}:{number}"
        if match := _PIN.match(line):
            last = lock.pins[normalize_name(match[1])] = Pin(match[1], match[2], place)
        elif last is not None and _HASH.search(line):
            last.hash_count += 1
        elif last is not None and line.lstrip().startswith("#"):
            last.is_direct = last.is_direct or _DIRECT_REQUIREMENT.match(line) is not None
        elif line.strip() and not line.lstrip().startswith("#"):
            lock.unparsed_places.append(place)


def read_required(distributions: Sequence[Distribution], list_name: str | None = None) -> list[Requirement]:
    """Return the external requirements of the distributions, in all lists or in one."""
    own_names = {distribution.name for distribution in distributions}
    return [
        requirement
        for distribution in distributions
        for name, requirements in distribution.requirements.items()
        for requirement in requirements
        if list_name in {None, name} and requirement.name not in own_names
    ]


def version_matches(version: str, clauses: str) -> bool:
    """Return whether a version matches all clauses. An unsupported clause matches no version."""
    return all(_clause_matches(version, clause.strip()) for clause in clauses.split(",") if clause.strip())


def _clause_matches(version: str, clause: str) -> bool:
    match = _CLAUSE.match(clause)
    if match is None:
        return False
    version_numbers, clause_numbers = _release_numbers(version), _release_numbers(match[2])
    return {
        ">=": version_numbers >= clause_numbers,
        "<=": version_numbers <= clause_numbers,
        "==": version_numbers == clause_numbers,
        "!=": version_numbers != clause_numbers,
        ">": version_numbers > clause_numbers,
        "<": version_numbers < clause_numbers,
    }[match[1]]


def _release_numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version without trailing zeros: 3.0 is 3."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


if __name__ == "__main__":
    sys.exit(main())

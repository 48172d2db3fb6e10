"""Looks that nothing tracked by git says where to download from: `python -m wms_dev.lockfiles`.

Where packages come from is the business of whoever installs them: a lock file pins versions by hash and
names no address. And the lock fits the distributions of this tree: every dependency is in it, in a version
that was asked for, with its hashes, and nothing is in it as ours that none of them asks for any more. It
needs no network.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wms_dev.distributions import (
    DEPENDENCIES,
    ROOT,
    Distribution,
    Requirement,
    normalized,
    read_distributions,
)

LOCKS = ("requirements.lock", "requirements-source.lock", "requirements-bench.lock")
#: What the image has, and what that is built with: parts of the first.
IMAGE_LOCKS = ("requirements-image.lock", "requirements-build.lock")

_LOCK_NAMES = re.compile(r"\.lock$|-lock\.(json|yaml)$|^go\.sum$|^npm-shrinkwrap\.json$")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|\bgit@")
#: Written so that this file does not name them itself.
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
_SOURCE_ONLY = ("pure-sasl",)  # in requirements-source.lock, which the image is made with too
#: Who asked for a pin: the root distribution, which uv names with its file, or its client.
_OURS = re.compile(r"^\s+#\s+(via )?(wms-orders \(pyproject\.toml\)|wms-orders-client)$")


@dataclass(slots=True)
class Pin:
    """One entry of the lock."""

    name: str
    version: str
    place: str
    hashes: int = 0
    ours: bool = False


@dataclass(slots=True)
class Lock:
    """The entries of the lock, and the places of the lines that are none."""

    pins: dict[str, Pin] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)


def main() -> int:
    """Print what is wrong, a line each; 1 when something is."""
    found = [*addresses(tracked_texts(ROOT)), *misfits(ROOT)]
    for fault in found:
        print(fault)
    return 1 if found else 0


def tracked_texts(root: Path) -> Iterator[tuple[str, str]]:
    """Give name and content of every text file that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 # the git of whoever works here
        cwd=root,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        path = root / name
        if name and path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                yield name, content.decode(errors="replace")


def addresses(texts: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Name every line that says where to download from."""
    for name, text in texts:
        is_lock = _LOCK_NAMES.search(Path(name).name) is not None
        for number, line in enumerate(text.splitlines(), start=1):
            if what := _address(line, is_lock=is_lock):
                yield f"{name}:{number}: {what}"


def _address(line: str, *, is_lock: bool) -> str | None:
    if is_lock and _ADDRESS.search(line):
        return "an address in a lock file"
    if _REGISTRIES.search(line):
        return "the host of a registry"
    if _INDEX.search(line):
        return "an address of packages"
    if _ARCHIVE.search(line):
        return "the download address of an archive"
    return None


def misfits(root: Path) -> Iterator[str]:
    """Name every way in which the lock does not fit the dependencies of the distributions."""
    lock = Lock()
    for name in LOCKS:
        read_lock(lock, name, (root / name).read_text(encoding="utf-8"))
    yield from (f"{place}: neither a pin, a hash nor a comment" for place in lock.strange)
    for pin in lock.pins.values():
        if not pin.hashes:
            yield f"{pin.place}: {pin.name} has no hash"
    distributions = read_distributions(root)
    yield from _image_misfits(root, lock, distributions)
    wanted = read_wanted(distributions)
    for requirement in wanted:
        found = lock.pins.get(requirement.name)
        if found is None:
            yield f"{LOCKS[0]}: {requirement.name} is not in it; run `make lock`"
        elif not fits(found.version, requirement.versions):
            yield (
                f"{found.place}: {requirement.name} {found.version} is not {requirement.versions};"
                " run `make lock`"
            )
    names = {requirement.name for requirement in wanted}
    for pin in lock.pins.values():
        if pin.ours and normalized(pin.name) not in names:
            yield f"{pin.place}: the project does not ask for {pin.name}; run `make lock`"


def _image_misfits(root: Path, whole: Lock, distributions: Sequence[Distribution]) -> Iterator[str]:
    """Name what the image would have that nothing was tested with, or would lack."""
    found = Lock()
    for name in IMAGE_LOCKS:
        read_lock(found, name, (root / name).read_text(encoding="utf-8"))
    yield from (f"{place}: neither a pin, a hash nor a comment" for place in found.strange)
    for name, pin in found.pins.items():
        tested = whole.pins.get(name)
        if not pin.hashes:
            yield f"{pin.place}: {pin.name} has no hash"
        if tested is None or tested.version != pin.version:
            other = tested.version if tested else "missing"
            yield f"{pin.place}: {pin.name} {pin.version} is {other} in {LOCKS[0]}; run `make lock`"
    for requirement in read_wanted(distributions, DEPENDENCIES):
        if requirement.name not in {*found.pins, *_SOURCE_ONLY}:
            yield f"{IMAGE_LOCKS[0]}: {requirement.name} is not in it; run `make lock`"


def read_lock(lock: Lock, file: str, text: str) -> None:
    """Read the pins of a file with their hashes and who asked for them."""
    last = None
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{file}:{number}"
        if match := _PIN.match(line):
            last = lock.pins[normalized(match[1])] = Pin(match[1], match[2], place)
        elif last is not None and _HASH.search(line):
            last.hashes += 1
        elif last is not None and line.lstrip().startswith("#"):
            last.ours = last.ours or _OURS.match(line) is not None
        elif line.strip() and not line.lstrip().startswith("#"):
            lock.strange.append(place)


def read_wanted(distributions: Sequence[Distribution], only: str | None = None) -> list[Requirement]:
    """Return what the distributions ask for, in all lists or one, but not what they ask of each other."""
    own = {distribution.name for distribution in distributions}
    return [
        requirement
        for distribution in distributions
        for name, requirements in distribution.requirements.items()
        for requirement in requirements
        if only in {None, name} and requirement.name not in own
    ]


def fits(version: str, clauses: str) -> bool:
    """Say whether a version is one of those asked for; a clause that is not understood fits nothing."""
    return all(_holds(version, clause.strip()) for clause in clauses.split(",") if clause.strip())


def _holds(version: str, clause: str) -> bool:
    match = _CLAUSE.match(clause)
    if match is None:
        return False
    ours, theirs = _release(version), _release(match[2])
    return {
        ">=": ours >= theirs,
        "<=": ours <= theirs,
        "==": ours == theirs,
        "!=": ours != theirs,
        ">": ours > theirs,
        "<": ours < theirs,
    }[match[1]]


def _release(version: str) -> tuple[int, ...]:
    """Give the numbers of a version without zeros at its end: 3.0 is 3."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


if __name__ == "__main__":
    sys.exit(main())

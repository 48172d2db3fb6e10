"""What the manifests of the clients have from the root pyproject.toml: the version and the repository."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wms_dev.generate.protos import GenerationError

_VERSION = r'"version": "(?P<value>[^"]+)"'


@dataclass(frozen=True, slots=True)
class Field:
    """A value in a file: the pattern matches once, and its group `value` is what is written there."""

    language: str
    file: str
    pattern: str
    fact: str = "version"


FIELDS = (
    Field("python", "pyproject.toml", r'^  "wms-orders-client==(?P<value>[^"]+)",$'),
    Field("python", "clients/python/pyproject.toml", r'^version = "(?P<value>[^"]+)"$'),
    Field("python", "clients/python/pyproject.toml", r'^Repository = "(?P<value>[^"]+)"$', "repository"),
    Field("go", "clients/go/version.go", r'^const Version = "(?P<value>[^"]+)"$'),
    Field("typescript", "clients/typescript/package.json", rf"^  {_VERSION}"),
    Field("typescript", "clients/typescript/package-lock.json", rf"^  {_VERSION}"),
    Field(
        "typescript",
        "clients/typescript/package-lock.json",
        rf'^    "": \{{\n      "name": "[^"]+",\n      {_VERSION}',
    ),
    Field(
        "java",
        "clients/java/pom.xml",
        r"^  <artifactId>wms-orders-client</artifactId>\n  <version>(?P<value>[^<]+)</version>$",
    ),
)


def outdated(root: Path, languages: Collection[str]) -> dict[Path, str]:
    """Return the files of these languages that differ from the root pyproject.toml, with the right text.

    Raise GenerationError when a file does not have a field exactly once.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    facts = {"version": project["version"], "repository": project["urls"]["Repository"]}
    committed: dict[Path, str] = {}
    right: dict[Path, str] = {}
    for field in FIELDS:
        if field.language in languages:
            path = root / field.file
            text = committed.setdefault(path, path.read_text(encoding="utf-8"))
            right[path] = _replaced(field, right.get(path, text), facts[field.fact])
    return {path: text for path, text in right.items() if text != committed[path]}


def _replaced(field: Field, text: str, value: str) -> str:
    matches = list(re.finditer(field.pattern, text, re.MULTILINE))
    if len(matches) != 1:
        raise GenerationError(f"{field.file} has {len(matches)} fields for the {field.fact}, not one")
    start, end = matches[0].span("value")
    return text[:start] + value + text[end:]

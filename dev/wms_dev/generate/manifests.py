"""What the clients have from the root pyproject.toml: the version and the address of the repository."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wms_dev.generate.protos import GenerationError

_VERSION = r'"version": "(?P<value>[^"]+)"'
_GO_IMPORT = r'"(?P<value>[^"]+)/clients/go["/]'


@dataclass(frozen=True, slots=True)
class Field:
    """A value in a file: the pattern matches `count` times, and its group `value` is what is written."""

    language: str
    file: str
    pattern: str
    fact: str = "version"
    count: int = 1


FIELDS = (
    Field("python", "pyproject.toml", r'^  "wms-orders-client==(?P<value>[^"]+)",$'),
    Field("python", "docker-compose.yml", r"^  image: wms-orders:(?P<value>\S+)$"),
    Field("python", "deploy/kubernetes/kustomization.yaml", r"^    newTag: (?P<value>\S+)$"),
    Field("python", "docs/deployment.md", r"^docker build --tag wms-orders:(?P<value>\S+) \.$"),
    Field("python", "Dockerfile", r"^#   docker build -t wms-orders:(?P<value>\S+) \.$"),
    Field("python", "clients/python/pyproject.toml", r'^version = "(?P<value>[^"]+)"$'),
    Field("python", "clients/python/pyproject.toml", r'^Repository = "(?P<value>[^"]+)"$', "repository"),
    Field("go", "clients/go/version.go", r'^const Version = "(?P<value>[^"]+)"$'),
    Field("go", "clients/go/go.mod", r"^module (?P<value>\S+)/clients/go$", "module root"),
    Field("go", "clients/go/client.go", _GO_IMPORT, "module root"),
    Field("go", "clients/go/errors.go", _GO_IMPORT, "module root"),
    Field("go", "clients/go/watch.go", _GO_IMPORT, "module root"),
    Field("go", "clients/go/cmd/conformance/main.go", _GO_IMPORT, "module root"),
    Field("go", "clients/go/cmd/conformance/case.go", _GO_IMPORT, "module root", count=2),
    Field("go", "clients/go/README.md", r"^go get (?P<value>\S+)/clients/go$", "module root", count=2),
    Field("go", "clients/go/README.md", r" GONOSUMDB=(?P<value>\S+)$", "module root"),
    Field("typescript", "clients/typescript/package.json", rf"^  {_VERSION}"),
    Field(
        "typescript",
        "clients/typescript/package.json",
        r'^  "repository": .*"url": "git\+(?P<value>[^"]+)"',
        "repository",
    ),
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
    Field("java", "clients/java/pom.xml", r"^  <url>(?P<value>[^<]+)</url>$", "repository"),
    Field("java", "clients/java/pom.xml", r"^    <url>(?P<value>[^<]+)</url>$", "repository"),
    Field("java", "clients/java/README.md", r"^  <version>(?P<value>[^<]+)</version>$"),
    Field("java", "clients/java/README.md", r'^archive="\$DIST/wms-orders-client-(?P<value>[^"]+)"$'),
)


def project_facts(root: Path) -> dict[str, str]:
    """Return the version and the repository of the root pyproject.toml, and the start of Go's paths."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository: str = project["urls"]["Repository"]
    return {
        "version": project["version"],
        "repository": repository,
        "module root": repository.partition("://")[2],
    }


def outdated(root: Path, languages: Collection[str]) -> dict[Path, str]:
    """Return the files of these languages that differ from the root pyproject.toml, with the right text.

    Raise GenerationError when a file does not have a field as often as it should.
    """
    facts = project_facts(root)
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
    if len(matches) != field.count:
        raise GenerationError(
            f"{field.file} has {len(matches)} fields for the {field.fact}, not {field.count}"
        )
    for match in reversed(matches):
        start, end = match.span("value")
        text = text[:start] + value + text[end:]
    return text

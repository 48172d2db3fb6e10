"""Fields of the clients that are taken from the root pyproject.toml: version and repository address."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wms_dev.codegen.protos import GenerationError

_VERSION = r'"version": "(?P<value>[^"]+)"'
_GO_IMPORT = r'"(?P<value>[^"]+)/clients/go["/]'


@dataclass(frozen=True, slots=True)
class ManifestField:
    """A value in a file. The pattern matches `count` times, and its group `value` is replaced."""

    language: str
    file: str
    pattern: str
    fact: str = "version"
    count: int = 1


MANIFEST_FIELDS = (
    ManifestField("python", "pyproject.toml", r'^  "wms-orders-client==(?P<value>[^"]+)",$'),
    ManifestField("python", "docker-compose.yml", r"^  image: wms-orders:(?P<value>\S+)$"),
    ManifestField("python", "deploy/kubernetes/kustomization.yaml", r"^    newTag: (?P<value>\S+)$"),
    ManifestField(
        "python", "docs/guides/deployment.md", r"^docker build --tag wms-orders:(?P<value>\S+) \.$"
    ),
    ManifestField("python", "Dockerfile", r"^#   docker build -t wms-orders:(?P<value>\S+) \.$"),
    ManifestField("python", "clients/python/pyproject.toml", r'^version = "(?P<value>[^"]+)"$'),
    ManifestField(
        "python", "clients/python/pyproject.toml", r'^Repository = "(?P<value>[^"]+)"$', "repository"
    ),
    ManifestField("go", "clients/go/version.go", r'^const Version = "(?P<value>[^"]+)"$'),
    ManifestField("go", "clients/go/go.mod", r"^module (?P<value>\S+)/clients/go$", "module root"),
    ManifestField("go", "clients/go/client.go", _GO_IMPORT, "module root"),
    ManifestField("go", "clients/go/errors.go", _GO_IMPORT, "module root"),
    ManifestField("go", "clients/go/watch.go", _GO_IMPORT, "module root"),
    ManifestField("go", "clients/go/cmd/conformance/main.go", _GO_IMPORT, "module root"),
    ManifestField("go", "clients/go/cmd/conformance/case.go", _GO_IMPORT, "module root", count=2),
    ManifestField(
        "go", "clients/go/README.md", r"^go get (?P<value>\S+)/clients/go$", "module root", count=2
    ),
    ManifestField("go", "clients/go/README.md", r" GONOSUMDB=(?P<value>\S+)$", "module root"),
    ManifestField("typescript", "clients/typescript/package.json", rf"^  {_VERSION}"),
    ManifestField(
        "typescript",
        "clients/typescript/package.json",
        r'^  "repository": .*"url": "git\+(?P<value>[^"]+)"',
        "repository",
    ),
    ManifestField("typescript", "clients/typescript/package-lock.json", rf"^  {_VERSION}"),
    ManifestField(
        "typescript",
        "clients/typescript/package-lock.json",
        rf'^    "": \{{\n      "name": "[^"]+",\n      {_VERSION}',
    ),
    ManifestField(
        "java",
        "clients/java/pom.xml",
        r"^  <artifactId>wms-orders-client</artifactId>\n  <version>(?P<value>[^<]+)</version>$",
    ),
    ManifestField("java", "clients/java/pom.xml", r"^  <url>(?P<value>[^<]+)</url>$", "repository"),
    ManifestField("java", "clients/java/pom.xml", r"^    <url>(?P<value>[^<]+)</url>$", "repository"),
    ManifestField("java", "clients/java/README.md", r"^  <version>(?P<value>[^<]+)</version>$"),
    ManifestField("java", "clients/java/README.md", r'^archive="\$DIST/wms-orders-client-(?P<value>[^"]+)"$'),
)


def read_project_facts(root: Path) -> dict[str, str]:
    """Return version, repository and Go module root of the root pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository: str = project["urls"]["Repository"]
    return {
        "version": project["version"],
        "repository": repository,
        "module root": repository.partition("://")[2],
    }


def find_outdated(root: Path, languages: Collection[str]) -> dict[Path, str]:
    """Return the files of these languages that differ from the root pyproject.toml, with their new text.

    Raises:
        GenerationError: A field does not occur `count` times in its file.
    """
    facts = read_project_facts(root)
    committed_texts: dict[Path, str] = {}
    updated_texts: dict[Path, str] = {}
    for field in MANIFEST_FIELDS:
        if field.language in languages:
            path = root / field.file
            text = committed_texts.setdefault(path, path.read_text(encoding="utf-8"))
            updated_texts[path] = _replace_field(field, updated_texts.get(path, text), facts[field.fact])
    return {path: text for path, text in updated_texts.items() if text != committed_texts[path]}


def _replace_field(field: ManifestField, text: str, value: str) -> str:
    matches = list(re.finditer(field.pattern, text, re.MULTILINE))
    if len(matches) != field.count:
        raise GenerationError(
            f"{field.file} has {len(matches)} fields for the {field.fact}, expected {field.count}"
        )
    for match in reversed(matches):
        start, end = match.span("value")
        text = text[:start] + value + text[end:]
    return text

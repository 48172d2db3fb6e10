"""The document of the events as a consumer's tools read it, and AsyncAPI's own schema, by npm."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from tests.support.requirements import skip_or_fail

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "asyncapi.json"
_PACKAGE = Path(__file__).parent / "asyncapi_specs"
_SCHEMA = "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def published_document() -> dict[str, Any]:
    """Give the committed document."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def messages() -> dict[str, dict[str, Any]]:
    """Give the document's messages, by the type of their event."""
    return {message["name"]: message for message in published_document()["components"]["messages"].values()}


@cache
def validator(event_type: str, part: str) -> Draft7Validator:
    """Give what checks the `payload` or the `headers` of a type of event."""
    schema = {**messages()[event_type][part], "components": published_document()["components"]}
    return Draft7Validator(schema, format_checker=_FORMATS)


def faults_of_payload(event_type: str, payload: str) -> list[str]:
    """Name what a payload has that the document does not say, or lacks that it says."""
    return _faults(validator(event_type, "payload"), json.loads(payload))


def faults_of_headers(event_type: str, headers: Mapping[str, str]) -> list[str]:
    """Name what is wrong with the headers of a record."""
    return _faults(validator(event_type, "headers"), dict(headers))


def _faults(checks: Draft7Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in checks.iter_errors(value)]


def references(value: Any) -> Iterator[str]:
    """Give everything that a document refers to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def asyncapi_schema() -> Any:
    """Give the schema of AsyncAPI 3.0 as its makers publish it; without Node a skip, and in CI a failure."""
    kept = ROOT / ".data" / "npm" / f"asyncapi-specs-{_version()}"
    if not kept.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            skip_or_fail("There is no Node to fetch AsyncAPI's schema; on Debian: apt-get install npm")
        _fetch(npm, kept)
    return json.loads((kept / _SCHEMA).read_text(encoding="utf-8"))


def _version() -> str:
    return hashlib.sha256((_PACKAGE / "package-lock.json").read_bytes()).hexdigest()[:12]


def _fetch(npm: str, kept: Path) -> None:
    """All or nothing, however many do it at once and however they end."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=kept.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_PACKAGE / name, unfinished)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=unfinished, check=False, capture_output=True, text=True, timeout=100
        )
        if done.returncode != 0:
            skip_or_fail(f"npm could not fetch AsyncAPI's schema:\n{done.stderr}")
        try:
            unfinished.rename(kept)
        except OSError:
            if not kept.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)

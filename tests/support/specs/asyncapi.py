"""Validators from the published AsyncAPI document, and the schema of AsyncAPI, fetched by npm."""

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

from tests.support.pytest_plugins.requirements import skip_or_fail

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "reference" / "asyncapi.json"
_PACKAGE = Path(__file__).parent / "asyncapi_specs"
_SCHEMA = "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def published_document() -> dict[str, Any]:
    """Return the committed document."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def messages() -> dict[str, dict[str, Any]]:
    """Return the messages of the document by event type."""
    return {message["name"]: message for message in published_document()["components"]["messages"].values()}


@cache
def validator(event_type: str, part: str) -> Draft7Validator:
    """Return the validator of the `payload` or the `headers` of an event type."""
    schema = {**messages()[event_type][part], "components": published_document()["components"]}
    return Draft7Validator(schema, format_checker=_FORMATS)


def find_payload_errors(event_type: str, payload: str) -> list[str]:
    """Return the schema errors of a payload."""
    return _find_schema_errors(validator(event_type, "payload"), json.loads(payload))


def find_header_errors(event_type: str, headers: Mapping[str, str]) -> list[str]:
    """Return the schema errors of the headers of a record."""
    return _find_schema_errors(validator(event_type, "headers"), dict(headers))


def _find_schema_errors(schema_validator: Draft7Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in schema_validator.iter_errors(value)]


def find_references(value: Any) -> Iterator[str]:
    """Yield all references (`$ref`) in a document."""
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "$ref":
                yield child
            yield from find_references(child)
    elif isinstance(value, list):
        for child in value:
            yield from find_references(child)


def asyncapi_schema() -> Any:
    """Return the published schema of AsyncAPI 3.0. Without Node, skip the test; in CI, fail it."""
    schema_folder = ROOT / ".data" / "npm" / f"asyncapi-specs-{_version()}"
    if not schema_folder.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            skip_or_fail(
                "npm is not on this machine, it fetches AsyncAPI's schema; on Debian: apt-get install npm"
            )
        _fetch(npm, schema_folder)
    return json.loads((schema_folder / _SCHEMA).read_text(encoding="utf-8"))


def _version() -> str:
    return hashlib.sha256((_PACKAGE / "package-lock.json").read_bytes()).hexdigest()[:12]


def _fetch(npm: str, schema_folder: Path) -> None:
    """Fetch the schema atomically, safe for concurrent and interrupted runs."""
    schema_folder.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(prefix="unfinished-", dir=schema_folder.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_PACKAGE / name, partial_folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        npm_process = subprocess.run(
            command, cwd=partial_folder, check=False, capture_output=True, text=True, timeout=100
        )
        if npm_process.returncode != 0:
            skip_or_fail(f"npm could not fetch AsyncAPI's schema:\n{npm_process.stderr}")
        try:
            partial_folder.rename(schema_folder)
        except OSError:
            if not schema_folder.is_dir():  # else another process has finished first
                raise
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)

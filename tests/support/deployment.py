"""What deploy/ holds, as those read it who run it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.requirements import skip_or_fail
from wms_core.settings import CoreSettings, read_settings
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
#: The settings of each of our processes, by the subcommand that starts it.
KINDS: Mapping[str, type[CoreSettings]] = {
    "migrate": CoreSettings,
    "server": ServerSettings,
    "worker": WorkerSettings,
}
_LOADER = Path(__file__).parent / "compose_check"


def load_compose(file: Path) -> "subprocess.CompletedProcess[str]":
    """Load a compose file by the library of `docker compose`, which has the specification's schema."""
    go = shutil.which("go")
    if go is None:
        skip_or_fail("Go is not on this machine; it builds the loader of docker compose")
    return subprocess.run(
        [go, "run", ".", str(file)], cwd=_LOADER, capture_output=True, text=True, timeout=300, check=False
    )


@cache
def services() -> dict[str, Any]:
    """Give the services of docker-compose.yml with all that they share written out."""
    loaded = load_compose(COMPOSE)
    assert loaded.returncode == 0, loaded.stderr
    found: dict[str, Any] = json.loads(loaded.stdout)["services"]
    return found


def ours() -> dict[str, Any]:
    """Give the services that have settings of ours."""
    return {name: service for name, service in services().items() if name in KINDS}


@cache
def manifests() -> dict[tuple[str, str], Any]:
    """Give the manifests by kind and name."""
    found = [
        document
        for file in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    return {(document["kind"], document.get("metadata", {}).get("name", "")): document for document in found}


def pods() -> dict[str, Any]:
    """Give the pod templates, by the subcommand that their container runs."""
    templates = [
        document["spec"]["template"]
        for (kind, _), document in manifests().items()
        if kind in ("Deployment", "Job")
    ]
    return {container(template)["args"][0]: template for template in templates}


def container(template: Any) -> Any:
    """Give the one container of a pod."""
    (only,) = template["spec"]["containers"]
    return only


def pod_environment(template: Any) -> dict[str, str]:
    """Give the variables of a pod's container; what the cluster fills in has the name of the field."""
    found: dict[str, str] = {}
    for source in container(template).get("envFrom", []):
        found |= manifests()["ConfigMap", source["configMapRef"]["name"]]["data"]
    for variable in container(template).get("env", []):
        found[variable["name"]] = variable.get("value") or variable["valueFrom"]["fieldRef"][
            "fieldPath"
        ].replace("/", "-")
    return found


def settings_of(
    kind: type[CoreSettings],
    environment: Mapping[str, str],
    database_url: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CoreSettings:
    """Read the settings as the process would, the file with the address of the database being this one."""
    for name in [name for name in os.environ if name.lower().removesuffix("_file") in _fields()]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(database_url) if name == "DATABASE_URL_FILE" else value)
    return read_settings(kind)


def unknown_variables(kind: type[CoreSettings], environment: Mapping[str, str]) -> set[str]:
    """Name the variables that a process would not look at."""
    known = {name.upper() for name in kind.model_fields}
    return {name for name in environment if name not in known and name.removesuffix("_FILE") not in known}


def _fields() -> set[str]:
    return {name for kind in KINDS.values() for name in kind.model_fields}


def dashboards() -> dict[str, Any]:
    """Give the dashboards by the names of their files."""
    files = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def expressions(dashboard: Any) -> Iterator[str]:
    """Give what a dashboard asks Prometheus."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def selectors(expression: str) -> Iterator[tuple[str, str]]:
    """Give the metrics of ours, or of processes, that an expression names, with their matchers."""
    for match in re.finditer(r"\b((?:wms_|process_)\w+)(?:\{([^}]*)\})?", expression):
        yield match[1], match[2] or ""


def seconds(text: str) -> float:
    """Read a duration of compose, such as 40s or 1m0s."""
    units = {"s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([smh])", text))


def promtool() -> str:
    """Give the path of promtool; without it a skip, and in CI a failure."""
    found = shutil.which("promtool")
    if found is None:
        skip_or_fail("promtool is not on this machine; on Debian it comes with the package prometheus")
    return found

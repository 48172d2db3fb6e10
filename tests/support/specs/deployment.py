"""Read the files of deploy/ with the tools that run them, and replay the Dockerfile."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import yaml

from tests.support.pytest_plugins.requirements import skip_or_fail
from wms_core.config.settings import CoreSettings, read_settings
from wms_dev.embedded.postgres.os_user import find_os_user
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "docker-compose.yml"
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
#: The settings of each process, by its subcommand.
SETTINGS_BY_COMMAND: Mapping[str, type[CoreSettings]] = {
    "migrate": CoreSettings,
    "server": ServerSettings,
    "worker": WorkerSettings,
}
_LOADER = Path(__file__).parent / "compose_check"


def load_compose(file: Path) -> "subprocess.CompletedProcess[str]":
    """Load a compose file by the library of `docker compose`, which validates it."""
    go = shutil.which("go")
    if go is None:
        skip_or_fail("Go is not on this machine; it builds the loader of docker compose")
    return subprocess.run(
        [go, "run", ".", str(file)], cwd=_LOADER, capture_output=True, text=True, timeout=300, check=False
    )


@cache
def load_compose_services() -> dict[str, Any]:
    """Return the services of docker-compose.yml, with anchors and extensions resolved."""
    completed = load_compose(COMPOSE)
    assert completed.returncode == 0, completed.stderr
    compose_services: dict[str, Any] = json.loads(completed.stdout)["services"]
    return compose_services


def list_own_services() -> dict[str, Any]:
    """Return the services that run a subcommand of wms-orders."""
    return {name: service for name, service in load_compose_services().items() if name in SETTINGS_BY_COMMAND}


@cache
def manifests() -> dict[tuple[str, str], Any]:
    """Return the Kubernetes manifests by kind and name."""
    documents = [
        document
        for file in sorted(KUBERNETES.glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    return {
        (document["kind"], document.get("metadata", {}).get("name", "")): document for document in documents
    }


def list_pod_templates() -> dict[str, Any]:
    """Return the pod templates by the subcommand of their container."""
    templates = [
        document["spec"]["template"]
        for (kind, _), document in manifests().items()
        if kind in ("Deployment", "Job")
    ]
    return {get_container(template)["args"][0]: template for template in templates}


def get_container(template: Any) -> Any:
    """Return the container container of a pod."""
    (container,) = template["spec"]["containers"]
    return container


def pod_environment(template: Any) -> dict[str, str]:
    """Return the variables of a pod's container; values from the cluster are the names of their fields."""
    variables: dict[str, str] = {}
    for source in get_container(template).get("envFrom", []):
        variables |= manifests()["ConfigMap", source["configMapRef"]["name"]]["data"]
    for variable in get_container(template).get("env", []):
        variables[variable["name"]] = variable.get("value") or variable["valueFrom"]["fieldRef"][
            "fieldPath"
        ].replace("/", "-")
    return variables


def read_process_settings(
    kind: type[CoreSettings],
    environment: Mapping[str, str],
    database_url: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CoreSettings:
    """Read the settings like the process, with `database_url` as the file of the database URL."""
    for name in [name for name in os.environ if name.lower().removesuffix("_file") in _fields()]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(database_url) if name == "DATABASE_URL_FILE" else value)
    return read_settings(kind)


def find_unknown_variables(kind: type[CoreSettings], environment: Mapping[str, str]) -> set[str]:
    """Return the variables that a process ignores."""
    known_variables = {name.upper() for name in kind.model_fields}
    return {
        name
        for name in environment
        if name not in known_variables and name.removesuffix("_FILE") not in known_variables
    }


def _fields() -> set[str]:
    return {name for kind in SETTINGS_BY_COMMAND.values() for name in kind.model_fields}


def dashboards() -> dict[str, Any]:
    """Return the dashboards by file name."""
    files = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def list_expressions(dashboard: Any) -> Iterator[str]:
    """Yield the Prometheus queries of a dashboard."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def find_metric_selectors(expression: str) -> Iterator[tuple[str, str]]:
    """Yield the metrics (`wms_…`, `process_…`) of an expression with their matchers."""
    for match in re.finditer(r"\b((?:wms_|process_)\w+)(?:\{([^}]*)\})?", expression):
        yield match[1], match[2] or ""


def parse_compose_duration(text: str) -> float:
    """Parse a duration of compose, such as 40s or 1m0s. Return seconds."""
    units = {"s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([smh])", text))


def find_promtool() -> str:
    """Return the path of promtool. Without it, skip the test; in CI, fail it."""
    promtool_path = shutil.which("promtool")
    if promtool_path is None:
        skip_or_fail("promtool is not on this machine; on Debian it comes with the package prometheus")
    return promtool_path


_TIMEOUT_SECONDS = 400.0


@dataclass(slots=True)
class DockerfileStage:
    """A stage of a Dockerfile: `FROM` and its instructions."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last_argument(self, instruction: str) -> str:
        """Return the argument of the last instruction of a kind."""
        return [argument for kind, argument in self.steps if kind == instruction][-1]


def parse_stages(text: str) -> list[DockerfileStage]:
    """Parse a Dockerfile of one-line instructions into stages."""
    parsed_stages: list[DockerfileStage] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, argument = line.split(maxsplit=1)
        if kind == "FROM":
            base, _, name = argument.partition(" AS ")
            parsed_stages.append(DockerfileStage(base, name))
        else:
            parsed_stages[-1].steps.append((kind, argument))
    return parsed_stages


def exit_code(process: "subprocess.Popen[bytes]", within: float = _TIMEOUT_SECONDS) -> int:
    """Wait until a process ends; kill it after the timeout. Return the exit code."""
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class ReplayedImage:
    """The image of the Dockerfile, built below `folder` by an unprivileged user, finally read-only.

    The folders above `folder` must be accessible for all users.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder / "root"
        self._root.mkdir()
        self._os_user = find_os_user()
        self._os_user.give_ownership(self._root)
        self._workdir = self._root
        self.writable = folder / "tmp"
        self.writable.mkdir()
        self._os_user.give_ownership(self.writable)

    def build(self) -> None:
        """Run the build stage, and keep only the files that the last stage copies from it."""
        build, final = parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
        for kind, argument in build.steps:
            if kind == "WORKDIR":
                self._workdir = self._path_below_root(argument)
                self._workdir.mkdir(parents=True, exist_ok=True)
                self._os_user.give_ownership(self._workdir)
            elif kind == "COPY":
                self._copy(argument.split())
            elif kind == "RUN":
                self._run(argument)
            else:
                raise AssertionError(f"{kind} is not replayed")
        copies = [argument.split() for kind, argument in final.steps if kind == "COPY"]
        assert copies == [[f"--from={build.name}", "/opt/wms-orders", "/opt/wms-orders"]]
        shutil.rmtree(self._path_below_root("/build"))
        shutil.rmtree(self._path_below_root("/opt/tools"))
        self._make_read_only()

    def start(self, *arguments: str, log: Path, **environment: str) -> "subprocess.Popen[bytes]":
        """Start the entry point in the environment of the image, as an unprivileged user."""
        final = parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
        words = [pair.partition("=") for pair in shlex.split(final.last_argument("ENV"))]
        image_variables = {name: self._relocate_paths(value) for name, _, value in words}
        entry = re.findall(r'"([^"]*)"', final.last_argument("ENTRYPOINT"))
        program = shutil.which(entry[0], path=image_variables["PATH"])
        assert program is not None, f"{entry[0]} is not in {image_variables['PATH']}"
        with log.open("wb") as output:
            return self._start(
                [program, *entry[1:], *arguments],
                {**image_variables, "HOME": str(self.writable), "TMPDIR": str(self.writable), **environment},
                output,
            )

    def run_and_read_output(self, *arguments: str, log: Path, **environment: str) -> str:
        """Run the entry point to its end. Return its output."""
        process = self.start(*arguments, log=log, **environment)
        assert exit_code(process) == 0, log.read_text(encoding="utf-8")
        return log.read_text(encoding="utf-8")

    def python(self, code: str, *, log: Path) -> int:
        """Run code by the `python` of the image, like a health check. Return the exit code."""
        folder = self._path_below_root("/opt/wms-orders/bin")
        with log.open("wb") as output:
            process = self._start(
                [str(folder / "python"), "-c", code], {"PATH": f"{folder}:/usr/bin:/bin"}, output
            )
        return exit_code(process)

    def _path_below_root(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def _relocate_paths(self, text: str) -> str:
        """Return a text with paths of the image replaced by those below the root."""
        return re.sub(r"(?<![\w.])/opt/", f"{self._root}/opt/", text)

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            target_path = self._workdir / target / (source if target == "./" else "")
            if (ROOT / source).is_dir():
                # Like .dockerignore, which tests/unit/deployment/test_manifests.py tests.
                shutil.copytree(
                    ROOT / source, target_path, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
                )
            else:
                shutil.copy(ROOT / source, target_path)
        for path in [self._workdir, *self._workdir.rglob("*")]:
            self._os_user.give_ownership(path)

    def _run(self, command: str) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
        }
        environment = {**inherited, "PATH": f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"}
        environment |= {"HOME": str(self.writable), "TMPDIR": str(self.writable)}
        log = self.writable / "run.log"
        shell = ["/bin/sh", "-c", self._relocate_paths(re.sub(r"^python ", "python3 ", command))]
        with log.open("wb") as output:
            process = self._start(shell, environment, output, self._workdir)
        code = exit_code(process)
        assert code == 0, f"{command}\n{log.read_text(encoding='utf-8', errors='replace')}"

    def _start(
        self, words: list[str], environment: dict[str, str], output: BinaryIO, folder: Path = Path("/")
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=self._os_user.user,
            group=self._os_user.group,
            extra_groups=self._os_user.extra_groups,
        )

    def _make_read_only(self) -> None:
        """Remove write permissions, like a root that is mounted read-only."""
        for path in [self._root, *self._root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    def make_removable(self) -> None:
        """Restore the permissions that removing the files requires."""
        for path in [self._root, *self._root.rglob("*")]:
            if not path.is_symlink() and path.is_dir():
                path.chmod(0o755)

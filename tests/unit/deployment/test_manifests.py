"""Compose file, manifests, configurations and dashboards are valid and agree with the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.specs.deployment import (
    COMPOSE,
    DEPLOY,
    KUBERNETES,
    ROOT,
    SETTINGS_BY_COMMAND,
    dashboards,
    find_promtool,
    find_unknown_variables,
    get_container,
    list_expressions,
    list_own_services,
    list_pod_templates,
    load_compose,
    load_compose_services,
    manifests,
    parse_compose_duration,
    parse_stages,
    pod_environment,
    read_process_settings,
)
from wms_core.config.settings import CoreSettings, check_postgres_url
from wms_core.runtime.listeners import parse_listen_address
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

#: Services without a health check, with the reason.
WITHOUT_HEALTH_CHECK = {
    "migrate": "ends by itself, and compose waits for its end",
    "simulator": "serves no requests, and ends after an error",
    "otel-collector": "its image has no shell and no probe program",
}
#: The version of Kubernetes whose schemas are used.
KUBERNETES_VERSION = "1.34"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Return a folder with the secrets that the script creates."""
    shutil.copy(DEPLOY / "secrets" / "make", tmp_path)
    subprocess.run(["sh", str(tmp_path / "make")], check=True)  # noqa: S607 # the system's
    return tmp_path


# Compose


def test_compose_file_is_valid(tmp_path: Path) -> None:
    """Compose's own loader validates it by the Compose Specification and rejects typos."""
    assert load_compose_services()
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("healthcheck:", "heathcheck:"))
    assert "heathcheck" in load_compose(wrong).stderr


def test_containers_have_minimal_privileges() -> None:
    """A container has a non-root user, a read-only root file system, and no capability."""
    for name, service in load_compose_services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
        assert "privileged" not in service, name


def test_image_versions_are_pinned() -> None:
    """Each image has a tag with a version."""
    for name, service in load_compose_services().items():
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: {service['image']}"


def test_every_service_has_a_health_check() -> None:
    """A service without a health check has a reason."""
    assert {name for name, service in load_compose_services().items() if "healthcheck" not in service} == set(
        WITHOUT_HEALTH_CHECK
    )


def test_ports_are_published_on_loopback_only() -> None:
    """Operators must open them to other machines on purpose."""
    for service in load_compose_services().values():
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_server_and_workers_start_after_the_migration() -> None:
    """The migration starts after Postgres is healthy."""
    after = {name: service["depends_on"] for name, service in list_own_services().items()}
    assert after["migrate"]["postgres"]["condition"] == "service_healthy"
    for name in ("server", "worker"):
        assert after[name]["migrate"]["condition"] == "service_completed_successfully"
    assert load_compose_services()["worker"]["deploy"]["replicas"] == 3


@pytest.mark.parametrize("name", SETTINGS_BY_COMMAND)
def test_compose_sets_existing_variables_to_valid_values(
    name: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are parsed from them, and the stop period covers the longest drain."""
    service = load_compose_services()[name]
    kind = SETTINGS_BY_COMMAND[name]
    assert find_unknown_variables(kind, service["environment"]) == set()
    settings = read_process_settings(kind, service["environment"], secrets / "database_url", monkeypatch)
    assert settings.database_url.get_secret_value() == (secrets / "database_url").read_text()
    assert parse_compose_duration(service["stop_grace_period"]) >= shutdown_seconds(settings)


def shutdown_seconds(settings: CoreSettings) -> float:
    """Return the seconds for a shutdown according to the operations guide."""
    if isinstance(settings, ServerSettings):
        return (settings.drain_delay + settings.drain_grace).total_seconds() + 15
    return settings.drain_grace.total_seconds() + 15 if isinstance(settings, WorkerSettings) else 0


def test_compose_publishes_the_ports_of_the_server() -> None:
    """The image exposes the same ports."""
    variables = load_compose_services()["server"]["environment"]
    ports = {port_of(variables["SERVER_ADDR"]), port_of(variables["HTTP_ADDR"])}
    assert {port["target"] for port in load_compose_services()["server"]["ports"]} == ports
    worker = load_compose_services()["worker"]["environment"]
    worker_ports = {port_of(worker["WORKER_ADDR"]), port_of(worker["WORKER_HTTP_ADDR"])}
    final = parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    assert {int(port) for port in final.last_argument("EXPOSE").split()} == ports | worker_ports


def port_of(address: str) -> int:
    """Return the port of a listen address."""
    return int(parse_listen_address(address).rpartition(":")[2])


def test_image_has_the_user_of_compose_and_kubernetes() -> None:
    """This user can read the secrets and nothing else."""
    final = parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    assert {service["user"] for service in list_own_services().values()} == {final.last_argument("USER")}
    for template in list_pod_templates().values():
        context = template["spec"]["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == final.last_argument("USER")


def test_secrets_are_consistent(secrets: Path) -> None:
    """Only the database address contains the database password. A second run keeps all secrets."""
    password = (secrets / "postgres_password").read_text()
    url = (secrets / "database_url").read_text()
    assert len(password) >= 32
    postgres = load_compose_services()["postgres"]["environment"]
    assert url == (
        f"postgresql://{postgres['POSTGRES_USER']}:{password}@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    assert (secrets / "grafana_password").read_text() != password
    subprocess.run(["sh", str(secrets / "make")], check=True)  # noqa: S607 # the system's
    assert (secrets / "database_url").read_text() == url
    assert secrets.stat().st_mode & 0o077 == 0


def test_connections_fit_into_postgres() -> None:
    """Count the default processes of a server and all workers."""
    allowed = int(
        re.findall(r"max_connections=(\d+)", " ".join(load_compose_services()["postgres"]["command"]))[0]
    )
    pool = CoreSettings.model_fields["database_pool_size"].default
    assert (8 + load_compose_services()["worker"]["deploy"]["replicas"]) * pool + 10 <= allowed


def test_mounted_files_exist() -> None:
    """The configurations and Grafana's folders exist."""
    raw = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    mounted = [ROOT / entry["file"] for entry in raw["configs"].values()]
    mounted += [
        Path(volume["source"])
        for volume in load_compose_services()["grafana"]["volumes"]
        if volume["type"] == "bind"
    ]
    assert all(path.exists() for path in mounted), mounted
    assert (DEPLOY / "secrets" / ".gitignore").read_text().startswith("*\n")


def test_zookeeper_ensemble_matches_the_settings_of_workers() -> None:
    """Each node has its number, and the ensemble grants the session timeout of the workers."""
    text = (DEPLOY / "zookeeper" / "zoo.cfg").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\S+?)=(\S+)$", text, re.MULTILINE))
    nodes = {
        name: service for name, service in load_compose_services().items() if name.startswith("zookeeper-")
    }
    for name, service in nodes.items():
        assert values[f"server.{service['environment']['ZOO_MY_ID']}"] == f"{name}:2888:3888"
    assert load_compose_services()["worker"]["environment"]["ZOOKEEPER_HOSTS"] == ",".join(
        f"{name}:{values['clientPort']}" for name in sorted(nodes)
    )
    session_timeout_ms = (
        1000 * WorkerSettings.model_fields["zookeeper_session_timeout"].default.total_seconds()
    )
    assert 2 * int(values["tickTime"]) <= session_timeout_ms <= 20 * int(values["tickTime"])
    assert "srvr" in values["4lw.commands.whitelist"]


def test_broker_matches_the_settings_of_workers_and_accepts_the_largest_event() -> None:
    """The limit includes the overhead of a record."""
    text = (DEPLOY / "kafka" / "server.properties").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\S+?)=(\S+)$", text, re.MULTILINE))
    brokers = load_compose_services()["worker"]["environment"]["KAFKA_BROKERS"]
    assert values["advertised.listeners"] == f"PLAINTEXT://{brokers}"
    max_event_bytes = CoreSettings.model_fields["event_max_bytes"].default
    assert int(values["message.max.bytes"]) >= max_event_bytes + 100_000


def test_docker_context_has_only_the_copied_files() -> None:
    """The files that the Dockerfile copies exist, and .dockerignore excludes all others."""
    build, _ = parse_stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    copied = {source for kind, argument in build.steps if kind == "COPY" for source in argument.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)
    assert "*" in lines


# Kubernetes


def manifest_id(document: Any) -> str:
    """Return kind and name of a manifest as a test id."""
    return f"{document['kind']} {document['metadata']['name']}"


@pytest.mark.parametrize(
    "document",
    [manifest for (kind, _), manifest in manifests().items() if kind != "Kustomization"],
    ids=manifest_id,
)
def test_every_manifest_is_valid(document: Any) -> None:
    """The schemas of the Kubernetes API reject unknown fields."""
    kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_kubernetes_schemas_reject_a_typo() -> None:
    """This shows that the test above can fail."""
    document = {**manifests()["Deployment", "wms-orders-worker"], "spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_all_manifests_except_the_example_are_applied() -> None:
    """The kustomization lists each file."""
    listed = manifests()["Kustomization", ""]["resources"]
    file_names = {file.name for file in KUBERNETES.glob("*.yaml")}
    assert set(listed) == file_names - {"kustomization.yaml", "secret.example.yaml"}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("command", SETTINGS_BY_COMMAND)
def test_pods_set_existing_variables_to_valid_values(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is the one of the example. The termination grace period covers the longest drain."""
    template, kind = list_pod_templates()[command], SETTINGS_BY_COMMAND[command]
    environment = pod_environment(template)
    assert find_unknown_variables(kind, environment) == set()
    url = manifests()["Secret", "wms-orders"]["stringData"]["database_url"]
    (tmp_path / "database_url").write_text(url)
    settings = read_process_settings(kind, environment, tmp_path / "database_url", monkeypatch)
    assert settings.database_url == check_postgres_url(settings.database_url)
    assert settings.database_url.get_secret_value() == url
    assert template["spec"].get("terminationGracePeriodSeconds", 30) >= shutdown_seconds(settings)
    (mount,) = [
        volume_mount
        for volume_mount in get_container(template)["volumeMounts"]
        if volume_mount["name"] == "secrets"
    ]
    assert environment["DATABASE_URL_FILE"] == f"{mount['mountPath']}/database_url"


@pytest.mark.parametrize("command", SETTINGS_BY_COMMAND)
def test_pods_have_minimal_privileges(command: str) -> None:
    """They follow the restricted pod security standard and have a read-only root file system."""
    template = list_pod_templates()[command]
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    assert template["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert template["spec"]["automountServiceAccountToken"] is False
    context = get_container(template)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert get_container(template)["image"] == manifests()["Kustomization", ""]["images"][0]["name"]


@pytest.mark.parametrize("command", ["server", "worker"])
def test_ports_and_probes_match_the_listen_addresses(command: str) -> None:
    """Startup, liveness and readiness probes use ports of the container."""
    template = list_pod_templates()[command]
    environment = pod_environment(template)
    ports = {
        port_of(environment[name])
        for name in ("SERVER_ADDR", "HTTP_ADDR", "WORKER_ADDR", "WORKER_HTTP_ADDR")
        if name in environment
    }
    assert {port["containerPort"] for port in get_container(template)["ports"]} == ports
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        (probe_action,) = [
            get_container(template)[probe][action]
            for action in ("grpc", "httpGet")
            if action in get_container(template)[probe]
        ]
        assert probe_action["port"] in ports
    assert template["metadata"]["annotations"]["prometheus.io/port"] in map(str, ports)


def test_selectors_match_pods() -> None:
    """Services, budgets and policies select pods. Every deployment has a budget, and every pod a policy."""
    labels = {command: template["metadata"]["labels"] for command, template in list_pod_templates().items()}
    selected: dict[str, set[str]] = {}
    for (kind, name), document in manifests().items():
        get_selector = {
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
            "Deployment": lambda spec: spec["selector"]["matchLabels"],
        }.get(kind)
        if get_selector is None:
            continue
        spec = document["spec"]
        matching = [command for command in labels if get_selector(spec).items() <= labels[command].items()]
        assert len(matching) == 1, f"{kind} {name}"
        selected.setdefault(kind, set()).update(matching)
        if kind == "Service":
            names = {port["name"] for port in get_container(list_pod_templates()[matching[0]])["ports"]}
            assert {port["targetPort"] for port in spec["ports"]} <= names
    assert selected["PodDisruptionBudget"] == selected["Deployment"] == {"server", "worker"}
    assert selected["NetworkPolicy"] == set(labels)
    assert manifests()["Service", "wms-orders-grpc"]["spec"]["clusterIP"] == "None"


def test_only_the_autoscaler_sets_the_number_of_servers() -> None:
    """A number in the deployment would reset the autoscaler's number with every deployment."""
    target = manifests()["HorizontalPodAutoscaler", "wms-orders-server"]["spec"]["scaleTargetRef"]
    assert "replicas" not in manifests()[target["kind"], target["name"]]["spec"]


# Prometheus and Grafana


def test_prometheus_configuration_is_valid() -> None:
    """The rule files that it names are valid, too."""
    completed = subprocess.run(
        [find_promtool(), "check", "config", "prometheus.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_prometheus_scrapes_every_server_and_worker() -> None:
    """The targets are the service names and ports of the compose file."""
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    targets = {
        (name, config["port"])
        for job in yaml.safe_load(text)["scrape_configs"]
        for config in job.get("dns_sd_configs", [])
        for name in config["names"]
    }
    assert targets == {
        ("server", port_of(load_compose_services()["server"]["environment"]["HTTP_ADDR"])),
        ("worker", port_of(load_compose_services()["worker"]["environment"]["WORKER_HTTP_ADDR"])),
    }


@pytest.mark.parametrize("name", dashboards())
def test_expressions_of_dashboards_are_promql(name: str, tmp_path: Path) -> None:
    """promtool parses each expression as a rule."""
    rules = [
        {"record": f"dashboard:expression{number}", "expr": expression}
        for number, expression in enumerate(list_expressions(dashboards()[name]))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    completed = subprocess.run(
        [find_promtool(), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_records_used_by_dashboards_are_recorded() -> None:
    """Every `wms:…` series of a dashboard is recorded by a rule."""
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    recorded = set(re.findall(r"- record: (wms:[\w:]+)", rules))
    for name, dashboard in dashboards().items():
        for expression in list_expressions(dashboard):
            assert set(re.findall(r"wms:[\w:]+", expression)) <= recorded, f"{name}: {expression}"


def test_dashboards_are_consistent() -> None:
    """Each one has a unique name and id, panels that do not overlap, and a provisioned data source."""
    dashboards_by_name = dashboards()
    sources = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    )
    uids = {source["uid"] for source in sources["datasources"]}
    assert len({dashboard["uid"] for dashboard in dashboards_by_name.values()}) == len(dashboards_by_name)
    for name, dashboard in dashboards_by_name.items():
        occupied: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            grid_position = panel["gridPos"]
            cells = {
                (grid_position["x"] + right, grid_position["y"] + down)
                for right in range(grid_position["w"])
                for down in range(grid_position["h"])
            }
            assert not cells & occupied, f"{name}: {panel['title']} lies on another"
            assert max(x for x, _ in cells) < 24
            occupied |= cells
            assert panel["datasource"]["uid"] in uids
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_grafana_loads_the_dashboards() -> None:
    """Compose mounts them at the configured path, and the first one is the home page."""
    grafana = load_compose_services()["grafana"]
    provider = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "dashboards" / "dashboards.yml").read_text(encoding="utf-8")
    )["providers"][0]
    mounts = {volume["target"]: volume["source"] for volume in grafana["volumes"] if volume["type"] == "bind"}
    assert Path(mounts[provider["options"]["path"]]) == DEPLOY / "grafana" / "dashboards"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert home.name in dashboards()

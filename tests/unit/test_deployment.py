"""Compose file, manifests, configurations, dashboards: valid by their rules, of one mind with the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.support.deployment import (
    COMPOSE,
    DEPLOY,
    KINDS,
    KUBERNETES,
    ROOT,
    container,
    dashboards,
    expressions,
    load_compose,
    manifests,
    ours,
    pod_environment,
    pods,
    promtool,
    seconds,
    services,
    settings_of,
    unknown_variables,
)
from tests.support.image import stages
from wms_core.listeners import listen_address
from wms_core.settings import CoreSettings, postgres_url
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

#: Services without a health check, and why.
UNWATCHED = {
    "migrate": "ends by itself; compose waits for that",
    "simulator": "is asked for nothing, and ends when something is wrong",
    "otel-collector": "its image has no shell and no program that could look",
}
#: The version of Kubernetes whose schemas are taken.
KUBERNETES_VERSION = "1.34"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Give a folder with the secrets that the script makes."""
    shutil.copy(DEPLOY / "secrets" / "make", tmp_path)
    subprocess.run(["sh", str(tmp_path / "make")], check=True)  # noqa: S607 # the system's
    return tmp_path


# Compose


def test_compose_takes_the_file(tmp_path: Path) -> None:
    """Its own loader does, by the Compose Specification; a slip of the hand it refuses."""
    assert services()
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("healthcheck:", "heathcheck:"))
    assert "heathcheck" in load_compose(wrong).stderr


def test_no_container_has_more_rights_than_it_needs() -> None:
    """A user that is not root, a root folder that is read only, no capability."""
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
        assert "privileged" not in service, name


def test_versions_of_images_are_pinned() -> None:
    """By a tag that names one."""
    for name, service in services().items():
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: {service['image']}"


def test_every_service_is_watched() -> None:
    """By a health check, or there is a reason why not."""
    assert {name for name, service in services().items() if "healthcheck" not in service} == set(UNWATCHED)


def test_ports_are_published_on_loopback_only() -> None:
    """Who opens them to others does so on purpose."""
    for service in services().values():
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}


def test_server_and_workers_come_after_the_schema() -> None:
    """Which comes after Postgres."""
    after = {name: service["depends_on"] for name, service in ours().items()}
    assert after["migrate"]["postgres"]["condition"] == "service_healthy"
    for name in ("server", "worker"):
        assert after[name]["migrate"]["condition"] == "service_completed_successfully"
    assert services()["worker"]["deploy"]["replicas"] == 3


@pytest.mark.parametrize("name", KINDS)
def test_compose_sets_variables_that_exist_to_values_that_are_valid(
    name: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are read from them, and the time to end is what a drain may take."""
    service = services()[name]
    kind = KINDS[name]
    assert unknown_variables(kind, service["environment"]) == set()
    settings = settings_of(kind, service["environment"], secrets / "database_url", monkeypatch)
    assert settings.database_url.get_secret_value() == (secrets / "database_url").read_text()
    assert seconds(service["stop_grace_period"]) >= drain(settings)


def drain(settings: CoreSettings) -> float:
    """Give the seconds that the operations guide allows a process to end in."""
    if isinstance(settings, ServerSettings):
        return (settings.drain_delay + settings.drain_grace).total_seconds() + 15
    return settings.drain_grace.total_seconds() + 15 if isinstance(settings, WorkerSettings) else 0


def test_compose_publishes_what_the_server_listens_on() -> None:
    """And the image exposes it."""
    variables = services()["server"]["environment"]
    listened = {port_of(variables["SERVER_ADDR"]), port_of(variables["HTTP_ADDR"])}
    assert {port["target"] for port in services()["server"]["ports"]} == listened
    worker = services()["worker"]["environment"]
    listened_by_worker = {port_of(worker["WORKER_ADDR"]), port_of(worker["WORKER_HTTP_ADDR"])}
    final = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    assert {int(port) for port in final.given("EXPOSE").split()} == listened | listened_by_worker


def port_of(address: str) -> int:
    """Give the port of an address to listen on."""
    return int(listen_address(address).rpartition(":")[2])


def test_the_image_s_user_is_the_one_of_compose_and_kubernetes() -> None:
    """So that secrets can be read, and nothing else."""
    final = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    assert {service["user"] for service in ours().values()} == {final.given("USER")}
    for template in pods().values():
        context = template["spec"]["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == final.given("USER")


def test_the_secrets_fit_together(secrets: Path) -> None:
    """The address of the database has its password, which nobody else has; made again they stay."""
    password = (secrets / "postgres_password").read_text()
    url = (secrets / "database_url").read_text()
    assert len(password) >= 32
    postgres = services()["postgres"]["environment"]
    assert url == (
        f"postgresql://{postgres['POSTGRES_USER']}:{password}@postgres:5432/{postgres['POSTGRES_DB']}"
    )
    assert (secrets / "grafana_password").read_text() != password
    subprocess.run(["sh", str(secrets / "make")], check=True)  # noqa: S607 # the system's
    assert (secrets / "database_url").read_text() == url
    assert secrets.stat().st_mode & 0o077 == 0


def test_connections_fit_into_postgres() -> None:
    """Those of as many processes as a server has by itself, and of all workers."""
    allowed = int(re.findall(r"max_connections=(\d+)", " ".join(services()["postgres"]["command"]))[0])
    pool = CoreSettings.model_fields["database_pool_size"].default
    assert (8 + services()["worker"]["deploy"]["replicas"]) * pool + 10 <= allowed


def test_files_that_are_mounted_exist() -> None:
    """Configurations, and folders of Grafana's."""
    raw = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    mounted = [ROOT / entry["file"] for entry in raw["configs"].values()]
    mounted += [
        Path(volume["source"]) for volume in services()["grafana"]["volumes"] if volume["type"] == "bind"
    ]
    assert all(path.exists() for path in mounted), mounted
    assert (DEPLOY / "secrets" / ".gitignore").read_text().startswith("*\n")


def test_the_ensemble_is_the_one_that_workers_are_told_of() -> None:
    """Each node by its number, and a session of theirs is granted."""
    text = (DEPLOY / "zookeeper" / "zoo.cfg").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\S+?)=(\S+)$", text, re.MULTILINE))
    nodes = {name: service for name, service in services().items() if name.startswith("zookeeper-")}
    for name, service in nodes.items():
        assert values[f"server.{service['environment']['ZOO_MY_ID']}"] == f"{name}:2888:3888"
    assert services()["worker"]["environment"]["ZOOKEEPER_HOSTS"] == ",".join(
        f"{name}:{values['clientPort']}" for name in sorted(nodes)
    )
    asked = 1000 * WorkerSettings.model_fields["zookeeper_session_timeout"].default.total_seconds()
    assert 2 * int(values["tickTime"]) <= asked <= 20 * int(values["tickTime"])
    assert "srvr" in values["4lw.commands.whitelist"]


def test_the_broker_is_the_one_that_workers_are_told_of_and_takes_our_largest_event() -> None:
    """With what comes around it."""
    text = (DEPLOY / "kafka" / "server.properties").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(\S+?)=(\S+)$", text, re.MULTILINE))
    brokers = services()["worker"]["environment"]["KAFKA_BROKERS"]
    assert values["advertised.listeners"] == f"PLAINTEXT://{brokers}"
    largest = CoreSettings.model_fields["event_max_bytes"].default
    assert int(values["message.max.bytes"]) >= largest + 100_000


def test_the_image_is_made_of_what_docker_may_see() -> None:
    """What the Dockerfile copies is there, and .dockerignore lets it through and nothing else."""
    build, _ = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    copied = {source for kind, argument in build.steps if kind == "COPY" for source in argument.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)
    assert "*" in lines


# Kubernetes


def named(document: Any) -> str:
    """Give kind and name of a manifest, for people."""
    return f"{document['kind']} {document['metadata']['name']}"


@pytest.mark.parametrize(
    "document", [found for (kind, _), found in manifests().items() if kind != "Kustomization"], ids=named
)
def test_kubernetes_takes_every_manifest(document: Any) -> None:
    """By the schemas of its API, which know all fields."""
    kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_kubernetes_schemas_know_a_slip_of_the_hand() -> None:
    """So that the test above can fail."""
    document = {**manifests()["Deployment", "wms-orders-worker"], "spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_all_manifests_are_applied_but_the_example() -> None:
    """The list of kustomize names each file."""
    listed = manifests()["Kustomization", ""]["resources"]
    there = {file.name for file in KUBERNETES.glob("*.yaml")}
    assert set(listed) == there - {"kustomization.yaml", "secret.example.yaml"}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("command", KINDS)
def test_pods_set_variables_that_exist_to_values_that_are_valid(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the secret of the example; and they are given the time that a drain may take."""
    template, kind = pods()[command], KINDS[command]
    environment = pod_environment(template)
    assert unknown_variables(kind, environment) == set()
    url = manifests()["Secret", "wms-orders"]["stringData"]["database_url"]
    (tmp_path / "database_url").write_text(url)
    settings = settings_of(kind, environment, tmp_path / "database_url", monkeypatch)
    assert settings.database_url == postgres_url(settings.database_url)
    assert settings.database_url.get_secret_value() == url
    assert template["spec"].get("terminationGracePeriodSeconds", 30) >= drain(settings)
    (mount,) = [one for one in container(template)["volumeMounts"] if one["name"] == "secrets"]
    assert environment["DATABASE_URL_FILE"] == f"{mount['mountPath']}/database_url"


@pytest.mark.parametrize("command", KINDS)
def test_pods_have_no_more_rights_than_they_need(command: str) -> None:
    """As the restricted standard of pod security asks, and a read-only root besides."""
    template = pods()[command]
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    assert template["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert template["spec"]["automountServiceAccountToken"] is False
    context = container(template)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container(template)["image"] == manifests()["Kustomization", ""]["images"][0]["name"]


@pytest.mark.parametrize("command", ["server", "worker"])
def test_ports_and_probes_are_where_the_process_listens(command: str) -> None:
    """Startup, liveness and readiness, each on a port of the container."""
    template = pods()[command]
    environment = pod_environment(template)
    listened = {
        port_of(environment[name])
        for name in ("SERVER_ADDR", "HTTP_ADDR", "WORKER_ADDR", "WORKER_HTTP_ADDR")
        if name in environment
    }
    assert {port["containerPort"] for port in container(template)["ports"]} == listened
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        (asked,) = [
            container(template)[probe][how]
            for how in ("grpc", "httpGet")
            if how in container(template)[probe]
        ]
        assert asked["port"] in listened
    assert template["metadata"]["annotations"]["prometheus.io/port"] in map(str, listened)


def test_what_selects_pods_finds_them() -> None:
    """Services, budgets and policies; and every pod of a deployment has a budget, every one a policy."""
    labels = {command: template["metadata"]["labels"] for command, template in pods().items()}
    selected: dict[str, set[str]] = {}
    for (kind, name), document in manifests().items():
        wanted = {
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
            "Deployment": lambda spec: spec["selector"]["matchLabels"],
        }.get(kind)
        if wanted is None:
            continue
        spec = document["spec"]
        found = [command for command in labels if wanted(spec).items() <= labels[command].items()]
        assert len(found) == 1, f"{kind} {name}"
        selected.setdefault(kind, set()).update(found)
        if kind == "Service":
            names = {port["name"] for port in container(pods()[found[0]])["ports"]}
            assert {port["targetPort"] for port in spec["ports"]} <= names
    assert selected["PodDisruptionBudget"] == selected["Deployment"] == {"server", "worker"}
    assert selected["NetworkPolicy"] == set(labels)
    assert manifests()["Service", "wms-orders-grpc"]["spec"]["clusterIP"] == "None"


def test_nobody_but_the_autoscaler_says_how_many_servers_there_are() -> None:
    """A number in the deployment would undo the autoscaler's at every change."""
    target = manifests()["HorizontalPodAutoscaler", "wms-orders-server"]["spec"]["scaleTargetRef"]
    assert "replicas" not in manifests()[target["kind"], target["name"]]["spec"]


# Prometheus and Grafana


def test_prometheus_takes_its_configuration() -> None:
    """And the rules that it names."""
    done = subprocess.run(
        [promtool(), "check", "config", "prometheus.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_asks_every_server_and_worker() -> None:
    """By the names and ports of compose."""
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    asked = {
        (name, found["port"])
        for job in yaml.safe_load(text)["scrape_configs"]
        for found in job.get("dns_sd_configs", [])
        for name in found["names"]
    }
    assert asked == {
        ("server", port_of(services()["server"]["environment"]["HTTP_ADDR"])),
        ("worker", port_of(services()["worker"]["environment"]["WORKER_HTTP_ADDR"])),
    }


@pytest.mark.parametrize("name", dashboards())
def test_what_dashboards_ask_is_promql(name: str, tmp_path: Path) -> None:
    """Each expression stands as a rule, which promtool reads."""
    rules = [
        {"record": f"dashboard:expression{number}", "expr": expression}
        for number, expression in enumerate(expressions(dashboards()[name]))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [promtool(), "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_name_records_that_are_recorded() -> None:
    """Every `wms:…` series of theirs is recorded by a rule."""
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8")
    recorded = set(re.findall(r"- record: (wms:[\w:]+)", rules))
    for name, dashboard in dashboards().items():
        for expression in expressions(dashboard):
            assert set(re.findall(r"wms:[\w:]+", expression)) <= recorded, f"{name}: {expression}"


def test_dashboards_are_whole() -> None:
    """Each has a name and an id of its own, panels beside each other, and a source that Grafana is given."""
    found = dashboards()
    sources = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    )
    uids = {source["uid"] for source in sources["datasources"]}
    assert len({dashboard["uid"] for dashboard in found.values()}) == len(found)
    for name, dashboard in found.items():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            squares = {
                (place["x"] + right, place["y"] + down)
                for right in range(place["w"])
                for down in range(place["h"])
            }
            assert not squares & taken, f"{name}: {panel['title']} lies on another"
            assert max(x for x, _ in squares) < 24
            taken |= squares
            assert panel["datasource"]["uid"] in uids
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_grafana_finds_the_dashboards() -> None:
    """Where compose mounts them, the first one as its home."""
    grafana = services()["grafana"]
    provider = yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "dashboards" / "dashboards.yml").read_text(encoding="utf-8")
    )["providers"][0]
    mounts = {volume["target"]: volume["source"] for volume in grafana["volumes"] if volume["type"] == "bind"}
    assert Path(mounts[provider["options"]["path"]]) == DEPLOY / "grafana" / "dashboards"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert home.name in dashboards()

"""What deploy/ asks of a server and a worker that run: their metrics, and by probes their health."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import chain

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import is_ready
from tests.support.deployment import container, dashboards, expressions, pods, selectors
from tests.support.invariants import Sql
from tests.support.pages import get
from tests.support.processes import NO_KAFKA, RELAY, Process, Processes, open_client
from tests.support.requests import create_order
from tests.support.several import Several
from tests.support.waiting import eventually
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

#: Labels that Prometheus and histograms add.
FOREIGN = {"instance", "job", "le"}
Labels = Mapping[str, set[str]]


def _worker(processes: Processes, database_url: str, http_port: int) -> Process:
    """Start a worker of both roles; there is no Kafka for what it would publish."""
    roles = {"worker_roles": "fulfillment,relay", "kafka_brokers": NO_KAFKA}
    http_addr = f"127.0.0.1:{http_port}"
    return processes.worker(database_url, metrics_refresh="0", worker_http_addr=http_addr, **roles)


async def _told(port: int) -> Labels:
    """Give the labels of each series of a page of metrics, by its name."""
    _, body = await get(port, "/metrics")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def test_dashboards_show_what_server_and_worker_tell(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """Every metric of theirs is on a live page, with the labels that they ask by or group by."""
    # As when a relay has published something.
    await sql.execute("INSERT INTO relay_positions (relay, position) VALUES ('kafka', 0)")
    worker_port = free_port()
    server, worker = Several(processes, database_url), _worker(processes, database_url, worker_port)
    await server.serving()
    await worker.serving(RELAY)
    async with open_client(server.supervisor.address) as api:
        await api.orders.CreateOrder(create_order())
    asked = [
        (name, expression)
        for name, dashboard in dashboards().items()
        for expression in expressions(dashboard)
    ]

    async def missing() -> set[str]:
        series = {*await _told(server.http), *await _told(worker_port)}
        return {
            metric for _, expression in asked for metric, _ in selectors(expression) if metric not in series
        }

    async def all_there() -> bool:
        return not await missing()

    try:
        await eventually(all_there, 20)
    except AssertionError:
        pytest.fail(f"on no page: {await missing()}")
    series = {**await _told(server.http), **await _told(worker_port)}
    for name, expression in asked:
        metrics = list(selectors(expression))
        labels = set(chain.from_iterable(series[metric] for metric, _ in metrics)) | FOREIGN
        for metric, matchers in metrics:
            named = set(re.findall(r"(\w+)[!=]=?~?\"", matchers))
            assert named <= series[metric] | FOREIGN, f"{name}: {expression}"
        if metrics:
            grouped = {
                word.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for word in by.split(",")
            }
            assert grouped <= labels, f"{name}: {expression}"


@pytest.mark.parametrize("command", ["server", "worker"])
async def test_probes_of_kubernetes_find_a_process_that_is_well(
    processes: Processes, database_url: str, command: str
) -> None:
    """By gRPC's health, and its pages, as the manifest asks; a service of another name is not known."""
    if command == "server":
        server = Several(processes, database_url, server_processes="1")
        await server.serving()
        address, page_port = server.supervisor.address, server.http
    else:
        page_port = free_port()
        worker = _worker(processes, database_url, page_port)
        await worker.serving()
        address = worker.address
    pod = container(pods()[command])
    probes = [pod[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    async with grpc.aio.insecure_channel(address) as channel:
        for probe in probes:
            if "grpc" in probe:
                service = probe["grpc"].get("service", "")
                await eventually(partial(is_ready, channel, service))
            else:
                assert (await get(page_port, probe["httpGet"]["path"]))[0] == 200
        assert not await is_ready(channel, "another")

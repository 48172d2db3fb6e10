"""Metrics and probes that deploy/ uses, on a running server and worker."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import chain

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import is_ready
from tests.support.invariants.database import SqlConnection
from tests.support.processes.admin_endpoints import get_page
from tests.support.processes.processes import RELAY_HEALTH, UNREACHABLE_KAFKA, Process, Processes, open_client
from tests.support.processes.server_group import ServerGroup
from tests.support.specs.deployment import (
    dashboards,
    find_metric_selectors,
    get_container,
    list_expressions,
    list_pod_templates,
)
from tests.support.waiting import eventually
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

#: Labels that Prometheus and histograms add.
FOREIGN = {"instance", "job", "le"}
Labels = Mapping[str, set[str]]


def _worker(processes: Processes, database_url: str, http_port: int) -> Process:
    """Start a worker with both roles. There is no Kafka for its relay."""
    roles = {"worker_roles": "fulfillment,relay", "kafka_brokers": UNREACHABLE_KAFKA}
    http_addr = f"127.0.0.1:{http_port}"
    return processes.worker(database_url, metrics_refresh="0", worker_http_addr=http_addr, **roles)


async def _read_series_labels(port: int) -> Labels:
    """Return the labels of each series of a metrics page, by metric name."""
    _, body = await get_page(port, "/metrics")
    labels_by_name: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            labels_by_name.setdefault(sample.name, set()).update(sample.labels)
    return labels_by_name


async def test_dashboards_use_existing_metrics(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Every metric of the service in a dashboard is exported, with the labels of its filters and groups."""
    # As after a relay has published events.
    await sql.execute("INSERT INTO relay_positions (relay, position) VALUES ('kafka', 0)")
    worker_port = find_free_port()
    server, worker = ServerGroup(processes, database_url), _worker(processes, database_url, worker_port)
    await server.wait_until_serving()
    await worker.wait_until_serving(RELAY_HEALTH)
    async with open_client(server.supervisor.address) as api:
        await api.orders.CreateOrder(create_order())
    expressions = [
        (name, expression)
        for name, dashboard in dashboards().items()
        for expression in list_expressions(dashboard)
    ]

    async def find_missing() -> set[str]:
        series = {*await _read_series_labels(server.http_port), *await _read_series_labels(worker_port)}
        return {
            metric
            for _, expression in expressions
            for metric, _ in find_metric_selectors(expression)
            if metric not in series
        }

    async def are_all_exported() -> bool:
        return not await find_missing()

    try:
        await eventually(are_all_exported, 20)
    except AssertionError:
        pytest.fail(f"on no page: {await find_missing()}")
    series = {**await _read_series_labels(server.http_port), **await _read_series_labels(worker_port)}
    for name, expression in expressions:
        metrics = list(find_metric_selectors(expression))
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
async def test_the_probes_of_the_kubernetes_manifest_succeed(
    processes: Processes, database_url: str, command: str
) -> None:
    """By the gRPC health service and by HTTP, as in the manifest. An unknown service is not found."""
    if command == "server":
        server = ServerGroup(processes, database_url, server_processes="1")
        await server.wait_until_serving()
        address, page_port = server.supervisor.address, server.http_port
    else:
        page_port = find_free_port()
        worker = _worker(processes, database_url, page_port)
        await worker.wait_until_serving()
        address = worker.address
    pod = get_container(list_pod_templates()[command])
    probes = [pod[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    async with grpc.aio.insecure_channel(address) as channel:
        for probe in probes:
            if "grpc" in probe:
                service = probe["grpc"].get("service", "")
                await eventually(partial(is_ready, channel, service))
            else:
                assert (await get_page(page_port, probe["httpGet"]["path"]))[0] == 200
        assert not await is_ready(channel, "another")

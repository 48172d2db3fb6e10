"""The attacked service: a server of two processes and a worker, with the settings of the manifests."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attack.memory_meter import MIB
from tests.attack.registry import Target
from tests.support.builders.requests import create_order, item
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process, Processes, open_client
from tests.support.specs.deployment import get_container, list_pod_templates, manifests
from tests.support.waiting import eventually
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.free_port import find_free_port

#: Settings of the manifests that name places, which differ here.
_PLACES = (
    "SERVER_ADDR",
    "WORKER_ADDR",
    "DATABASE_URL_FILE",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "KAFKA_BROKERS",
    "ZOOKEEPER_HOSTS",
)
_START_SECONDS = 60.0
_POSTGRES = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: Orders whose list is larger than any window.
_LARGE_ORDERS = 20


@dataclass(frozen=True, slots=True)
class Service:
    """The processes of the service, and their ports."""

    target: Target
    server: Process
    worker: Process

    def log_entries(self) -> list[dict[str, Any]]:
        """Return the log entries of server and worker, without lines of libraries that are not JSON."""
        lines = [line for process in (self.server, self.worker) for line in process.output_text.splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def count_ended_processes(self) -> int:
        """Return how many processes have ended or were killed since the start."""
        ended_entries = [entry for entry in self.log_entries() if entry["event"] == "process_ended"]
        return len(ended_entries) + (not self.server.is_running) + (not self.worker.is_running)

    def errors_since(self, count: int) -> list[str]:
        """Return the errors logged after the first `count`, each with the class of its exception."""
        errors = [entry for entry in self.log_entries() if entry["level"] in ("error", "critical")]
        return [f"{entry['event'][:80]} ({_cause(entry)})" for entry in errors[count:]]


def _cause(entry: dict[str, Any]) -> str:
    causes = [f"{cause['exc_type']}: {cause['exc_value']}" for cause in entry.get("exception", ())]
    return ", ".join(causes)[:120]


def memory_limit_bytes(component: str) -> int:
    """Return the memory limit of a container in the manifests, in bytes."""
    text: str = get_container(list_pod_templates()[component])["resources"]["limits"]["memory"]
    return int(text.removesuffix("Mi")) * MIB


def _settings(component: str) -> dict[str, str]:
    """Return the settings of the manifests, without settings that name places."""
    names = ("wms-orders", f"wms-orders-{component}")
    data = [manifests()["ConfigMap", name]["data"] for name in names]
    return {name.lower(): value for part in data for name, value in part.items() if name not in _PLACES}


@asynccontextmanager
async def open_service() -> AsyncIterator[Service]:
    """Start Postgres, a server and a worker with a few large orders, and stop them at the end."""
    postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=_POSTGRES)
    with tempfile.TemporaryDirectory(prefix="wms-attack-") as folder, postgres:
        processes = Processes(Path(folder))
        try:
            yield await _start_service(processes, postgres)
        finally:
            processes.kill_all()


async def _start_service(processes: Processes, postgres: EmbeddedPostgres) -> Service:
    http_port, worker_http_port = find_free_port(), find_free_port()
    own = {"http_addr": f"127.0.0.1:{http_port}"}
    server = processes.server(
        postgres.dsn, **{**_settings("server"), **own}, address=f"127.0.0.1:{find_free_port()}"
    )
    own = {"worker_http_addr": f"127.0.0.1:{worker_http_port}", "fulfillment_interval": "1s"}
    worker = processes.worker(
        postgres.dsn,
        **{**_settings("worker"), "standalone_lease": "10s", **own},
        address=f"127.0.0.1:{find_free_port()}",
    )
    await eventually(lambda: _all_processes_are_ready(server), within=_START_SECONDS)
    await worker.wait_until_serving(FULFILLMENT_HEALTH, within=_START_SECONDS)
    target = Target(
        grpc_port=_port(server),
        http_port=http_port,
        worker_grpc_port=_port(worker),
        worker_http_port=worker_http_port,
        database_url=postgres.dsn,
        postgres_pid=postgres.postmaster_pid,
    )
    lines = [item("S" * 240 + f"{number:04}") for number in range(500)]
    async with open_client(target.address) as api:
        orders = (api.orders.CreateOrder(create_order(items=lines)) for _ in range(_LARGE_ORDERS))
        await asyncio.gather(*orders)
    return Service(target, server, worker)


async def _all_processes_are_ready(server: Process) -> bool:
    ready = {entry["pid"] for entry in server.find_log_entries("readiness_changed") if entry["ready"]}
    return len(ready) == int(_settings("server")["server_processes"])


def _port(process: Process) -> int:
    return int(process.address.rpartition(":")[2])

"""A worker replica in this process or in a process of its own, and its admin endpoints."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from opentelemetry.sdk.trace.export import SpanExporter
from pydantic import SecretStr

from tests.support.clients.grpc_api import is_ready
from tests.support.processes import admin_endpoints
from tests.support.waiting import eventually
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.free_port import find_free_port
from wms_worker.app import open_application
from wms_worker.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Worker:
    """The HTTP and gRPC ports of a replica, with requests to them."""

    port: int
    grpc_port: int = 0

    async def get_page(self, path: str) -> tuple[int, str]:
        """Return status and body of a page."""
        return await admin_endpoints.get_page(self.port, path)

    async def get_json(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of a page."""
        status, body = await self.get_page(path)
        return status, json.loads(body)

    async def read_metric(self, name: str, **labels: str) -> float | None:
        """Return the value of a metric sample; None if there is none."""
        return await admin_endpoints.read_metric(self.port, name, **labels)

    def metric_condition(self, value: float, name: str, **labels: str) -> Callable[[], Awaitable[bool]]:
        """Return the condition that a metric sample has a value."""

        async def condition() -> bool:
            return await self.read_metric(name, **labels) == value

        return condition

    async def is_active(self) -> bool:
        """Return whether the replica has the fulfillment role, by its health service."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            return await is_ready(channel, "wms.orders.worker.fulfillment")

    async def is_up(self) -> bool:
        """Return whether the page /health responds."""
        try:
            return (await self.get_page("/health"))[0] == 200
        except OSError:
            return False


@asynccontextmanager
async def open_worker(
    database_url: str, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[Worker]:
    """Run a replica in this process during the block, with short cycles and metrics without a cache.

    Tracing is enabled if there is an exporter.
    """
    port, grpc_port = find_free_port(), find_free_port()
    worker_settings = {
        "worker_addr": f"127.0.0.1:{grpc_port}",
        "worker_http_addr": f"127.0.0.1:{port}",
        "worker_roles": "fulfillment",
        "fulfillment_interval": timedelta(milliseconds=50),
        "metrics_refresh": timedelta(0),
        "zookeeper_hosts": "",
        "tracing_enabled": exporter is not None,
        **settings,
    }
    async with open_application(
        WorkerSettings(database_url=SecretStr(database_url), **worker_settings), exporter
    ):
        yield Worker(port, grpc_port)


@asynccontextmanager
async def run_worker_process(database_url: str, **environment: str) -> AsyncIterator[Worker]:
    """Run a replica as a process during the block."""
    port, grpc_port = find_free_port(), find_free_port()
    worker_variables = {
        "DATABASE_URL": database_url,
        "WORKER_ADDR": f"127.0.0.1:{grpc_port}",
        "WORKER_HTTP_ADDR": f"127.0.0.1:{port}",
        "WORKER_ROLES": "fulfillment",
        "FULFILLMENT_INTERVAL": "50ms",
        "METRICS_REFRESH": "0s",
        "ZOOKEEPER_HOSTS": "",
        "TRACING_ENABLED": "false",
        **environment,
    }
    process = subprocess.Popen(  # noqa: ASYNC220 # takes only a millisecond
        with_parent_death_signal([sys.executable, "-m", "wms_core.cli", "worker"]),
        env={**os.environ, **worker_variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        worker = Worker(port, grpc_port)
        await eventually(worker.is_up)
        yield worker
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        finally:
            process.kill()

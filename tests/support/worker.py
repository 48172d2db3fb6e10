"""A worker replica, in this process or in one of its own, and what its ports tell."""

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

from tests.support import pages
from tests.support.api import is_ready
from tests.support.waiting import eventually
from wms_core.tether import tethered
from wms_dev.ports import free_port
from wms_worker.app import open_application
from wms_worker.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Worker:
    """A replica as those see it who ask at its ports, that of HTTP and that of gRPC."""

    port: int
    grpc_port: int = 0

    async def get(self, path: str) -> tuple[int, str]:
        """Give status and body of a page."""
        return await pages.get(self.port, path)

    async def page(self, path: str) -> tuple[int, dict[str, Any]]:
        """Give status and JSON of a page."""
        status, body = await self.get(path)
        return status, json.loads(body)

    async def metric(self, name: str, **labels: str) -> float | None:
        """Give the value of a sample; None when there is none."""
        return await pages.metric(self.port, name, **labels)

    def shows(self, value: float, name: str, **labels: str) -> Callable[[], Awaitable[bool]]:
        """Give the condition that a sample has a value."""

        async def condition() -> bool:
            return await self.metric(name, **labels) == value

        return condition

    async def is_active(self) -> bool:
        """Ask over gRPC whether it acts."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            return await is_ready(channel, "wms.orders.worker.fulfillment")

    async def is_up(self) -> bool:
        """Say whether its page of health can be read."""
        try:
            return (await self.get("/health"))[0] == 200
        except OSError:
            return False


@asynccontextmanager
async def open_worker(
    database_url: str, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[Worker]:
    """Run a replica in this process: quick cycles and metrics that are never old; traced with an exporter."""
    port, grpc_port = free_port(), free_port()
    chosen = {
        "worker_addr": f"127.0.0.1:{grpc_port}",
        "worker_http_addr": f"127.0.0.1:{port}",
        "worker_roles": "fulfillment",
        "fulfillment_interval": timedelta(milliseconds=50),
        "metrics_refresh": timedelta(0),
        "zookeeper_hosts": "",
        "tracing_enabled": exporter is not None,
        **settings,
    }
    async with open_application(WorkerSettings(database_url=SecretStr(database_url), **chosen), exporter):
        yield Worker(port, grpc_port)


@asynccontextmanager
async def worker_process(database_url: str, **environment: str) -> AsyncIterator[Worker]:
    """Run a replica as its own process until the end."""
    port, grpc_port = free_port(), free_port()
    ours = {
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
    process = subprocess.Popen(  # noqa: ASYNC220 # starting takes a millisecond
        tethered([sys.executable, "-m", "wms_core.command", "worker"]),
        env={**os.environ, **ours},
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

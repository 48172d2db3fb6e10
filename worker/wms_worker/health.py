"""What probes are told of a replica, on one port: gRPC health, and pages over HTTP."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2_grpc

from wms_core.health import HealthServicer
from wms_core.readiness import Readiness
from wms_worker.door import open_door
from wms_worker.metrics import Metrics
from wms_worker.standing import Standing
from wms_worker.web import Pages, serve_pages

_WATCHER_LIMIT = 64  # clients that may watch the health of a worker at a time
_OPTIONS = (
    # Probes that are gone without a word are noticed by pings they don't answer.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


class Health:
    """Tells probes what this replica is; no client makes it wait."""

    def __init__(self, servicer: HealthServicer, standing: Standing, metrics: Metrics) -> None:
        """Use `health_server` instead."""
        self._servicer = servicer
        self._standing = standing
        self._metrics = metrics

    def set_active(self, role: str, *, active: bool, epoch: int = 0) -> None:
        """Say whether this replica acts in a role (`wms.orders.worker.<role>`), and by which epoch."""
        part = self._standing.parts[role]
        part.active = active
        part.epoch = epoch or part.epoch
        self._metrics.acts(role, active=active, epoch=epoch)
        self._servicer.set(f"wms.orders.worker.{role}", serving=active)


@asynccontextmanager
async def health_server(
    address: str, standing: Standing, metrics: Metrics, readiness: Readiness, pages: Pages
) -> AsyncIterator[Health]:
    """Serve the health and the pages of a replica that is alive and passive. Raises PortTaken."""
    servicer = HealthServicer(_WATCHER_LIMIT, readiness.report_json)
    health = Health(servicer, standing, metrics)
    servicer.set("", serving=readiness.is_ready)
    readiness.on_change = lambda ready: servicer.set("", serving=ready)
    for role in standing.parts:
        health.set_active(role, active=False)
    async with AsyncExitStack() as stack:
        # Names of Linux's abstract sockets, which leave nothing behind when the worker is killed.
        grpc_name, http_name = (f"wms-worker-{uuid.uuid4()}" for _ in range(2))
        server = grpc.aio.server(options=_OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        server.add_insecure_port(f"unix-abstract:{grpc_name}")
        await server.start()
        stack.push_async_callback(server.stop, grace=0)
        await stack.enter_async_context(serve_pages(pages.application(), http_name))
        await stack.enter_async_context(open_door(address, grpc_name, http_name))
        try:
            yield health
        finally:
            await server.stop(grace=0.2)

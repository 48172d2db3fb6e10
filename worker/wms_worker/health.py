"""The gRPC health of a replica: whether it is alive and ready, and which roles it acts in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2_grpc

from wms_core.health import HealthServicer
from wms_core.listeners import bind_port
from wms_core.readiness import Readiness
from wms_worker.metrics import Metrics
from wms_worker.standing import Standing

_WATCHER_LIMIT = 64  # clients that may watch the health of a worker at a time
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    # A health request has some bytes: unfinished ones hold 4 KiB for each stream of each connection.
    ("grpc.max_receive_message_length", 4 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # Without probing the window stays at 64 KiB.
    ("grpc.http2.bdp_probe", 0),
    # Clients that connect and ask nothing, or have asked, make room for others.
    ("grpc.max_allowed_incoming_connections", 128),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_idle_ms", 60_000),
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
    address: str, standing: Standing, metrics: Metrics, readiness: Readiness
) -> AsyncIterator[Health]:
    """Serve the health of a replica that is alive and passive. Raises AddressError, PortInUse."""
    servicer = HealthServicer(_WATCHER_LIMIT, readiness.report_json)
    health = Health(servicer, standing, metrics)
    servicer.set("", serving=readiness.is_ready)
    readiness.on_change = lambda ready: servicer.set("", serving=ready)
    for role in standing.parts:
        health.set_active(role, active=False)
    server = grpc.aio.server(options=_OPTIONS)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    bind_port(server.add_insecure_port, "WORKER_ADDR", address)
    await server.start()
    try:
        yield health
    finally:
        await server.stop(grace=0.2)

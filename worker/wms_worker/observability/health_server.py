"""gRPC health service and HTTP pages of a replica: liveness, readiness, active roles, metrics."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import grpc
from grpc_health.v1 import health_pb2_grpc
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wms_core.runtime.connection_limits import ConnectionLimits
from wms_core.runtime.health_service import HealthServicer
from wms_core.runtime.http_server import serve_http
from wms_core.runtime.listeners import bind_port, open_listeners
from wms_core.runtime.readiness import ReadinessMonitor
from wms_worker.observability.backlog_gauges import BacklogGauges
from wms_worker.observability.metrics import WorkerMetrics
from wms_worker.observability.replica_status import ReplicaStatus

_MAX_HEALTH_WATCHERS = 64
_GRPC_SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    # A health request has a few bytes; an unfinished one holds up to this limit per stream.
    ("grpc.max_receive_message_length", 4 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # Without bandwidth probing the flow control window stays at 64 KiB.
    ("grpc.http2.bdp_probe", 0),
    # Connections without calls are limited in number and time, so that they do not block others.
    ("grpc.max_allowed_incoming_connections", 128),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.max_connection_idle_ms", 60_000),
    # Pings detect clients that disappeared without closing their connection.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


class HealthReporter:
    """Report the state of this replica to probes; a slow client never blocks it."""

    def __init__(
        self, health_servicer: HealthServicer, replica_status: ReplicaStatus, worker_metrics: WorkerMetrics
    ) -> None:
        self._health_servicer = health_servicer
        self._replica_status = replica_status
        self._worker_metrics = worker_metrics

    def set_active(self, role: str, *, is_active: bool, epoch: int = 0) -> None:
        """Set whether this replica is active in a role (`wms.orders.worker.<role>`), and its epoch."""
        role_status = self._replica_status.role_statuses[role]
        role_status.is_active = is_active
        role_status.epoch = epoch or role_status.epoch
        self._worker_metrics.set_role_active(role, is_active=is_active, epoch=epoch)
        self._health_servicer.set_serving(f"wms.orders.worker.{role}", is_serving=is_active)


@asynccontextmanager
async def open_health_server(
    address: str,
    replica_status: ReplicaStatus,
    worker_metrics: WorkerMetrics,
    readiness_monitor: ReadinessMonitor,
) -> AsyncIterator[HealthReporter]:
    """Serve the gRPC health of a replica, which starts as passive.

    Raises:
        AddressError: the address is invalid.
        PortInUse: another process listens on the port.
    """
    health_servicer = HealthServicer(_MAX_HEALTH_WATCHERS, readiness_monitor.encode_report)
    health_reporter = HealthReporter(health_servicer, replica_status, worker_metrics)
    health_servicer.set_serving("", is_serving=readiness_monitor.is_ready)
    readiness_monitor.on_change = lambda is_ready: health_servicer.set_serving("", is_serving=is_ready)
    for role in replica_status.role_statuses:
        health_reporter.set_active(role, is_active=False)
    server = grpc.aio.server(options=_GRPC_SERVER_OPTIONS)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    bind_port(server.add_insecure_port, "WORKER_ADDR", address)
    await server.start()
    try:
        yield health_reporter
    finally:
        await server.stop(grace=0.2)


#: Probes and Prometheus need few connections. One address gets at most a quarter of them.
_HTTP_CONNECTION_LIMITS = ConnectionLimits(
    max_connections=128,
    max_connections_per_peer=32,
    request_timeout_seconds=5.0,
    keep_alive_seconds=75.0,
)


class AdminPages:
    """The HTTP pages `/health`, `/ready` and `/metrics` of this replica."""

    def __init__(
        self,
        replica_status: ReplicaStatus,
        readiness_monitor: ReadinessMonitor,
        worker_metrics: WorkerMetrics,
        backlog_gauges: BacklogGauges,
    ) -> None:
        self._replica_status = replica_status
        self._readiness_monitor = readiness_monitor
        self._worker_metrics = worker_metrics
        self._backlog_gauges = backlog_gauges

    async def get_health(self, _: Request) -> Response:
        """Return 200 while the process runs."""
        return JSONResponse({"status": "alive", **self._replica_status.to_json_object()})

    async def get_ready(self, _: Request) -> Response:
        """Return the readiness report, with status 503 if not ready. A passive replica is ready, too."""
        return JSONResponse(
            self._readiness_monitor.build_report(), 200 if self._readiness_monitor.is_ready else 503
        )

    async def get_metrics(self, request: Request) -> Response:
        """Return all metrics in the format of Prometheus."""
        await self._backlog_gauges.refresh_snapshot()
        encode_metrics, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode_metrics(self._worker_metrics.collector_registry), media_type=media_type)

    def build_application(self) -> Starlette:
        """Return the pages as a Starlette application."""
        page_names = ("health", "ready", "metrics")
        return Starlette(routes=[Route(f"/{name}", getattr(self, f"get_{name}")) for name in page_names])


@asynccontextmanager
async def serve_admin_pages(admin_application: Starlette, address: str) -> AsyncIterator[None]:
    """Serve the pages at an address; serve nothing if it is empty.

    Raises:
        AddressError: the address is invalid.
        PortInUse: another process listens on the port.
    """
    if not address:
        yield
        return
    with open_listeners("WORKER_HTTP_ADDR", address) as http_listeners:
        async with serve_http(admin_application, http_listeners, _HTTP_CONNECTION_LIMITS, _encode_error_body):
            yield


def _encode_error_body(status: int) -> bytes:
    return json.dumps({"status": HTTPStatus(status).phrase.lower()}).encode()

"""The worker's pages: alive, ready, metrics."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wms_core.connection_limits import ConnectionLimits
from wms_core.http_server import serve_http
from wms_core.listeners import open_listeners
from wms_core.readiness import Readiness
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics
from wms_worker.standing import Standing

#: Probes and Prometheus are few; more than a quarter of the room for one address is not theirs.
_LIMITS = ConnectionLimits(
    max_connections=128,
    max_connections_per_peer=32,
    request_timeout_seconds=5.0,
    keep_alive_seconds=75.0,
)


class Pages:
    """What HTTP shows of this replica."""

    def __init__(
        self, standing: Standing, readiness: Readiness, metrics: Metrics, levels: LevelGauges
    ) -> None:
        """Show these."""
        self._standing = standing
        self._readiness = readiness
        self._metrics = metrics
        self._levels = levels

    async def health(self, _: Request) -> Response:
        """Answer as long as the process does anything at all."""
        return JSONResponse({"status": "alive", **self._standing.facts()})

    async def ready(self, _: Request) -> Response:
        """Answer 503 when it can't do its work, and why; a passive replica is ready too."""
        return JSONResponse(self._readiness.report(), 200 if self._readiness.is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """Give all metrics in Prometheus's format."""
        await self._levels.refresh()
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._metrics.registry), media_type=media_type)

    def application(self) -> Starlette:
        """Give the pages as an application."""
        names = ("health", "ready", "metrics")
        return Starlette(routes=[Route(f"/{name}", getattr(self, name)) for name in names])


@asynccontextmanager
async def serve_pages(application: Starlette, address: str) -> AsyncIterator[None]:
    """Serve the pages at an address; nothing when it is empty. Raises AddressError, PortInUse."""
    if not address:
        yield
        return
    with open_listeners("WORKER_HTTP_ADDR", address) as listeners:
        async with serve_http(application, listeners, _LIMITS, _error_body):
            yield


def _error_body(status: int) -> bytes:
    return json.dumps({"status": HTTPStatus(status).phrase.lower()}).encode()

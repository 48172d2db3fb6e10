"""The worker's pages: alive, ready, metrics."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wms_core.readiness import Readiness
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics
from wms_worker.standing import Standing


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


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker."""
        yield


@asynccontextmanager
async def serve_pages(application: Starlette, name: str) -> AsyncIterator[None]:
    """Serve HTTP on an abstract Unix socket; each connection is for one request."""
    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        headers=[("connection", "close")],
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    # Connections that come before uvicorn accepts any wait in the socket's backlog.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving

"""The server's pages: alive, ready, metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def pages(is_ready: Callable[[], bool], registry: CollectorRegistry) -> Starlette:
    """Give the pages as an application."""

    async def health(_: Request) -> Response:
        """Answer as long as the process does anything at all."""
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        """Answer 503 while the server can't do its work, as its gRPC health does."""
        return JSONResponse({"status": "ready"}) if is_ready() else JSONResponse({"status": "not ready"}, 503)

    async def metrics(request: Request) -> Response:
        """Give all metrics in Prometheus's format."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    return Starlette(routes=[Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)])

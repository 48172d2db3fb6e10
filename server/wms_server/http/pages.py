"""The server's pages: alive, ready, metrics."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.readiness import Readiness
from wms_server.http.api import Api, refused
from wms_server.http.reference import reference
from wms_server.http.refusals import MethodNotAllowed


def pages(readiness: Readiness, registry: CollectorRegistry) -> Starlette:
    """Give the pages as an application."""

    async def health(_: Request) -> Response:
        """Answer as long as the process does anything at all."""
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        """Answer 503 while the server can't do its work, as its gRPC health does; the body says why."""
        return JSONResponse(readiness.report(), 200 if readiness.is_ready else 503)

    async def metrics(request: Request) -> Response:
        """Give all metrics in Prometheus's format."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    routes = [Route("/health", health), Route("/ready", ready), Route("/metrics", metrics), *reference()]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refusal})


def beside(shown: Starlette, api: Api) -> ASGIApp:
    """Give the pages and the calls as one application; what is neither is refused as the calls do it."""
    shown.router.default = api

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["path"].startswith("/api/")
        await (api if is_call else shown)(scope, receive, send)

    return application


def _refusal(request: Request, error: Exception) -> Response:
    """Refuse a method that a page does not have."""
    assert isinstance(error, HTTPException)
    allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
    return refused(
        request.scope, MethodNotAllowed(method=request.method, path=request.url.path, allowed=allowed)
    )

"""Admin pages of the server: liveness, readiness, metrics and API documentation."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.runtime.readiness import ReadinessMonitor
from wms_server.http.api_docs import build_docs_routes
from wms_server.http.app import HttpApi, rejection_response
from wms_server.http.responses import MethodNotAllowed


def create_admin_app(readiness_monitor: ReadinessMonitor, collector_registry: CollectorRegistry) -> Starlette:
    """Return the application of the admin pages."""

    async def get_health(_: Request) -> Response:
        """Respond 200 as long as the event loop runs (liveness)."""
        return JSONResponse({"status": "alive"})

    async def get_readiness(_: Request) -> Response:
        """Respond 200 if ready, else 503, like the gRPC health service; the body has the reasons."""
        return JSONResponse(readiness_monitor.build_report(), 200 if readiness_monitor.is_ready else 503)

    async def get_metrics(request: Request) -> Response:
        """Respond with all metrics in the Prometheus format that the client accepts."""
        encode_metrics, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode_metrics(collector_registry), media_type=media_type)

    admin_routes = [
        Route("/health", get_health),
        Route("/ready", get_readiness),
        Route("/metrics", get_metrics),
        *build_docs_routes(),
    ]
    return Starlette(routes=admin_routes, exception_handlers={HTTPException: _reject_method})


def combine_apps(admin_app: Starlette, http_api: HttpApi) -> ASGIApp:
    """Return one application of admin pages and API; other paths get the API's error response."""
    admin_app.router.default = http_api

    async def dispatch_request(scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["path"].startswith("/api/")
        await (http_api if is_call else admin_app)(scope, receive, send)

    return dispatch_request


def _reject_method(request: Request, error: Exception) -> Response:
    """Respond to a method that a page does not support."""
    assert isinstance(error, HTTPException)
    allowed_methods = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
    return rejection_response(
        request.scope, MethodNotAllowed(method=request.method, path=request.url.path, allowed=allowed_methods)
    )

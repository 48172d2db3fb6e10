"""API documentation: the OpenAPI document at `/openapi.json` and Swagger UI at `/docs`."""

import gzip
from functools import cache, partial
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PACKAGE_FILES = files("wms_server.http")
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
}
_BROWSER_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "start.js")
#: The page loads nothing from other servers, and other pages cannot embed it.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def build_docs_routes() -> list[Route]:
    """Return the routes of the documentation."""
    return [
        Route("/openapi.json", partial(_send_file, name="openapi.json")),
        Route("/docs", partial(_send_file, name="browser/index.html")),
        *(
            Route(f"/docs/{asset_name}", partial(_send_file, name=f"browser/{asset_name}"))
            for asset_name in _BROWSER_ASSETS
        ),
    ]


async def _send_file(request: Request, name: str) -> Response:
    plain_bytes, gzip_bytes = _read_file(name)
    accepts_gzip = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
        "Cache-Control": "no-cache",
    }
    if accepts_gzip:
        headers["Content-Encoding"] = "gzip"
    return Response(
        gzip_bytes if accepts_gzip else plain_bytes, 200, headers, _MEDIA_TYPES[name[name.rindex(".") :]]
    )


@cache
def _read_file(name: str) -> tuple[bytes, bytes]:
    """Return a file uncompressed and gzipped; third-party files are stored gzipped."""
    gzip_file = _PACKAGE_FILES.joinpath(f"{name}.gz")
    if gzip_file.is_file():
        return gzip.decompress(gzip_file.read_bytes()), gzip_file.read_bytes()
    plain_bytes = _PACKAGE_FILES.joinpath(name).read_bytes()
    return plain_bytes, gzip.compress(plain_bytes)

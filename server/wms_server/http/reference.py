"""What the API is, for programs at `/openapi.json` and for people at `/docs`."""

import gzip
from functools import cache, partial
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_OURS = files("wms_server.http")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".json": "application/json"}
_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "start.js")
#: The page asks nobody else for anything, and no other page shows it within itself.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def reference() -> list[Route]:
    """Give the routes."""
    return [
        Route("/openapi.json", partial(_file, name="openapi.json")),
        Route("/docs", partial(_file, name="browser/index.html")),
        *(Route(f"/docs/{name}", partial(_file, name=f"browser/{name}")) for name in _ASSETS),
    ]


async def _file(request: Request, name: str) -> Response:
    plain, packed = _content(name)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
        "Cache-Control": "no-cache",
    }
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return Response(packed if zipped else plain, 200, headers, _TYPES[name[name.rindex(".") :]])


@cache
def _content(name: str) -> tuple[bytes, bytes]:
    """Give a file as it is, and compressed, which is how what others wrote is kept."""
    packed = _OURS.joinpath(f"{name}.gz")
    if packed.is_file():
        return gzip.decompress(packed.read_bytes()), packed.read_bytes()
    plain = _OURS.joinpath(name).read_bytes()
    return plain, gzip.compress(plain)

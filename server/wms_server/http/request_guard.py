"""Guard against requests that web pages of other sites make a browser send, and against unhandled errors.

A page has two ways to reach a server that its visitor can reach. DNS rebinding: a name of the page's owner
resolves to the server's address; then Host is that name. Cross-site requests: the page submits a form, which
needs no permission of the server; then Origin and Sec-Fetch-Site name the other site.

An unhandled error is logged under an id, and the response has only this id.
"""

import uuid
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_server.calls.error_status import build_internal_status
from wms_server.http.app import send_error_response
from wms_server.http.responses import CrossSiteRequest, HostNotAllowed, error_response
from wms_server.http.uvicorn_server import PROBE_PATHS

_LOOPBACK_NAMES = ("localhost", ".localhost")
_ANY_HOST = "*"
#: Safe methods (RFC 9110 9.2.1).
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FOREIGN_SITES = frozenset({b"cross-site", b"same-site"})
_MAX_SHOWN_CHARACTERS = 200  # characters of a header in an error
_DEFAULT_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-cache"))
_log = structlog.get_logger(__name__)


class AllowedHosts:
    """The host names of the server: configured names, loopback names, and all IP addresses.

    `.example.com` allows all names below it, and `*` all names. IP addresses are allowed because DNS
    rebinding needs a name.
    """

    def __init__(self, host_names: Iterable[str]) -> None:
        allowed_names = {name.lower() for name in (*host_names, *_LOOPBACK_NAMES)}
        self._allows_any = _ANY_HOST in allowed_names
        self._exact_names = frozenset(name for name in allowed_names if not name.startswith("."))
        self._name_suffixes = tuple(name for name in allowed_names if name.startswith("."))

    def is_allowed(self, host: str) -> bool:
        """Return whether requests with this Host header are accepted."""
        if self._allows_any:
            return True
        host_name = _get_host_name(host.lower())
        return (
            host_name in self._exact_names
            or host_name.endswith(self._name_suffixes)
            or _is_address(host_name)
        )


def guard_requests(asgi_app: ASGIApp, allowed_hosts: AllowedHosts, timeout_seconds: float) -> ASGIApp:
    """Return the guarded application; a rejected request has `timeout_seconds` to arrive."""
    is_allowed = lru_cache(maxsize=1024)(allowed_hosts.is_allowed)

    async def serve_guarded(scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                present_names = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _DEFAULT_HEADERS if header[0] not in present_names),
                ]
            await send(message)

        if error := _find_request_error(scope, is_allowed):
            await send_error_response(scope, receive, send_guarded, error, timeout_seconds)
            return
        try:
            await asgi_app(scope, receive, send_guarded)
        except Exception:
            error_id = str(uuid.uuid4())
            _log.exception("http_request_failed", method=scope["method"], error_id=error_id)
            if is_started:
                raise
            await error_response(build_internal_status(error_id), {})(scope, receive, send_guarded)

    return serve_guarded


def _find_request_error(scope: Scope, is_allowed: Any) -> WmsError | None:
    """Return the error of a request that must be rejected; the HTTP parser allows one Host at most."""
    if scope["path"] in PROBE_PATHS:
        return None
    host_headers = _get_header_values(scope, b"host")
    # Only HTTP/1.0 requests lack it, and browsers do not send these.
    if host_headers and not is_allowed(host_headers[0].decode("latin-1")):
        return HostNotAllowed(host=host_headers[0].decode("latin-1")[:_MAX_SHOWN_CHARACTERS])
    if scope["method"] in _SAFE_METHODS:
        return None
    for fetch_site in _get_header_values(scope, b"sec-fetch-site"):
        if fetch_site.lower() in _FOREIGN_SITES:
            return CrossSiteRequest(header="Sec-Fetch-Site", value=fetch_site.decode("latin-1"))
    for request_origin in _get_header_values(scope, b"origin"):
        if [request_origin.rpartition(b"://")[2].lower()] != [value.lower() for value in host_headers]:
            return CrossSiteRequest(
                header="Origin", value=request_origin.decode("latin-1")[:_MAX_SHOWN_CHARACTERS]
            )
    return None


def _get_header_values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for header, value in scope["headers"] if header == name]


def _get_host_name(host: str) -> str:
    """Return a Host header without its port and without a trailing dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(host_name: str) -> bool:
    try:
        ip_address(host_name)
    except ValueError:
        return False
    return True

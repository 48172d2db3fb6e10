"""What a web page of somebody else makes a browser send is refused, and no fault of ours goes out as text.

Two ways lead from a foreign page to a server that its visitor can reach. Rebinding: a name of the page's
owner resolves to the server's address; then Host is that name. Cross-site requests: the page sends a form,
which needs no permission of the server; then Origin and Sec-Fetch-Site say where it comes from.
"""

import uuid
from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_server.errors import internal_status
from wms_server.http.answers import failed
from wms_server.http.api import answer_with_error
from wms_server.http.crowding import PROBES
from wms_server.http.refusals import CrossSiteRequest, HostNotAllowed

_LOOPBACK = ("localhost", ".localhost")
_ANY = "*"
#: Methods that change nothing (RFC 9110 9.2.1).
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FOREIGN_SITES = frozenset({b"cross-site", b"same-site"})
_SHOWN = 200  # characters of a header in an error
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-cache"))
_log = structlog.get_logger(__name__)


class AllowedHosts:
    """The names by which a server may be called: its own, those of loopback, and every address.

    An address cannot be rebound: the page that names it came from there.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Allow these names; `.example.com` stands for all names below it, `*` for all names."""
        allowed = {name.lower() for name in (*names, *_LOOPBACK)}
        self._any = _ANY in allowed
        self._names = frozenset(name for name in allowed if not name.startswith("."))
        self._suffixes = tuple(name for name in allowed if name.startswith("."))

    def allow(self, host: str) -> bool:
        """Say whether a request with this Host is served."""
        if self._any:
            return True
        name = _name_of(host.lower())
        return name in self._names or name.endswith(self._suffixes) or _is_address(name)


def guarded(application: ASGIApp, hosts: AllowedHosts, timeout_seconds: float) -> ASGIApp:
    """Return the application behind the checks; a request that is refused has so long to arrive."""
    allow = lru_cache(maxsize=1024)(hosts.allow)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _HEADERS if header[0] not in present),
                ]
            await send(message)

        if error := _refusal(scope, allow):
            await answer_with_error(scope, receive, send_guarded, error, timeout_seconds)
            return
        try:
            await application(scope, receive, send_guarded)
        except Exception:
            error_id = str(uuid.uuid4())
            _log.exception("http_request_failed", method=scope["method"], error_id=error_id)
            if started:
                raise
            await failed(internal_status(error_id), {})(scope, receive, send_guarded)

    return serve


def _refusal(scope: Scope, allow: Any) -> WmsError | None:
    """Return the error of a request that is not served; its head has one Host at most."""
    if scope["path"] in PROBES:
        return None
    host = _header(scope, b"host")
    # Only HTTP/1.0 has none, which no browser speaks.
    if host and not allow(host[0].decode("latin-1")):
        return HostNotAllowed(host=host[0].decode("latin-1")[:_SHOWN])
    if scope["method"] in _SAFE_METHODS:
        return None
    for site in _header(scope, b"sec-fetch-site"):
        if site.lower() in _FOREIGN_SITES:
            return CrossSiteRequest(header="Sec-Fetch-Site", value=site.decode("latin-1"))
    for origin in _header(scope, b"origin"):
        if [origin.rpartition(b"://")[2].lower()] != [value.lower() for value in host]:
            return CrossSiteRequest(header="Origin", value=origin.decode("latin-1")[:_SHOWN])
    return None


def _header(scope: Scope, name: bytes) -> list[bytes]:
    return [value for header, value in scope["headers"] if header == name]


def _name_of(host: str) -> str:
    """Return a Host without its port, and without the dot that a full name may end with."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

"""What a connection is answered that comes when the server has as many as it takes."""

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_core.http_server import OVERFLOW_TIMEOUT_SECONDS
from wms_server.http.api import refused
from wms_server.http.bodies import arrived
from wms_server.http.calling import headers_of
from wms_server.http.refusals import TooManyConnections

#: Whoever looks after the server is answered all the same.
PROBES = frozenset({"/health", "/ready", "/metrics"})


def reject_over_limit(application: ASGIApp, limit: int) -> ASGIApp:
    """Return the application for a connection beyond the limit: it answers probes and refuses calls."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES:
            await application(scope, receive, send)
            return
        with suppress(WmsError, ClientDisconnect):
            # Who still sends would get a reset in place of the answer.
            await arrived(headers_of(scope), receive, OVERFLOW_TIMEOUT_SECONDS)
        await refused(scope, TooManyConnections(limit=limit))(scope, receive, send)

    return answer

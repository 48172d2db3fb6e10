"""What a connection is answered that comes when the server has as many as it takes."""

from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.http_server import OVERFLOW_TIMEOUT_SECONDS
from wms_server.http.api import answer_with_error
from wms_server.http.refusals import TooManyConnections

#: Whoever looks after the server is answered all the same.
PROBES = frozenset({"/health", "/ready", "/metrics"})


def reject_over_limit(application: ASGIApp, limit: int) -> ASGIApp:
    """Return the application for a connection beyond the limit: it answers probes and refuses calls."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in PROBES:
            await application(scope, receive, send)
            return
        error = TooManyConnections(limit=limit)
        await answer_with_error(scope, receive, send, error, OVERFLOW_TIMEOUT_SECONDS)

    return answer

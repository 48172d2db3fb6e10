"""What a connection is answered that comes when the server has as many as it takes."""

from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_server.http.api import refused
from wms_server.http.bodies import arrived
from wms_server.http.calling import headers_of
from wms_server.http.refusals import TooManyConnections

#: Connections beyond the limit that are answered at all; one more is closed.
RESERVE = 64
#: Seconds that such a connection has for its one request, at most.
PATIENCE = 1.0
#: Whoever looks after the server is answered all the same.
PROBES = frozenset({"/health", "/ready", "/metrics"})


def crowded_out(application: ASGIApp, limit: int, patience: float) -> ASGIApp:
    """Give what answers one request of a connection beyond the limit, and closes it then."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def last(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        if scope["path"] in PROBES:
            await application(scope, receive, last)
            return
        with suppress(WmsError, ClientDisconnect):
            # Who still sends would get a reset in place of the answer.
            await arrived(headers_of(scope), receive, patience)
        await refused(scope, TooManyConnections(limit=limit))(scope, receive, last)

    return answer

"""The guard of all pages and calls over HTTP."""

import httpx
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from tests.support.clients.http import parse_error_response

from wms_server.http.request_guard import AllowedHosts, guard_requests


async def _fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


async def test_internal_error_has_the_form_of_other_errors() -> None:
    """The response is JSON with an id that is logged, and has no detail of the cause."""
    application = guard_requests(_fail, AllowedHosts([]), 1.0)
    transport = httpx.ASGITransport(application)
    with capture_logs() as logged:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.get("/api/v1/orders")
    error = parse_error_response(response)
    assert (response.status_code, error["reason"]) == (500, "INTERNAL")
    (line,) = logged
    assert (line["event"], line["error_id"]) == ("http_request_failed", error["metadata"]["errorId"])
    assert "division" not in response.text

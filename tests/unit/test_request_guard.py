"""What stands before every page and call over HTTP."""

import httpx
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from tests.support.http import error_of
from wms_server.http.request_guard import AllowedHosts, guarded


async def _broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


async def test_a_fault_of_ours_is_an_error_like_any_other() -> None:
    """JSON with an id that is in the log, and nothing of the fault."""
    application = guarded(_broken, AllowedHosts([]), 1.0)
    transport = httpx.ASGITransport(application)
    with capture_logs() as logged:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.get("/api/v1/orders")
    error = error_of(response)
    assert (response.status_code, error["reason"]) == (500, "INTERNAL")
    (line,) = logged
    assert (line["event"], line["error_id"]) == ("http_request_failed", error["metadata"]["errorId"])
    assert "division" not in response.text

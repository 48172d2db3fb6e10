"""An HTTP client of a server in the process of the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from opentelemetry.sdk.trace.export import SpanExporter
from tests.support.clients.grpc_api import Api, open_api
from tests.support.waiting import time_limit

from wms_dev.free_port import find_free_port


@dataclass(frozen=True, slots=True)
class HttpTestServer:
    """A server with its HTTP port, an HTTP client and a gRPC client."""

    http_client: httpx.AsyncClient
    port: int
    api: Api

    async def send_raw(self, request: bytes, *, until: bytes = b"") -> bytes:
        """Send bytes. Return the bytes received until the server closes the connection, or until `until`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with time_limit(20):
                return await (reader.readuntil(until) if until else reader.read())
        finally:
            writer.close()


@asynccontextmanager
async def open_http_server(
    database_url: str, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[HttpTestServer]:
    """Run a server with these settings during the block."""
    port = find_free_port()
    address = f"127.0.0.1:{port}"
    async with (
        open_api(database_url, exporter, http_addr=address, **settings) as api,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=20) as client,
    ):
        yield HttpTestServer(client, port, api)


def parse_error_response(response: httpx.Response) -> dict[str, Any]:
    """Return the error of a response, which must be a Status in JSON with ErrorInfo first."""
    assert response.headers["content-type"] == "application/json"
    return parse_error_body(response.content)


def parse_error_body(body: bytes) -> dict[str, Any]:
    """Parse a Status into `code`, `message`, `reason`, `metadata`, and `faults` (descriptions by field)."""
    status = json.loads(body)
    info, *others = status["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert info["domain"] == "wms.orders"
    violations = [
        field_violation for detail in others for field_violation in detail.get("fieldViolations", ())
    ]
    return {
        "code": status["code"],
        "message": status["message"],
        "reason": info["reason"],
        "metadata": info.get("metadata", {}),
        "faults": {
            field_violation["field"]: field_violation["description"] for field_violation in violations
        },
    }

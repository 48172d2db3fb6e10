"""A client that speaks HTTP with a server inside the test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from opentelemetry.sdk.trace.export import SpanExporter

from tests.support.api import Api, open_api
from tests.support.waiting import time_limit
from wms_dev.ports import free_port


@dataclass(frozen=True, slots=True)
class Web:
    """A server: how to ask it over HTTP, where it listens, and a client of gRPC beside it."""

    http: httpx.AsyncClient
    port: int
    api: Api

    async def raw(self, request: bytes, *, until: bytes = b"") -> bytes:
        """Send these bytes and give what comes until the server closes, or until these bytes have come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with time_limit(20):
                return await (reader.readuntil(until) if until else reader.read())
        finally:
            writer.close()


@asynccontextmanager
async def open_web(
    database_url: str, exporter: SpanExporter | None = None, **settings: Any
) -> AsyncIterator[Web]:
    """Run a server with these settings until the end."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    async with (
        open_api(database_url, exporter, http_addr=address, **settings) as api,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=20) as client,
    ):
        yield Web(client, port, api)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """Give an answer's error as the contract has it: one Status in JSON with its ErrorInfo first."""
    assert response.headers["content-type"] == "application/json"
    return read_error(response.content)


def read_error(body: bytes) -> dict[str, Any]:
    """Read a Status: `code`, `message`, `reason`, `metadata`, and `faults` by field."""
    status = json.loads(body)
    info, *others = status["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert info["domain"] == "wms.orders"
    violations = [one for detail in others for one in detail.get("fieldViolations", ())]
    return {
        "code": status["code"],
        "message": status["message"],
        "reason": info["reason"],
        "metadata": info.get("metadata", {}),
        "faults": {one["field"]: one["description"] for one in violations},
    }

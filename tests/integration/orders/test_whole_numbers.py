"""Whole numbers in the payload of an event stay integers in every JSON output."""

import json
import re
from typing import Any

import pytest

from tests.support.builders.requests import create_order, item
from tests.support.clients.cli import run_command
from tests.support.clients.http import open_http_server
from tests.support.specs.asyncapi import find_payload_errors

pytestmark = pytest.mark.one_postgres


@pytest.fixture
async def server(database_url: str) -> Any:
    """Yield a server with an order of two units."""
    async with open_http_server(database_url) as server:
        await server.api.orders.CreateOrder(create_order(order_id="ORD-1", items=[item("A", 2)]))
        yield server


def expect_integers(text: str, payload: dict[str, Any]) -> None:
    """Assert that the quantity is an integer in the parsed payload and in the text."""
    (line,) = payload["items"]
    assert (line["quantity"], type(line["quantity"])) == (2, int)
    assert not re.search(r"\d\.0\b", text)
    # Consumers of Kafka parse the payload by this schema.
    assert find_payload_errors("wms.order.received", json.dumps(payload)) == []


async def test_http_responses_have_integers(server: Any) -> None:
    """In the order history and in the stream of events."""
    history = await server.http_client.get("/api/v1/orders/ORD-1/history")
    expect_integers(history.text, history.json()["events"][0]["payload"])
    async with server.http_client.stream("GET", "/api/v1/orders:watch?position=0") as stream:
        async for line in stream.aiter_lines():
            if line.startswith('data: {"event"'):
                expect_integers(line, json.loads(line.removeprefix("data: "))["event"]["payload"])
                break


async def test_command_output_has_integers(server: Any) -> None:
    """In the JSON output of the commands."""
    history = await run_command(server.api.address, "orders", "history", "ORD-1", "--output", "json")
    expect_integers(history.stdout_text, history.stdout_json["events"][0]["payload"])
    stream = await run_command(
        server.api.address, "orders", "watch", "--position", "0", "--limit", "1", "--output", "json"
    )
    expect_integers(stream.stdout_text, stream.stdout_json_lines[0]["payload"])

"""A whole number of an event's payload stays one, wherever the payload is shown as JSON."""

import json
import re
from typing import Any

import pytest

from tests.support.asyncapi import faults_of_payload
from tests.support.cli import run
from tests.support.http import open_web
from tests.support.requests import create_order, item

pytestmark = pytest.mark.one_postgres


@pytest.fixture
async def web(database_url: str) -> Any:
    """Give a server with an order of two units."""
    async with open_web(database_url) as opened:
        await opened.api.orders.CreateOrder(create_order(order_id="ORD-1", items=[item("A", 2)]))
        yield opened


def expect_integers(text: str, payload: dict[str, Any]) -> None:
    """See that the quantity is an integer, in what was read and in what was written."""
    (line,) = payload["items"]
    assert (line["quantity"], type(line["quantity"])) == (2, int)
    assert not re.search(r"\d\.0\b", text)
    # As its schema has it, which Kafka's consumers read it by.
    assert faults_of_payload("wms.order.received", json.dumps(payload)) == []


async def test_over_http(web: Any) -> None:
    """In the history, and in what is watched."""
    history = await web.http.get("/api/v1/orders/ORD-1/history")
    expect_integers(history.text, history.json()["events"][0]["payload"])
    async with web.http.stream("GET", "/api/v1/orders:watch?position=0") as watched:
        async for line in watched.aiter_lines():
            if line.startswith('data: {"event"'):
                expect_integers(line, json.loads(line.removeprefix("data: "))["event"]["payload"])
                break


async def test_on_a_terminal(web: Any) -> None:
    """In the JSON of commands."""
    history = await run(web.api.address, "orders", "history", "ORD-1", "--output", "json")
    expect_integers(history.text, history.json["events"][0]["payload"])
    watched = await run(
        web.api.address, "orders", "watch", "--position", "0", "--limit", "1", "--output", "json"
    )
    expect_integers(watched.text, watched.lines[0]["payload"])

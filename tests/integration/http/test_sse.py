"""WatchOrders and WatchMoves as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.builders.orders import place_order
from tests.support.builders.requests import put_destination, put_lane
from tests.support.clients.http import HttpTestServer, open_http_server, parse_error_response
from tests.support.clients.move_watcher import make_moves
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events, make_orders
from tests.support.waiting import eventually, time_limit
from wms_server.calls import streaming

pytestmark = pytest.mark.one_postgres
_WATCH = "/api/v1/orders:watch"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event as a browser receives it."""

    id: str
    name: str
    data: Any


class EventStreamReader:
    """Parse the lines of a response like a browser's EventSource."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> ServerSentEvent | None:
        """Return the next event, or None at the end."""
        fields: dict[str, str] = {}
        async with time_limit(20):
            async for line in self._lines:
                if not line:
                    return ServerSentEvent(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                name, _, value = line.partition(": ")
                fields[name] = value
        return None

    async def take(self, name: str, count: int) -> list[ServerSentEvent]:
        """Return the next `count` events with a name, and skip all others."""
        events: list[ServerSentEvent] = []
        while len(events) < count:
            event = await self.next()
            assert event is not None
            if event.name == name:
                events.append(event)
        return events


@asynccontextmanager
async def open_event_source(
    web: HttpTestServer, path: str = _WATCH, **headers: str
) -> AsyncIterator[EventStreamReader]:
    """Yield an event source. At the end of the block the client disconnects."""
    async with web.http_client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        yield EventStreamReader(response)


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[HttpTestServer]:
    """Yield a server that sends heartbeats often."""
    async with open_http_server(database_url, watch_heartbeat=timedelta(milliseconds=50)) as opened:
        yield opened


async def test_the_id_of_an_event_is_its_position(web: HttpTestServer) -> None:
    """The first message is a heartbeat with the initial position."""
    async with open_event_source(web) as source:
        first = await source.next()
        assert first
        assert (first.name, first.data["heartbeat"]["position"]) == ("heartbeat", int(first.id))
        order = await place_order(web.api)
        (event,) = await source.take("event", 1)
    assert event.data["event"]["orderId"] == order.order_id
    assert event.data["event"]["type"] == "wms.order.received"
    assert event.id == str(event.data["event"]["position"])


async def test_a_client_with_a_last_event_id_misses_no_event(web: HttpTestServer, sql: SqlConnection) -> None:
    """Last-Event-ID takes precedence over the position in the query, which a browser repeats."""
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 6)
    async with open_event_source(web, f"{_WATCH}?position=0") as source:
        events = await source.take("event", 3)
    async with open_event_source(web, f"{_WATCH}?position=0", **{"Last-Event-ID": events[-1].id}) as source:
        events += await source.take("event", 3)
    assert [event.data["event"]["sequence"] for event in events] == [1, 2, 3, 4, 5, 6]


async def test_events_are_filtered(web: HttpTestServer, sql: SqlConnection) -> None:
    """By the query, with repeated parameters for several values."""
    await make_orders(sql, ["A", "B", "C"])
    for order_id in ("A", "B", "C"):
        await commit_events(sql, order_id, 1)
    async with open_event_source(web, f"{_WATCH}?position=0&orderIds=A&orderIds=C") as source:
        events = await source.take("event", 2)
    assert {event.data["event"]["orderId"] for event in events} == {"A", "C"}


async def test_heartbeats_are_sent_without_events(web: HttpTestServer) -> None:
    """They show the client that it is connected."""
    async with open_event_source(web) as source:
        assert len(await source.take("heartbeat", 3)) == 3


@pytest.mark.parametrize("query", ["position=x", "position=-1", "colour=red", "status=urgent"])
async def test_an_invalid_request_gets_an_error_instead_of_a_stream(web: HttpTestServer, query: str) -> None:
    """A browser does not reconnect then."""
    response = await web.http_client.get(f"{_WATCH}?{query}")
    assert (response.status_code, parse_error_response(response)["reason"]) == (400, "INVALID_REQUEST")


async def test_an_expired_position_gets_an_error(web: HttpTestServer) -> None:
    """With the oldest available position."""
    response = await web.http_client.get(_WATCH, headers={"Last-Event-ID": "999"})
    assert (response.status_code, parse_error_response(response)["reason"]) == (400, "POSITION_NOT_KEPT")


async def test_moves_are_streamed_too(web: HttpTestServer, sql: SqlConnection) -> None:
    """Every stream of the contract with a path is available over HTTP."""
    await web.api.storage.PutLane(put_lane())
    await web.api.storage.PutDestination(put_destination())
    await make_moves(sql, "C", 2)
    async with open_event_source(web, "/api/v1/moves:watch?warehouseId=WH-01") as source:
        events = await source.take("move", 2)
    assert {(event.data["move"]["carrierId"], event.data["move"]["status"]) for event in events} == {
        ("C1", "requested"),
        ("C2", "requested"),
    }
    assert events[0].id == ""


async def test_the_subscription_of_a_disconnected_client_ends(web: HttpTestServer) -> None:
    """The server no longer polls for it."""
    async with open_event_source(web) as source:
        await source.next()
        assert 'wms_server_watchers{stream="orders"} 1.0' in (await web.http_client.get("/metrics")).text

    async def has_no_subscribers() -> bool:
        return 'wms_server_watchers{stream="orders"} 0.0' in (await web.http_client.get("/metrics")).text

    await eventually(has_no_subscribers)


async def test_the_last_event_announces_the_shutdown(database_url: str) -> None:
    """With the position from which to resume at another server."""
    async with open_http_server(database_url) as web:
        client = httpx.AsyncClient(base_url=web.http_client.base_url, timeout=20)
        streaming = client.stream("GET", _WATCH)
        source = EventStreamReader(await streaming.__aenter__())
        first = await source.next()
        assert first
    last = await source.next()
    assert last
    assert last.name == "status"
    assert last.data["details"][0]["reason"] == "SHUTTING_DOWN"
    assert last.data["details"][0]["metadata"]["position"] == first.id
    assert await source.next() is None
    await client.aclose()


async def test_a_client_that_does_not_read_is_disconnected(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backlog and the wait are limited. Other clients receive events meanwhile."""
    monkeypatch.setattr(streaming, "SEND_TIMEOUT_SECONDS", 0.3)
    async with open_http_server(database_url) as web:
        _, writer = await asyncio.open_connection("127.0.0.1", web.port, limit=1)
        writer.write(f"GET {_WATCH}?position=0 HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        await make_orders(sql, ["A"])
        await commit_events(sql, "A", 20_000)

        async def has_no_subscribers() -> bool:
            return "wms_server_streams 0.0" in (await web.http_client.get("/metrics")).text

        await eventually(has_no_subscribers)
        writer.close()


async def test_a_stream_has_no_head(web: HttpTestServer) -> None:
    """HEAD of a stream would not end."""
    assert (await web.http_client.head(_WATCH)).status_code == 405

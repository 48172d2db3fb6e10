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

from tests.support.event_log import make_orders, write_and_commit
from tests.support.http import Web, error_of, open_web
from tests.support.invariants import Sql
from tests.support.orders import created
from tests.support.requests import put_destination, put_lane
from tests.support.waiting import eventually, time_limit
from tests.support.watching import make_moves
from wms_server import streams

pytestmark = pytest.mark.one_postgres
_WATCH = "/api/v1/orders:watch"


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as a browser gets it."""

    id: str
    name: str
    data: Any


class Source:
    """What a browser's EventSource does with the lines of an answer."""

    def __init__(self, response: httpx.Response) -> None:
        """Read from here."""
        self._lines = response.aiter_lines()

    async def next(self) -> Sent | None:
        """Give the next event; None at the end."""
        fields: dict[str, str] = {}
        async with time_limit(20):
            async for line in self._lines:
                if not line:
                    return Sent(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                name, _, value = line.partition(": ")
                fields[name] = value
        return None

    async def take(self, name: str, count: int) -> list[Sent]:
        """Give so many events of a name, whatever others come between."""
        found: list[Sent] = []
        while len(found) < count:
            event = await self.next()
            assert event is not None
            if event.name == name:
                found.append(event)
        return found


@asynccontextmanager
async def watching(web: Web, path: str = _WATCH, **headers: str) -> AsyncIterator[Source]:
    """Watch until the end of the block; then the client leaves."""
    async with web.http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        yield Source(response)


@pytest.fixture
async def web(database_url: str) -> AsyncIterator[Web]:
    """Give a server that sends signs of life often."""
    async with open_web(database_url, watch_heartbeat=timedelta(milliseconds=50)) as opened:
        yield opened


async def test_an_event_has_its_position_as_id_and_itself_as_data(web: Web) -> None:
    """A heartbeat comes first, with the position of the beginning."""
    async with watching(web) as source:
        first = await source.next()
        assert first
        assert (first.name, first.data["heartbeat"]["position"]) == ("heartbeat", int(first.id))
        order = await created(web.api)
        (event,) = await source.take("event", 1)
    assert event.data["event"]["orderId"] == order.order_id
    assert event.data["event"]["type"] == "wms.order.received"
    assert event.id == str(event.data["event"]["position"])


async def test_who_comes_back_with_the_last_id_misses_nothing(web: Web, sql: Sql) -> None:
    """Also when the query says where it once began, as a browser's does."""
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 6)
    async with watching(web, f"{_WATCH}?position=0") as source:
        told = await source.take("event", 3)
    async with watching(web, f"{_WATCH}?position=0", **{"Last-Event-ID": told[-1].id}) as source:
        told += await source.take("event", 3)
    assert [one.data["event"]["sequence"] for one in told] == [1, 2, 3, 4, 5, 6]


async def test_filters_hold(web: Web, sql: Sql) -> None:
    """By the query, repeated where there are several."""
    await make_orders(sql, ["A", "B", "C"])
    for order_id in ("A", "B", "C"):
        await write_and_commit(sql, order_id, 1)
    async with watching(web, f"{_WATCH}?position=0&orderIds=A&orderIds=C") as source:
        told = await source.take("event", 2)
    assert {one.data["event"]["orderId"] for one in told} == {"A", "C"}


async def test_signs_of_life_come_while_nothing_else_does(web: Web) -> None:
    """So that a client knows that it is connected."""
    async with watching(web) as source:
        assert len(await source.take("heartbeat", 3)) == 3


@pytest.mark.parametrize("query", ["position=x", "position=-1", "colour=red", "status=urgent"])
async def test_what_can_not_be_watched_is_an_answer_and_no_stream(web: Web, query: str) -> None:
    """A browser gives up then, and does not ask again."""
    response = await web.http.get(f"{_WATCH}?{query}")
    assert (response.status_code, error_of(response)["reason"]) == (400, "INVALID_REQUEST")


async def test_a_position_that_is_not_kept_is_an_answer_too(web: Web) -> None:
    """With the one from which there is something."""
    response = await web.http.get(_WATCH, headers={"Last-Event-ID": "999"})
    assert (response.status_code, error_of(response)["reason"]) == (400, "POSITION_NOT_KEPT")


async def test_the_moves_of_a_warehouse_are_told_too(web: Web, sql: Sql) -> None:
    """Every stream of the contract that has a path is one here."""
    await web.api.storage.PutLane(put_lane())
    await web.api.storage.PutDestination(put_destination())
    await make_moves(sql, "C", 2)
    async with watching(web, "/api/v1/moves:watch?warehouseId=WH-01") as source:
        told = await source.take("move", 2)
    assert {(one.data["move"]["carrierId"], one.data["move"]["status"]) for one in told} == {
        ("C1", "requested"),
        ("C2", "requested"),
    }
    assert told[0].id == ""


async def test_a_client_that_leaves_is_forgotten(web: Web) -> None:
    """Nothing is looked for on its behalf any more."""
    async with watching(web) as source:
        await source.next()
        assert 'wms_server_watchers{stream="orders"} 1.0' in (await web.http.get("/metrics")).text

    async def nobody() -> bool:
        return 'wms_server_watchers{stream="orders"} 0.0' in (await web.http.get("/metrics")).text

    await eventually(nobody)


async def test_a_server_that_shuts_down_says_so_as_its_last_event(database_url: str) -> None:
    """With the position from which to go on at another one."""
    async with open_web(database_url) as web:
        client = httpx.AsyncClient(base_url=web.http.base_url, timeout=20)
        streaming = client.stream("GET", _WATCH)
        source = Source(await streaming.__aenter__())
        first = await source.next()
        assert first
    last = await source.next()
    assert last
    assert last.name == "status"
    assert last.data["details"][0]["reason"] == "SHUTTING_DOWN"
    assert last.data["details"][0]["metadata"]["position"] == first.id
    assert await source.next() is None
    await client.aclose()


async def test_a_client_that_does_not_read_is_let_go(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is bounded, and so is the wait; others are told meanwhile."""
    monkeypatch.setattr(streams, "SEND_PATIENCE", 0.3)
    async with open_web(database_url) as web:
        _, writer = await asyncio.open_connection("127.0.0.1", web.port, limit=1)
        writer.write(f"GET {_WATCH}?position=0 HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        await make_orders(sql, ["A"])
        await write_and_commit(sql, "A", 20_000)

        async def nobody() -> bool:
            return "wms_server_streams 0.0" in (await web.http.get("/metrics")).text

        await eventually(nobody)
        writer.close()


async def test_a_stream_has_no_headers_of_its_own(web: Web) -> None:
    """HEAD would have no end."""
    assert (await web.http.head(_WATCH)).status_code == 405

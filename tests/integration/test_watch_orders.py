"""WatchOrders: every event after a position, once and in order, to whom it concerns; how a stream ends."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import grpc
import pytest

from tests.support.api import Api, client, open_api
from tests.support.event_log import connected, make_orders, read_log, write, write_and_commit
from tests.support.failures import failing
from tests.support.invariants import Sql
from tests.support.order_watching import Following, following, ids, logged_ids
from tests.support.orders import created, fail, history
from tests.support.proxy import open_proxy
from tests.support.requests import create_order, put_lane
from tests.support.waiting import eventually
from tests.support.watching import unwilling
from wms.orders.v1 import event_pb2, order_pb2, orders_pb2
from wms_core.application import event_log
from wms_core.application.ports import EventFilter
from wms_core.postgres.database import PostgresDatabase
from wms_core.tasks import running
from wms_server import event_news
from wms_server.event_watch import EventWatch
from wms_server.messages.orders import event_message
from wms_server.watcher import Patience

QUIET = timedelta(milliseconds=50)
WATCHERS = 1_000


async def logged(sql: Sql, count: int) -> list[tuple[int, str]]:
    """Wait until so many events are in the log; gives where and which they are."""

    async def all_there() -> bool:
        return bool(await sql.fetchval("SELECT count(*) = $1 FROM order_events", count))

    await eventually(all_there)
    return logged_ids(await read_log(sql))


# What is told


async def test_events_are_told_as_they_come_and_as_history_has_them(api: Api, sql: Sql) -> None:
    """From now on: nothing of before, the position first, then each event whole."""
    old = await created(api)
    (before,) = await logged(sql, 1)
    async with following(api) as watcher:
        assert await watcher.begin() == before[0]
        order = await created(api)
        await fail(api, order.order_id)
        told = await watcher.take(2)
        assert told == await history(api, order.order_id)
    assert old.order_id not in {event.order_id for event in told}


async def test_position_0_tells_all_that_is_kept_and_goes_on(api: Api, sql: Sql) -> None:
    """The past and what comes now, in one stream."""
    await make_orders(sql, ["A", "B"])
    await write_and_commit(sql, "A", 5)
    await write_and_commit(sql, "B", 5)
    past = await logged(sql, 10)
    async with following(api, position=0) as watcher:
        assert await watcher.begin() == 0
        assert ids(await watcher.take(10)) == past
        await write_and_commit(sql, "A", 2)
        assert past + ids(await watcher.take(2)) == await logged(sql, 12)


async def test_from_every_position_the_rest_is_told(api: Api, sql: Sql) -> None:
    """Whoever resumes after an event gets the next one first; positions that were never given are as good."""
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 4)
    await logged(sql, 4)
    await sql.execute("SELECT setval('event_position', 50)")
    await write_and_commit(sql, "A", 4)
    log = await logged(sql, 8)
    for position in [*(position for position, _ in log), 30]:
        rest = [one for one in log if one[0] > position]
        async with following(api, position=position) as watcher:
            assert await watcher.begin() == position
            assert ids(await watcher.take(len(rest))) == rest


async def _lives(api: Api) -> None:
    """Tell of several orders, customers and warehouses."""
    await api.storage.PutLane(put_lane("LANE-9", warehouse_id="WH-02"))
    for number in range(3):
        for warehouse_id in ("WH-01", "WH-02"):
            request = create_order(
                order_id=f"ORD-{number}-{warehouse_id}", warehouse_id=warehouse_id, customer_id=f"C-{number}"
            )
            order = (await api.orders.CreateOrder(request)).order
            await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))
    await fail(api, "ORD-1-WH-01")
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id="ORD-2-WH-01", reason="x"))


_VALIDATED, _CANCELLED = order_pb2.ORDER_STATUS_VALIDATED, order_pb2.ORDER_STATUS_CANCELLED
Suits = Callable[[event_pb2.Event], bool]
FILTERS: dict[str, tuple[dict[str, Any], Suits]] = {
    "orders": ({"order_ids": ["ORD-1-WH-01", "gone"]}, lambda e: e.order_id == "ORD-1-WH-01"),
    "types": (
        {"types": ["wms.order.received", "wms.order.cancelled"]},
        lambda e: e.type in ("wms.order.received", "wms.order.cancelled"),
    ),
    "statuses": (
        {"statuses": [_VALIDATED, _CANCELLED]},
        lambda e: e.to_status in (_VALIDATED, _CANCELLED),
    ),
    "customer": ({"customer_id": "C-2"}, lambda e: e.payload["customerId"] == "C-2"),
    "warehouse": ({"warehouse_id": "WH-02"}, lambda e: e.warehouse_id == "WH-02"),
    "all of them": (
        {
            "order_ids": ["ORD-1-WH-01", "ORD-2-WH-02"],
            "types": ["wms.order.validated", "wms.order.received"],
            "statuses": [_VALIDATED],
            "customer_id": "C-1",
            "warehouse_id": "WH-01",
        },
        lambda e: e.order_id == "ORD-1-WH-01" and e.type == "wms.order.validated",
    ),
    "nothing": ({"customer_id": "nobody"}, lambda _e: False),
}


async def test_filters_let_through_what_suits_now_and_in_the_past(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of filter alone and all together; heartbeats tell how far it is read beyond that."""
    monkeypatch.setattr(event_log, "_POSITIONS", 4)
    monkeypatch.setattr(event_log, "_EVENTS", 2)
    async with open_api(database_url, watch_heartbeat=QUIET) as api, AsyncExitStack() as stack:
        everything = await stack.enter_async_context(following(api))
        await everything.begin()
        live: dict[str, Following] = {}
        for name, (request, _) in FILTERS.items():
            live[name] = await stack.enter_async_context(following(api, **request))
            await live[name].begin()
        await _lives(api)
        events = await everything.take(14)
        newest = everything.position
        for name, (request, suits) in FILTERS.items():
            wanted = [event for event in events if suits(event)]
            assert bool(wanted) is (name != "nothing")
            assert await live[name].until(newest) == wanted, name
            async with following(api, position=0, **request) as watcher:
                assert await watcher.until(newest) == wanted, name
            async with following(api, position=events[6].position, **request) as watcher:
                assert await watcher.until(newest) == [e for e in wanted if e in events[7:]], name
    assert ids(events) == await logged(sql, 14)


async def test_a_rare_kind_is_searched_for_piece_by_piece(
    api: Api, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long stretch without any costs bounded reads, and heartbeats tell how far they have come."""
    monkeypatch.setattr(event_log, "_POSITIONS", 50)
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 400)
    await sql.execute("UPDATE outbox SET type = 'wms.order.shipped' WHERE sequence = 390")
    await logged(sql, 400)
    async with following(api, position=0, types=["wms.order.shipped"]) as watcher:
        seen = [await watcher.begin()]
        while (event := await watcher.next()) is None:
            seen.append(watcher.position)
    assert (seen, event.sequence) == ([0, 50, 100, 150, 200, 250, 300, 350], 390)


async def test_heartbeats_come_while_there_is_no_news(database_url: str, sql: Sql) -> None:
    """At the position of the last event, also of one that was held back; one resumes from there."""
    await make_orders(sql, ["A"])
    async with open_api(database_url, watch_heartbeat=QUIET) as api:
        async with following(api, types=["wms.order.shipped"]) as watcher:
            assert await watcher.begin() == 0
            await write_and_commit(sql, "A", 3)
            newest = (await logged(sql, 3))[-1][0]
            assert await watcher.until(newest) == []
            for _ in range(2):
                assert await watcher.next() is None
                assert watcher.position == newest
        async with following(api, position=newest) as watcher:
            await watcher.begin()
            await write_and_commit(sql, "A", 1)
            assert [event.sequence for event in await watcher.take(1)] == [4]


# Nothing is passed over, nothing is told twice


async def test_watchers_that_join_at_any_time_see_the_log(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While others write without end: from memory and from the log, with a filter and without."""
    monkeypatch.setattr(event_log, "_EVENTS", 7)
    monkeypatch.setattr("wms_server.recent_events._EVENTS", 40)
    dice = random.Random(5)
    orders = [f"ORD-{number}" for number in range(8)]
    await make_orders(sql, orders)

    async def traffic(writer: random.Random) -> None:
        async with connected(database_url) as own:
            for _ in range(100):
                await write_and_commit(own, writer.choice(orders), writer.randint(1, 4))

    async def follow(api: Api, number: int, position: int) -> tuple[list[str], int, list[tuple[int, str]]]:
        wanted = orders[: number % 3]
        async with following(api, position=position, order_ids=wanted) as watcher:
            seen: list[event_pb2.Event] = []
            while not done.done() or watcher.position < done.result():
                if (event := await watcher.next()) is not None:
                    seen.append(event)
        return wanted, position, ids(seen)

    done: asyncio.Future[int] = asyncio.Future()
    async with open_api(database_url, watch_heartbeat=QUIET) as api:
        writing = asyncio.gather(*(traffic(random.Random(seed)) for seed in range(4)))
        watching: list[asyncio.Task[Any]] = []
        while not writing.done():
            newest = await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")
            position = max(0, newest - dice.choice([0, 0, 1, 5, 20, 100]))
            watching.append(asyncio.create_task(follow(api, len(watching), position)))
            await asyncio.sleep(0.02)
        await writing
        count = sum([row["sequence"] for row in await sql.fetch("SELECT sequence FROM orders")])
        await logged(sql, count)
        log = await read_log(sql)
        done.set_result(log[-1].position)
        for wanted, position, seen in await asyncio.gather(*watching):
            expected = [event for event in log if not wanted or event.order_id in wanted]
            assert seen == logged_ids(expected, position)
    assert len(watching) > 10


@pytest.mark.parametrize("ids_first", ["A", "B"])
@pytest.mark.parametrize("commits_first", ["A", "B"])
async def test_commits_in_any_order_are_told_without_gap(
    api: Api, sql: Sql, database_url: str, ids_first: str, commits_first: str
) -> None:
    """A is locked first; its ids and its commit come before those of B or after: all of it is told."""
    await make_orders(sql, ["A", "B"])
    async with following(api) as watcher, connected(database_url) as one, connected(database_url) as two:
        await watcher.begin()
        lanes = {"A": one, "B": two}
        attempts = {name: lanes[name].transaction() for name in "AB"}
        for name in "AB":
            await attempts[name].start()
            await lanes[name].execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", name)
        written = {name: await write(lanes[name], name, 3) for name in sorted("AB", key=ids_first.__ne__)}
        told: list[event_pb2.Event] = []
        for name in sorted("AB", key=commits_first.__ne__):
            await attempts[name].commit()
            # Read on before the other one commits: a reader that follows ids would pass it over now.
            told += await watcher.take(3)
        await write_and_commit(sql, "A", 1)
        last = await watcher.take(1)
    first, second = sorted("AB", key=commits_first.__ne__)
    assert [event.event_id for event in told] == [
        str(event.event_id) for event in (*written[first], *written[second])
    ]
    assert ids([*told, *last]) == await logged(sql, 7)
    async with following(api, position=0) as again:
        assert await again.take(7) == [*told, *last]


# What it costs

#: Filters that let all events of this test through.
_EVERYTHING: list[dict[str, Any]] = [{}, {"types": ["wms.order.updated"]}, {"warehouse_id": "WH-01"}]


@pytest.mark.one_postgres
async def test_a_thousand_watchers_see_every_event_in_order(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one process: each event is written once for all, and the log is read by one."""
    written: list[int] = []

    def counted(event: Any) -> event_pb2.Event:
        written.append(event.position)
        return event_message(event)

    monkeypatch.setattr(event_news, "event_message", counted)
    await make_orders(sql, [f"ORD-{number}" for number in range(5)])
    async with open_api(database_url) as api, AsyncExitStack() as stack:
        crowd = [
            await stack.enter_async_context(following(api, **_EVERYTHING[number % 3]))
            for number in range(WATCHERS)
        ]
        assert set(await asyncio.gather(*(watcher.begin() for watcher in crowd))) == {0}
        for number in range(10):
            await write_and_commit(sql, f"ORD-{number % 5}", 1)
        log = await logged(sql, 10)
        for told in await asyncio.gather(*(watcher.take(10) for watcher in crowd)):
            assert ids(told) == log
        assert written == [position for position, _ in log]


async def test_watchers_share_the_looks_at_the_log(database: PostgresDatabase, sql: Sql) -> None:
    """A hundred of them cost the looks of one; without any, nothing is looked at."""
    watch = EventWatch(database, Patience(room=10, quiet=10.0))
    looks = 0
    look = watch._look

    async def counted() -> bool:
        nonlocal looks
        looks += 1
        return await look()

    watch._look = counted  # type: ignore[method-assign]
    async with running(watch.run()):
        assert looks == 0
        streams = [watch.follow(EventFilter(), None) for _ in range(100)]
        for stream in streams:
            await anext(stream)
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await eventually(lambda: _count(watch, 100))
        before, began = looks, time.monotonic()
        await asyncio.sleep(1)
        assert looks - before < 15 * (time.monotonic() - began)
        await make_orders(sql, ["A"])
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await eventually(lambda: _count(watch, 0))


async def _count(watch: EventWatch, wanted: int) -> bool:
    return watch.count == wanted


# What is refused


async def test_a_position_ahead_of_all_events_is_refused(api: Api, sql: Sql) -> None:
    """It is one of another database, or a mistake: nobody would hear anything for a long time."""
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 3)
    newest = (await logged(sql, 3))[-1][0]
    async with following(api, position=newest + 1) as watcher:
        failure = await failing(watcher.until_end())
    assert (failure.code, failure.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_NOT_KEPT")
    assert failure.metadata == {"position": str(newest + 1), "oldestPosition": "0"}


async def test_every_fault_of_a_request_is_told_at_once(api: Api) -> None:
    """As by any other call; an empty log can be watched."""
    request: dict[str, Any] = {
        "position": -1,
        "order_ids": ["ok", ""],
        "types": ["\n"],
        "statuses": [0],
        "warehouse_id": "/",
    }
    async with following(api, **request) as watcher:
        failure = await failing(watcher.until_end())
    assert failure.reason == "INVALID_REQUEST"
    assert sorted(failure.violations) == [
        "order_ids[1]",
        "position",
        "statuses[0]",
        "types[0]",
        "warehouse_id",
    ]
    async with following(api, position=0) as watcher:
        assert await watcher.begin() == 0


# How it ends


async def test_a_watcher_that_does_not_read_is_let_go_alone(database_url: str, sql: Sql) -> None:
    """It is told where to resume, and misses nothing then; one who reads has heard everything meanwhile."""
    await make_orders(sql, ["A"])
    async with (
        open_api(database_url, watch_buffer=300) as api,
        unwilling(api) as lazy,
        following(lazy) as slow,
        following(api) as quick,
    ):
        await slow.begin()
        await quick.begin()
        told = []
        for _ in range(10):
            await write_and_commit(sql, "A", 200)
            told += await quick.take(200)
        seen: list[event_pb2.Event] = []

        async def read_on() -> None:
            while True:
                seen.extend(await slow.take(1))

        failure = await failing(read_on())
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW")
        assert failure.metadata == {"position": str(slow.position)}
        async with following(api, position=int(failure.metadata["position"])) as again:
            seen += await again.take(2_000 - len(seen))
        assert seen == told


async def test_a_watcher_that_begins_in_the_past_may_take_its_time(database_url: str, sql: Sql) -> None:
    """What is old is read for it alone, as fast as it takes it: there is nothing to fall behind of."""
    await make_orders(sql, ["A"])
    await write_and_commit(sql, "A", 2_000)
    async with (
        open_api(database_url, watch_buffer=10) as api,
        unwilling(api) as lazy,
        AsyncExitStack() as stack,
    ):
        past = await logged(sql, 2_000)
        slow = await stack.enter_async_context(following(lazy, position=0))
        quick = await stack.enter_async_context(following(api))
        await slow.begin()
        await quick.begin()
        for _ in range(10):
            await write_and_commit(sql, "A", 5)
            await quick.take(5)
        assert ids(await slow.take(2_000)) == past


@pytest.mark.one_postgres
async def test_a_server_that_shuts_down_says_where_to_go_on(database_url: str, sql: Sql) -> None:
    """Another one tells the rest, without gap or repeat."""
    await make_orders(sql, ["A"])
    address: asyncio.Future[str] = asyncio.Future()
    ending = asyncio.Event()

    async def serve() -> None:
        async with open_api(database_url) as api:
            address.set_result(api.address)
            await ending.wait()

    serving = asyncio.create_task(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        first = client(channel, await address)
        async with following(first) as watcher, following(first, types=["none"]) as idle:
            assert (await watcher.begin(), await idle.begin()) == (0, 0)
            await write_and_commit(sql, "A", 3)
            told = await watcher.take(3)
            ending.set()
            failure, quiet = await failing(watcher.until_end()), await failing(idle.until_end())
        assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        assert failure.metadata == {"position": str(told[-1].position)}
        assert quiet.metadata == {"position": "0"}
    await serving
    await write_and_commit(sql, "A", 2)
    async with open_api(database_url) as second, following(second, position=told[-1].position) as watcher:
        assert [event.sequence for event in await watcher.take(2)] == [4, 5]


@pytest.mark.one_postgres
async def test_a_database_that_goes_away_ends_the_streams(database_url: str, sql: Sql) -> None:
    """With the position to resume from; when it is back, everything that came meanwhile is told."""
    await make_orders(sql, ["A"])
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        async with following(api) as watcher:
            await watcher.begin()
            await write_and_commit(sql, "A", 2)
            told = await watcher.take(2)
            await proxy.cut()
            failure = await failing(watcher.until_end())
        assert (failure.reason, failure.retryable) == ("DATABASE_UNAVAILABLE", True)
        assert failure.metadata == {"position": str(told[-1].position)}
        await write_and_commit(sql, "A", 2)
        await proxy.heal()

        async def told_again() -> list[int]:
            async with following(api, position=told[-1].position) as watcher:
                try:
                    return [event.sequence for event in await watcher.take(2)]
                except grpc.aio.AioRpcError:
                    return []

        assert await eventually(told_again, within=60) == [3, 4]


async def test_a_fault_of_the_service_ends_the_streams_and_not_the_service(api: Api, sql: Sql) -> None:
    """It tells nothing of itself; once it is mended, watching goes on."""
    await make_orders(sql, ["A"])
    async with following(api) as watcher:
        await watcher.begin()
        await sql.execute("ALTER TABLE order_events RENAME COLUMN position TO place")
        failure = await failing(watcher.until_end())
        assert (failure.reason, list(failure.metadata)) == ("INTERNAL", ["errorId"])
    await sql.execute("ALTER TABLE order_events RENAME COLUMN place TO position")
    async with following(api) as watcher:
        await watcher.begin()
        await write_and_commit(sql, "A", 1)
        assert len(await watcher.take(1)) == 1

"""WatchOrders: every event after a position, once and in order, with filters, and the end of a stream."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import grpc
import pytest

from tests.support.builders.orders import place_order, read_history, record_failure
from tests.support.builders.requests import create_order, put_lane
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api, client, open_api
from tests.support.clients.move_watcher import open_small_window_client
from tests.support.clients.order_watcher import (
    OrderSubscription,
    event_keys,
    logged_event_keys,
    subscribe_to_orders,
)
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import (
    commit_events,
    make_orders,
    open_connection,
    read_log,
    write_events,
)
from tests.support.waiting import eventually
from wms.orders.v1 import event_pb2, order_pb2, orders_pb2
from wms_core.application import event_log
from wms_core.application.database import EventFilter
from wms_core.postgres.database import PostgresDatabase
from wms_core.runtime.background_tasks import background_task
from wms_server.mapping.orders import to_event_message
from wms_server.subscriptions import logged_event
from wms_server.subscriptions.broadcaster import SubscriberLimits
from wms_server.subscriptions.order_events import EventBroadcaster

HEARTBEAT_INTERVAL = timedelta(milliseconds=50)
SUBSCRIBER_COUNT = 1_000


async def wait_for_log(sql: SqlConnection, count: int) -> list[tuple[int, str]]:
    """Wait until the log has `count` events. Return their positions and ids."""

    async def are_logged() -> bool:
        return bool(await sql.fetchval("SELECT count(*) = $1 FROM order_events", count))

    await eventually(are_logged)
    return logged_event_keys(await read_log(sql))


# Messages


async def test_new_events_are_sent_as_in_the_history(api: Api, sql: SqlConnection) -> None:
    """Without a position, earlier events are not sent: first the position, then each complete event."""
    earlier_order = await place_order(api)
    (earlier_event,) = await wait_for_log(sql, 1)
    async with subscribe_to_orders(api) as subscription:
        assert await subscription.read_first_heartbeat() == earlier_event[0]
        order = await place_order(api)
        await record_failure(api, order.order_id)
        events = await subscription.read_events(2)
        assert events == await read_history(api, order.order_id)
    assert earlier_order.order_id not in {event.order_id for event in events}


async def test_position_0_starts_at_the_oldest_event(api: Api, sql: SqlConnection) -> None:
    """Earlier and new events come in one stream."""
    await make_orders(sql, ["A", "B"])
    await commit_events(sql, "A", 5)
    await commit_events(sql, "B", 5)
    earlier_events = await wait_for_log(sql, 10)
    async with subscribe_to_orders(api, position=0) as subscription:
        assert await subscription.read_first_heartbeat() == 0
        assert event_keys(await subscription.read_events(10)) == earlier_events
        await commit_events(sql, "A", 2)
        assert earlier_events + event_keys(await subscription.read_events(2)) == await wait_for_log(sql, 12)


async def test_stream_resumes_after_any_position(api: Api, sql: SqlConnection) -> None:
    """The next event comes first. Positions without an event are valid, too."""
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 4)
    await wait_for_log(sql, 4)
    await sql.execute("SELECT setval('event_position', 50)")
    await commit_events(sql, "A", 4)
    log = await wait_for_log(sql, 8)
    for position in [*(position for position, _ in log), 30]:
        expected_events = [entry for entry in log if entry[0] > position]
        async with subscribe_to_orders(api, position=position) as subscription:
            assert await subscription.read_first_heartbeat() == position
            assert event_keys(await subscription.read_events(len(expected_events))) == expected_events


async def _create_events(api: Api) -> None:
    """Cause events of several orders, customers and warehouses."""
    await api.storage.PutLane(put_lane("LANE-9", warehouse_id="WH-02"))
    for number in range(3):
        for warehouse_id in ("WH-01", "WH-02"):
            request = create_order(
                order_id=f"ORD-{number}-{warehouse_id}", warehouse_id=warehouse_id, customer_id=f"C-{number}"
            )
            order = (await api.orders.CreateOrder(request)).order
            await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order.order_id))
    await record_failure(api, "ORD-1-WH-01")
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id="ORD-2-WH-01", reason="x"))


_VALIDATED, _CANCELLED = order_pb2.ORDER_STATUS_VALIDATED, order_pb2.ORDER_STATUS_CANCELLED
EventPredicate = Callable[[event_pb2.Event], bool]
FILTERS: dict[str, tuple[dict[str, Any], EventPredicate]] = {
    "orders": ({"order_ids": ["ORD-1-WH-01", "gone"]}, lambda event: event.order_id == "ORD-1-WH-01"),
    "types": (
        {"types": ["wms.order.received", "wms.order.cancelled"]},
        lambda event: event.type in ("wms.order.received", "wms.order.cancelled"),
    ),
    "statuses": (
        {"statuses": [_VALIDATED, _CANCELLED]},
        lambda event: event.to_status in (_VALIDATED, _CANCELLED),
    ),
    "customer": ({"customer_id": "C-2"}, lambda event: event.payload["customerId"] == "C-2"),
    "warehouse": ({"warehouse_id": "WH-02"}, lambda event: event.warehouse_id == "WH-02"),
    "all of them": (
        {
            "order_ids": ["ORD-1-WH-01", "ORD-2-WH-02"],
            "types": ["wms.order.validated", "wms.order.received"],
            "statuses": [_VALIDATED],
            "customer_id": "C-1",
            "warehouse_id": "WH-01",
        },
        lambda event: event.order_id == "ORD-1-WH-01" and event.type == "wms.order.validated",
    ),
    "nothing": ({"customer_id": "nobody"}, lambda _event: False),
}


async def test_filters_select_new_and_earlier_events(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every filter alone and all together. Heartbeats have the position of skipped events."""
    monkeypatch.setattr(event_log, "_MAX_SEARCHED_POSITIONS", 4)
    monkeypatch.setattr(event_log, "_MAX_PAGE_EVENTS", 2)
    async with open_api(database_url, watch_heartbeat=HEARTBEAT_INTERVAL) as api, AsyncExitStack() as stack:
        unfiltered = await stack.enter_async_context(subscribe_to_orders(api))
        await unfiltered.read_first_heartbeat()
        subscriptions: dict[str, OrderSubscription] = {}
        for name, (request, _) in FILTERS.items():
            subscriptions[name] = await stack.enter_async_context(subscribe_to_orders(api, **request))
            await subscriptions[name].read_first_heartbeat()
        await _create_events(api)
        events = await unfiltered.read_events(14)
        newest_position = unfiltered.position
        for name, (request, is_match) in FILTERS.items():
            expected_events = [event for event in events if is_match(event)]
            assert bool(expected_events) is (name != "nothing")
            assert await subscriptions[name].read_until_position(newest_position) == expected_events, name
            async with subscribe_to_orders(api, position=0, **request) as subscription:
                assert await subscription.read_until_position(newest_position) == expected_events, name
            async with subscribe_to_orders(api, position=events[6].position, **request) as subscription:
                assert await subscription.read_until_position(newest_position) == [
                    event for event in expected_events if event in events[7:]
                ], name
    assert event_keys(events) == await wait_for_log(sql, 14)


async def test_rare_events_are_searched_in_bounded_reads(
    api: Api, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats have the position reached in a long stretch without a match."""
    monkeypatch.setattr(event_log, "_MAX_SEARCHED_POSITIONS", 50)
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 400)
    await sql.execute("UPDATE outbox SET type = 'wms.order.shipped' WHERE sequence = 390")
    await wait_for_log(sql, 400)
    async with subscribe_to_orders(api, position=0, types=["wms.order.shipped"]) as subscription:
        positions = [await subscription.read_first_heartbeat()]
        while (event := await subscription.read_next()) is None:
            positions.append(subscription.position)
    assert (positions, event.sequence) == ([0, 50, 100, 150, 200, 250, 300, 350], 390)


async def test_heartbeats_come_without_new_events(database_url: str, sql: SqlConnection) -> None:
    """They have the position of the last event, also of a filtered one, from which a stream resumes."""
    await make_orders(sql, ["A"])
    async with open_api(database_url, watch_heartbeat=HEARTBEAT_INTERVAL) as api:
        async with subscribe_to_orders(api, types=["wms.order.shipped"]) as subscription:
            assert await subscription.read_first_heartbeat() == 0
            await commit_events(sql, "A", 3)
            newest_position = (await wait_for_log(sql, 3))[-1][0]
            assert await subscription.read_until_position(newest_position) == []
            for _ in range(2):
                assert await subscription.read_next() is None
                assert subscription.position == newest_position
        async with subscribe_to_orders(api, position=newest_position) as subscription:
            await subscription.read_first_heartbeat()
            await commit_events(sql, "A", 1)
            assert [event.sequence for event in await subscription.read_events(1)] == [4]


# Completeness


async def test_subscribers_at_any_time_see_the_complete_log(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During continuous writes: from memory and from the log, with a filter and without."""
    monkeypatch.setattr(event_log, "_MAX_PAGE_EVENTS", 7)
    monkeypatch.setattr("wms_server.subscriptions.event_buffer._MAX_EVENTS", 40)
    seeded_random = random.Random(5)
    order_ids = [f"ORD-{number}" for number in range(8)]
    await make_orders(sql, order_ids)

    async def write_events_randomly(writer: random.Random) -> None:
        async with open_connection(database_url) as connection:
            for _ in range(100):
                await commit_events(connection, writer.choice(order_ids), writer.randint(1, 4))

    async def follow(api: Api, number: int, position: int) -> tuple[list[str], int, list[tuple[int, str]]]:
        filtered_ids = order_ids[: number % 3]
        async with subscribe_to_orders(api, position=position, order_ids=filtered_ids) as subscription:
            events: list[event_pb2.Event] = []
            while not last_position.done() or subscription.position < last_position.result():
                if (event := await subscription.read_next()) is not None:
                    events.append(event)
        return filtered_ids, position, event_keys(events)

    last_position: asyncio.Future[int] = asyncio.Future()
    async with open_api(database_url, watch_heartbeat=HEARTBEAT_INTERVAL) as api:
        writers = asyncio.gather(*(write_events_randomly(random.Random(seed)) for seed in range(4)))
        followers: list[asyncio.Task[Any]] = []
        while not writers.done():
            newest_position = await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")
            position = max(0, newest_position - seeded_random.choice([0, 0, 1, 5, 20, 100]))
            followers.append(asyncio.create_task(follow(api, len(followers), position)))
            await asyncio.sleep(0.02)
        await writers
        count = sum([row["sequence"] for row in await sql.fetch("SELECT sequence FROM orders")])
        await wait_for_log(sql, count)
        log = await read_log(sql)
        last_position.set_result(log[-1].position)
        for filtered_ids, position, events in await asyncio.gather(*followers):
            expected = [event for event in log if not filtered_ids or event.order_id in filtered_ids]
            assert events == logged_event_keys(expected, position)
    assert len(followers) > 10


@pytest.mark.parametrize("ids_first", ["A", "B"])
@pytest.mark.parametrize("commits_first", ["A", "B"])
async def test_commits_in_any_order_cause_no_gap(
    api: Api, sql: SqlConnection, database_url: str, ids_first: str, commits_first: str
) -> None:
    """A is locked first. Its ids and its commit come before or after those of B."""
    await make_orders(sql, ["A", "B"])
    async with (
        subscribe_to_orders(api) as subscription,
        open_connection(database_url) as first_connection,
        open_connection(database_url) as second_connection,
    ):
        await subscription.read_first_heartbeat()
        connections = {"A": first_connection, "B": second_connection}
        transactions = {order_id: connections[order_id].transaction() for order_id in "AB"}
        for order_id in "AB":
            await transactions[order_id].start()
            await connections[order_id].execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
        written_events = {
            order_id: await write_events(connections[order_id], order_id, 3)
            for order_id in sorted("AB", key=ids_first.__ne__)
        }
        events: list[event_pb2.Event] = []
        for order_id in sorted("AB", key=commits_first.__ne__):
            await transactions[order_id].commit()
            # Read before the other commit: a reader that follows ids would skip the other event now.
            events += await subscription.read_events(3)
        await commit_events(sql, "A", 1)
        last_events = await subscription.read_events(1)
    first, second = sorted("AB", key=commits_first.__ne__)
    assert [event.event_id for event in events] == [
        str(event.event_id) for event in (*written_events[first], *written_events[second])
    ]
    assert event_keys([*events, *last_events]) == await wait_for_log(sql, 7)
    async with subscribe_to_orders(api, position=0) as repeated:
        assert await repeated.read_events(7) == [*events, *last_events]


# Cost

#: Filters that match all events of this test.
_MATCHING_FILTERS: list[dict[str, Any]] = [{}, {"types": ["wms.order.updated"]}, {"warehouse_id": "WH-01"}]


@pytest.mark.one_postgres
async def test_a_thousand_subscribers_see_every_event_in_order(
    database_url: str, sql: SqlConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, each event is encoded once for all, and one reader polls the log."""
    encoded_positions: list[int] = []

    def encode_and_record(event: Any) -> event_pb2.Event:
        encoded_positions.append(event.position)
        return to_event_message(event)

    monkeypatch.setattr(logged_event, "to_event_message", encode_and_record)
    await make_orders(sql, [f"ORD-{number}" for number in range(5)])
    async with open_api(database_url) as api, AsyncExitStack() as stack:
        subscriptions = [
            await stack.enter_async_context(subscribe_to_orders(api, **_MATCHING_FILTERS[number % 3]))
            for number in range(SUBSCRIBER_COUNT)
        ]
        assert set(
            await asyncio.gather(*(subscription.read_first_heartbeat() for subscription in subscriptions))
        ) == {0}
        for number in range(10):
            await commit_events(sql, f"ORD-{number % 5}", 1)
        log = await wait_for_log(sql, 10)
        for events in await asyncio.gather(*(subscription.read_events(10) for subscription in subscriptions)):
            assert event_keys(events) == log
        assert encoded_positions == [position for position, _ in log]


async def test_subscribers_share_the_polls_of_the_log(database: PostgresDatabase, sql: SqlConnection) -> None:
    """A hundred subscribers need the polls of one. Without subscribers there are no polls."""
    broadcaster = EventBroadcaster(database, SubscriberLimits(max_backlog=10, heartbeat_seconds=10.0))
    poll_count = 0
    original_poll = broadcaster._poll

    async def encode_and_record() -> bool:
        nonlocal poll_count
        poll_count += 1
        return await original_poll()

    broadcaster._poll = encode_and_record  # type: ignore[method-assign]
    async with background_task(broadcaster.run()):
        assert poll_count == 0
        streams = [broadcaster.follow_events(EventFilter(), None) for _ in range(100)]
        for stream in streams:
            await anext(stream)
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await eventually(lambda: _has_subscribers(broadcaster, 100))
        count_before, start = poll_count, time.monotonic()
        await asyncio.sleep(1)
        assert poll_count - count_before < 15 * (time.monotonic() - start)
        await make_orders(sql, ["A"])
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await eventually(lambda: _has_subscribers(broadcaster, 0))


async def _has_subscribers(broadcaster: EventBroadcaster, count: int) -> bool:
    return broadcaster.count == count


# Rejected requests


async def test_position_after_the_newest_event_is_rejected(api: Api, sql: SqlConnection) -> None:
    """It belongs to another database or is a mistake, and would have no events for a long time."""
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 3)
    newest_position = (await wait_for_log(sql, 3))[-1][0]
    async with subscribe_to_orders(api, position=newest_position + 1) as subscription:
        failure = await expect_failure(subscription.read_until_error())
    assert (failure.status_code, failure.reason) == (grpc.StatusCode.OUT_OF_RANGE, "POSITION_NOT_KEPT")
    assert failure.metadata == {"position": str(newest_position + 1), "oldestPosition": "0"}


async def test_all_field_errors_of_a_request_are_returned_at_once(api: Api) -> None:
    """Like in any other call. An empty log is no error."""
    request: dict[str, Any] = {
        "position": -1,
        "order_ids": ["ok", ""],
        "types": ["\n"],
        "statuses": [0],
        "warehouse_id": "/",
    }
    async with subscribe_to_orders(api, **request) as subscription:
        failure = await expect_failure(subscription.read_until_error())
    assert failure.reason == "INVALID_REQUEST"
    assert sorted(failure.violations_by_field) == [
        "order_ids[1]",
        "position",
        "statuses[0]",
        "types[0]",
        "warehouse_id",
    ]
    async with subscribe_to_orders(api, position=0) as subscription:
        assert await subscription.read_first_heartbeat() == 0


# The end of a stream


async def test_slow_subscriber_is_disconnected_alone(database_url: str, sql: SqlConnection) -> None:
    """The error has the position to resume from without a gap. Others have all events."""
    await make_orders(sql, ["A"])
    async with (
        open_api(database_url, watch_buffer=300) as api,
        open_small_window_client(api) as slow_client,
        subscribe_to_orders(slow_client) as slow_subscription,
        subscribe_to_orders(api) as quick_subscription,
    ):
        await slow_subscription.read_first_heartbeat()
        await quick_subscription.read_first_heartbeat()
        quick_events = []
        for _ in range(10):
            await commit_events(sql, "A", 200)
            quick_events += await quick_subscription.read_events(200)
        slow_events: list[event_pb2.Event] = []

        async def read_until_disconnected() -> None:
            while True:
                slow_events.extend(await slow_subscription.read_events(1))

        failure = await expect_failure(read_until_disconnected())
        assert (failure.status_code, failure.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "WATCHER_TOO_SLOW",
        )
        assert failure.metadata == {"position": str(slow_subscription.position)}
        async with subscribe_to_orders(api, position=int(failure.metadata["position"])) as resumed:
            slow_events += await resumed.read_events(2_000 - len(slow_events))
        assert slow_events == quick_events


async def test_slow_reader_of_earlier_events_is_not_disconnected(
    database_url: str, sql: SqlConnection
) -> None:
    """Earlier events are read for it alone, at its own pace."""
    await make_orders(sql, ["A"])
    await commit_events(sql, "A", 2_000)
    async with (
        open_api(database_url, watch_buffer=10) as api,
        open_small_window_client(api) as slow_client,
        AsyncExitStack() as stack,
    ):
        earlier_events = await wait_for_log(sql, 2_000)
        slow_subscription = await stack.enter_async_context(subscribe_to_orders(slow_client, position=0))
        quick_subscription = await stack.enter_async_context(subscribe_to_orders(api))
        await slow_subscription.read_first_heartbeat()
        await quick_subscription.read_first_heartbeat()
        for _ in range(10):
            await commit_events(sql, "A", 5)
            await quick_subscription.read_events(5)
        assert event_keys(await slow_subscription.read_events(2_000)) == earlier_events


@pytest.mark.one_postgres
async def test_shutdown_error_has_the_position_to_resume_from(database_url: str, sql: SqlConnection) -> None:
    """Another server sends the later events without gaps and duplicates."""
    await make_orders(sql, ["A"])
    address: asyncio.Future[str] = asyncio.Future()
    shutdown_requested = asyncio.Event()

    async def serve() -> None:
        async with open_api(database_url) as api:
            address.set_result(api.address)
            await shutdown_requested.wait()

    server_task = asyncio.create_task(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        first = client(channel, await address)
        async with (
            subscribe_to_orders(first) as subscription,
            subscribe_to_orders(first, types=["none"]) as idle_subscription,
        ):
            assert (
                await subscription.read_first_heartbeat(),
                await idle_subscription.read_first_heartbeat(),
            ) == (0, 0)
            await commit_events(sql, "A", 3)
            events = await subscription.read_events(3)
            shutdown_requested.set()
            failure, idle_failure = (
                await expect_failure(subscription.read_until_error()),
                await expect_failure(idle_subscription.read_until_error()),
            )
        assert (failure.status_code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        assert failure.metadata == {"position": str(events[-1].position)}
        assert idle_failure.metadata == {"position": "0"}
    await server_task
    await commit_events(sql, "A", 2)
    async with (
        open_api(database_url) as second,
        subscribe_to_orders(second, position=events[-1].position) as subscription,
    ):
        assert [event.sequence for event in await subscription.read_events(2)] == [4, 5]


@pytest.mark.one_postgres
async def test_database_outage_ends_the_streams(database_url: str, sql: SqlConnection) -> None:
    """The error has the position to resume from. After the outage, no event is missing."""
    await make_orders(sql, ["A"])
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        async with subscribe_to_orders(api) as subscription:
            await subscription.read_first_heartbeat()
            await commit_events(sql, "A", 2)
            events = await subscription.read_events(2)
            await proxy.cut()
            failure = await expect_failure(subscription.read_until_error())
        assert (failure.reason, failure.is_retryable) == ("DATABASE_UNAVAILABLE", True)
        assert failure.metadata == {"position": str(events[-1].position)}
        await commit_events(sql, "A", 2)
        await proxy.heal()

        async def resume() -> list[int]:
            async with subscribe_to_orders(api, position=events[-1].position) as subscription:
                try:
                    return [event.sequence for event in await subscription.read_events(2)]
                except grpc.aio.AioRpcError:
                    return []

        assert await eventually(resume, within=60) == [3, 4]


async def test_internal_error_ends_the_streams_but_not_the_server(api: Api, sql: SqlConnection) -> None:
    """The error has no details. New streams succeed after the repair."""
    await make_orders(sql, ["A"])
    async with subscribe_to_orders(api) as subscription:
        await subscription.read_first_heartbeat()
        await sql.execute("ALTER TABLE order_events RENAME COLUMN position TO place")
        failure = await expect_failure(subscription.read_until_error())
        assert (failure.reason, list(failure.metadata)) == ("INTERNAL", ["errorId"])
    await sql.execute("ALTER TABLE order_events RENAME COLUMN place TO position")
    async with subscribe_to_orders(api) as subscription:
        await subscription.read_first_heartbeat()
        await commit_events(sql, "A", 1)
        assert len(await subscription.read_events(1)) == 1

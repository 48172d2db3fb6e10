"""WatchMoves: the messages, their recipients, their cost, and the end of a stream."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TypeVar

import grpc
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import CallFailure, expect_failure
from tests.support.clients.grpc_api import Api, client, open_api
from tests.support.clients.move_watcher import make_moves, open_small_window_client, subscribe_to_moves
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import open_connection
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import storage_pb2
from wms_core.application.database import Fence, Transaction
from wms_core.application.workloads import BACKGROUND_USAGE, PoolUsage
from wms_core.domain.stock.warehouse import MoveStatus
from wms_core.postgres.database import PostgresDatabase
from wms_core.runtime.background_tasks import background_task
from wms_server.subscriptions.broadcaster import SubscriberLimits
from wms_server.subscriptions.moves import MoveBroadcaster, MoveSubscriber

T = TypeVar("T")


@pytest.fixture(autouse=True)
async def _open_warehouse(site: WarehouseDriver) -> None:
    """Create a warehouse with a lane and a destination."""
    await site.open()


# Messages


async def test_snapshot_has_live_moves_and_ends_with_a_heartbeat(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """Complete requested and claimed moves, oldest first, without finished ones."""
    await site.receive_in_separate_lanes(*[(f"CAR-{number}", "SKU-001", 2) for number in range(3)])
    for _ in range(3):
        await site.place_order()
        await fulfillment.run()
    claimed = await site.claim_moves(limit=2)
    await site.complete_moves(claimed[:1])
    async with subscribe_to_moves(site.api) as subscription:
        assert await subscription.read_snapshot() == [("CAR-1", "CLAIMED"), ("CAR-2", "REQUESTED")]
    async with subscribe_to_moves(site.api, "CLAIMED") as subscription:
        assert (await subscription.call.read()).move == claimed[1]
        assert await subscription.read_snapshot() == []


async def test_empty_snapshot_is_only_a_heartbeat(site: WarehouseDriver) -> None:
    """It has the time and comes at once."""
    async with subscribe_to_moves(site.api) as subscription:
        message = await subscription.call.read()
        assert message.WhichOneof("message") == "heartbeat"
        assert abs(message.heartbeat.sent_at.ToDatetime().timestamp() - time.time()) < 60 * 60 * 24


async def test_each_change_of_status_is_sent(site: WarehouseDriver, fulfillment: Fulfillment) -> None:
    """Requested, claimed, and each final status."""
    async with subscribe_to_moves(site.api) as subscription:
        assert await subscription.read_snapshot() == []
        await site.receive_in_separate_lanes(*[(f"CAR-{number}", "SKU-001", 2) for number in range(3)])
        order_ids = await site.place_orders(3)
        await fulfillment.run()
        requested = await subscription.read_moves(3)
        assert sorted(requested) == [(f"CAR-{number}", "REQUESTED") for number in range(3)]
        first, second = await site.claim_moves(limit=2)
        assert sorted(await subscription.read_moves(2)) == sorted(
            (move.carrier_id, "CLAIMED") for move in (first, second)
        )
        await site.complete_moves([first])
        assert await subscription.read_moves(1) == [(first.carrier_id, "COMPLETED")]
        await site.fail_move(second)
        assert (await subscription.call.read()).move.failure_reason == "jam"
        for order_id in order_ids:
            await site.cancel_order(order_id)
        assert (await subscription.read_moves(1))[0][1] == "CANCELLED"


async def test_statuses_filter_the_moves(site: WarehouseDriver, sql: SqlConnection) -> None:
    """In the snapshot and after it. A filter may have only final statuses."""
    await make_moves(sql, "OLD-", 2)
    await sql.execute("UPDATE moves SET status = 'claimed', claimed_by = 'x' WHERE carrier_id = 'OLD-2'")
    async with (
        subscribe_to_moves(site.api, "REQUESTED") as requested,
        subscribe_to_moves(site.api, "COMPLETED", "FAILED") as finished,
    ):
        assert await requested.read_snapshot() == [("OLD-1", "REQUESTED")]
        assert await finished.read_snapshot() == []
        await site.claim_moves()
        await sql.execute(
            "UPDATE moves SET status = 'completed', finished_at = now() WHERE carrier_id = 'OLD-2'"
        )
        assert await finished.read_moves(1) == [("OLD-2", "COMPLETED")]
        assert await make_moves(sql, "NEW-", 1) == await requested.read_moves(1)


async def test_subscription_has_moves_of_its_warehouse_only(
    site: WarehouseDriver, sql: SqlConnection
) -> None:
    """Each has the moves of the requested warehouse."""
    await site.put_lane("LANE-2", warehouse_id="WH-02")
    async with (
        subscribe_to_moves(site.api) as first,
        subscribe_to_moves(site.api, warehouse_id="WH-02") as second,
    ):
        assert (await first.read_snapshot(), await second.read_snapshot()) == ([], [])
        first_moves = await make_moves(sql, "A-", 1)
        second_moves = await make_moves(sql, "B-", 1, "WH-02")
        assert (await first.read_moves(1), await second.read_moves(1)) == (first_moves, second_moves)
        assert await make_moves(sql, "C-", 1) == await first.read_moves(1)


async def test_move_of_a_late_commit_is_sent(
    site: WarehouseDriver, sql: SqlConnection, database_url: str
) -> None:
    """It was requested before moves that are already sent."""
    async with (
        subscribe_to_moves(site.api, "REQUESTED") as subscription,
        open_connection(database_url) as connection,
    ):
        await subscription.read_snapshot()
        async with connection.transaction():
            late_moves = await make_moves(connection, "LATE-", 1)
            assert await make_moves(sql, "SOON-", 3) == await subscription.read_moves(3)
        assert await subscription.read_moves(1) == late_moves


async def test_last_message_of_a_move_has_its_current_status(
    site: WarehouseDriver, sql: SqlConnection
) -> None:
    """With moves that change all the time, and subscriptions that start and end."""
    await make_moves(sql, "CAR-", 200)

    async def change_moves() -> None:
        for number in range(20):
            claimed = await site.claim_moves(limit=20)
            for move in claimed[:2]:
                await site.fail_move(move)
            await site.complete_moves(claimed[2:15])
            await make_moves(sql, f"MORE-{number}-", 5)

    async def follow(delay_steps: int) -> dict[str, str]:
        await asyncio.sleep(delay_steps * 0.02)
        async with subscribe_to_moves(site.api) as subscription:
            known_statuses = dict(await subscription.read_snapshot())
            while known_statuses.get("LAST-1") != "REQUESTED":
                known_statuses |= dict(await subscription.read_moves(1))
        return known_statuses

    followers = [asyncio.create_task(follow(number)) for number in range(8)]
    await change_moves()
    await make_moves(sql, "LAST-", 1)
    current_statuses = {
        row["carrier_id"]: row["status"].upper() for row in await sql.fetch("SELECT * FROM moves")
    }
    live = {carrier for carrier, status in current_statuses.items() if status in ("REQUESTED", "CLAIMED")}
    for known_statuses in await asyncio.gather(*followers):
        assert known_statuses.items() <= current_statuses.items()
        assert live <= known_statuses.keys()


# Cost


class _CountingDatabase:
    """A database that counts its reads."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.reads = 0

    async def run_in_transaction(
        self,
        operation: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        is_transactional: bool = True,
        pool_usage: PoolUsage = BACKGROUND_USAGE,
    ) -> T:
        return await self._database.run_in_transaction(
            operation, fence=fence, is_transactional=is_transactional, pool_usage=pool_usage
        )

    async def read(
        self, operation: Callable[[Transaction], Awaitable[T]], *, pool_usage: PoolUsage = BACKGROUND_USAGE
    ) -> T:
        self.reads += 1
        return await self._database.read(operation, pool_usage=pool_usage)


async def test_subscribers_share_the_polls_of_the_database(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """A hundred subscribers need as many reads as one. Without subscribers there are no reads."""
    database_counter = _CountingDatabase(database)
    broadcaster = MoveBroadcaster(database_counter, SubscriberLimits(max_backlog=10, heartbeat_seconds=10.0))
    async with background_task(broadcaster.run()):
        start = time.monotonic()
        assert database_counter.reads == 0
        async with AsyncExitStack() as stack:
            subscribers = [
                stack.enter_context(broadcaster.subscribe("WH-01", list(MoveStatus))) for _ in range(100)
            ]
            for subscriber in subscribers:
                assert (await _read_next(subscriber)).HasField("heartbeat")
            await make_moves(sql, "CAR-", 1)
            messages = [await _read_next(subscriber) for subscriber in subscribers]
            assert {message.move.carrier_id for message in messages} == {"CAR-1"}
            assert database_counter.reads < 20 + 5 * (time.monotonic() - start)
        assert await _wait_without_reads(database_counter)


async def _read_next(subscriber: MoveSubscriber) -> storage_pb2.WatchMovesResponse:
    return storage_pb2.WatchMovesResponse.FromString(await subscriber.next_message())


async def _wait_without_reads(database_counter: _CountingDatabase) -> bool:
    """Wait for a second without a read, five times the interval of polls."""

    async def is_unchanged() -> bool:
        before = database_counter.reads
        await asyncio.sleep(1)
        return database_counter.reads == before

    return await eventually(is_unchanged)


async def test_streams_do_not_count_as_in_flight_calls(database_url: str) -> None:
    """With an in-flight limit of one and three open streams, calls succeed."""
    async with open_api(database_url, max_in_flight=1) as api, AsyncExitStack() as stack:
        for _ in range(3):
            await (await stack.enter_async_context(subscribe_to_moves(api))).read_snapshot()
        await WarehouseDriver(api).put_lane("LANE-2")


@pytest.mark.parametrize("deadline", [None, 3.0], ids=["cancels", "deadline"])
async def test_ended_stream_frees_its_slot(
    database_url: str, sql: SqlConnection, deadline: float | None
) -> None:
    """Streams above the limit are rejected. A cancelled or expired stream frees its slot."""
    async with (
        open_api(database_url, max_streams=2) as api,
        subscribe_to_moves(api) as first,
        subscribe_to_moves(api, timeout=deadline) as second,
    ):
        await first.read_snapshot()
        await second.read_snapshot()
        async with subscribe_to_moves(api) as third:
            failure = await expect_failure(third.read_until_error())
        assert (failure.reason, failure.metadata) == ("OVERLOADED", {"limit": "2"})
        assert failure.is_retryable
        if deadline:
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await second.read_until_error()
            assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        else:
            second.call.cancel()
        await eventually(lambda: _accepts_streams(api))
        assert await make_moves(sql, "CAR-", 1) == await first.read_moves(1)


async def _accepts_streams(api: Api) -> bool:
    async with subscribe_to_moves(api) as subscription:
        try:
            await subscription.read_snapshot()
        except grpc.aio.AioRpcError:
            return False
    return True


# Rejected requests


async def test_all_field_errors_are_returned_with_the_correlation_id(site: WarehouseDriver) -> None:
    """Like in any other call."""
    request = storage_pb2.WatchMovesRequest(
        statuses=[storage_pb2.MOVE_STATUS_UNSPECIFIED, storage_pb2.MOVE_STATUS_FAILED, 99]  # type: ignore[list-item]
    )
    call = site.api.storage.WatchMoves(request, metadata=(("x-wms-correlation-id", "C-7"),))
    failure = await expect_failure(call.read())
    assert failure.reason == "INVALID_REQUEST"
    assert sorted(failure.violations_by_field) == ["statuses[0]", "statuses[2]", "warehouse_id"]
    assert dict(await call.initial_metadata())["x-wms-correlation-id"] == "C-7"
    assert dict(await call.trailing_metadata())["x-wms-correlation-id"] == "C-7"


async def test_unknown_warehouse_is_not_found(site: WarehouseDriver) -> None:
    """It would never have moves."""
    async with subscribe_to_moves(site.api, warehouse_id="WH-99") as subscription:
        failure = await expect_failure(subscription.read_until_error())
    assert (failure.status_code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "WAREHOUSE_NOT_FOUND")
    assert failure.metadata == {"warehouseId": "WH-99"}


# The end of a stream


@pytest.mark.slow
async def test_slow_subscriber_is_disconnected_alone(database_url: str, sql: SqlConnection) -> None:
    """It gets the error when it reads again. Other subscribers have all messages."""
    async with (
        open_api(database_url, watch_buffer=100) as api,
        open_small_window_client(api) as slow_client,
        subscribe_to_moves(slow_client) as slow_subscription,
        subscribe_to_moves(api) as quick_subscription,
    ):
        await slow_subscription.read_snapshot()
        await quick_subscription.read_snapshot()
        for number in range(60):
            assert sorted(await make_moves(sql, f"CAR-{number}-", 50)) == sorted(
                await quick_subscription.read_moves(50)
            )
        failure = await expect_failure(slow_subscription.read_until_error())
        assert (failure.status_code, failure.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "WATCHER_TOO_SLOW",
        )
        assert await make_moves(sql, "MORE-", 1) == await quick_subscription.read_moves(1)


async def test_snapshot_may_exceed_the_buffer(database_url: str, sql: SqlConnection) -> None:
    """The limit applies only to messages after the snapshot."""
    moves = await make_moves(sql, "CAR-", 500)
    async with open_api(database_url, watch_buffer=1) as api, subscribe_to_moves(api) as subscription:
        assert sorted(await subscription.read_snapshot()) == sorted(moves)
        assert await make_moves(sql, "MORE-", 1) == await subscription.read_moves(1)


@pytest.mark.one_postgres
async def test_shutdown_ends_streams_at_once(database_url: str, sql: SqlConnection) -> None:
    """The error says to reconnect. Subscribers that do not read do not delay the shutdown."""
    address: asyncio.Future[str] = asyncio.Future()
    shutdown_requested = asyncio.Event()
    stopwatches: list[Stopwatch] = []

    async def serve() -> None:
        async with open_api(database_url, drain_grace=timedelta(seconds=15)) as api:
            address.set_result(api.address)
            await shutdown_requested.wait()
            stopwatches.append(Stopwatch())

    server_task = asyncio.create_task(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        api = client(channel, await address)
        async with (
            open_small_window_client(api) as slow_client,
            subscribe_to_moves(slow_client) as slow_subscription,
            subscribe_to_moves(api) as quick_subscription,
        ):
            await slow_subscription.read_snapshot()
            await quick_subscription.read_snapshot()
            assert len(await make_moves(sql, "CAR-", 2_000)) == len(
                await quick_subscription.read_moves(2_000)
            )
            shutdown_requested.set()
            failure = await expect_failure(quick_subscription.read_until_error())
            assert (failure.reason, failure.is_retryable) == ("SHUTTING_DOWN", True)
            await server_task
            assert stopwatches[0].seconds < 5
            with pytest.raises(grpc.aio.AioRpcError):
                await slow_subscription.read_until_error()


@pytest.mark.one_postgres
@pytest.mark.parametrize("outage_kind", ["cut", "silent"])
@pytest.mark.slow
async def test_database_outage_ends_the_streams(
    database_url: str, sql: SqlConnection, outage_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With UNAVAILABLE. After the outage, a new stream has all live moves."""
    monkeypatch.setattr("wms_server.subscriptions.broadcaster._POLL_TIMEOUT_SECONDS", 1.0)
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        async with subscribe_to_moves(api) as first, subscribe_to_moves(api, "REQUESTED") as second:
            await first.read_snapshot()
            await second.read_snapshot()
            if outage_kind == "cut":
                await proxy.cut()
            else:
                proxy.freeze()
            for subscription in (first, second):
                failure = await expect_failure(subscription.read_until_error())
                assert (failure.reason, failure.is_retryable) == ("DATABASE_UNAVAILABLE", True)
        await make_moves(sql, "CAR-", 1)
        await proxy.heal()
        await eventually(lambda: _accepts_streams(api))
        async with subscribe_to_moves(api) as new_subscription:
            assert await new_subscription.read_snapshot() == [("CAR-1", "REQUESTED")]
            await make_moves(sql, "MORE-", 1)
            assert await new_subscription.read_moves(1) == [("MORE-1", "REQUESTED")]


async def test_internal_error_ends_the_streams_but_not_the_server(
    site: WarehouseDriver, sql: SqlConnection
) -> None:
    """The error has no details. New streams succeed after the repair."""
    async with subscribe_to_moves(site.api) as subscription:
        await subscription.read_snapshot()
        await sql.execute("ALTER TABLE moves RENAME TO moves_elsewhere")
        failure: CallFailure = await expect_failure(subscription.read_until_error())
        assert (failure.reason, list(failure.metadata)) == ("INTERNAL", ["errorId"])
    await sql.execute("ALTER TABLE moves_elsewhere RENAME TO moves")
    async with subscribe_to_moves(site.api) as subscription:
        assert await subscription.read_snapshot() == []
        assert await make_moves(sql, "CAR-", 1) == await subscription.read_moves(1)

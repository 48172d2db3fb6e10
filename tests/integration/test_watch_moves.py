"""WatchMoves: what is told, to whom, and how a stream ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TypeVar

import grpc
import pytest

from tests.support.api import Api, client, open_api
from tests.support.event_log import connected
from tests.support.failures import Failure, failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.proxy import open_proxy
from tests.support.site import Site
from tests.support.waiting import Stopwatch, eventually
from tests.support.watching import make_moves, unwilling, watching
from wms.orders.v1 import storage_pb2
from wms_core.application.ports import Fence, Transaction
from wms_core.application.workloads import BACKGROUND, Usage
from wms_core.domain.storage import MoveStatus
from wms_core.postgres.database import PostgresDatabase
from wms_core.tasks import running
from wms_server.move_watch import MoveWatch
from wms_server.move_watcher import MoveWatcher
from wms_server.watcher import Patience

T = TypeVar("T")


@pytest.fixture(autouse=True)
async def _opened(site: Site) -> None:
    """Give a warehouse with a lane and a destination."""
    await site.open()


# What is told


async def test_the_first_part_tells_what_is_open_and_ends_with_a_heartbeat(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Requested and claimed moves, whole, oldest first; one that is over is not among them."""
    await site.apart(*[(f"CAR-{number}", "SKU-001", 2) for number in range(3)])
    for _ in range(3):
        await site.order()
        await fulfillment.run()
    claimed = await site.claim(limit=2)
    await site.complete(claimed[:1])
    async with watching(site.api) as watcher:
        assert await watcher.first_part() == [("CAR-1", "CLAIMED"), ("CAR-2", "REQUESTED")]
    async with watching(site.api, "CLAIMED") as watcher:
        assert (await watcher.call.read()).move == claimed[1]
        assert await watcher.first_part() == []


async def test_where_nothing_is_open_the_first_message_is_the_heartbeat(site: Site) -> None:
    """It carries the time, and comes at once."""
    async with watching(site.api) as watcher:
        message = await watcher.call.read()
        assert message.WhichOneof("message") == "heartbeat"
        assert abs(message.heartbeat.sent_at.ToDatetime().timestamp() - time.time()) < 60 * 60 * 24


async def test_each_move_is_told_as_it_comes_to_be_in_another_status(
    site: Site, fulfillment: Fulfillment
) -> None:
    """Requested, claimed, and each of the ends."""
    async with watching(site.api) as watcher:
        assert await watcher.first_part() == []
        await site.apart(*[(f"CAR-{number}", "SKU-001", 2) for number in range(3)])
        orders = await site.orders(3)
        await fulfillment.run()
        requested = await watcher.take(3)
        assert sorted(requested) == [(f"CAR-{number}", "REQUESTED") for number in range(3)]
        first, second = await site.claim(limit=2)
        assert sorted(await watcher.take(2)) == sorted(
            (move.carrier_id, "CLAIMED") for move in (first, second)
        )
        await site.complete([first])
        assert await watcher.take(1) == [(first.carrier_id, "COMPLETED")]
        await site.fail(second)
        assert (await watcher.call.read()).move.failure_reason == "jam"
        for order_id in orders:
            await site.cancel(order_id)
        assert (await watcher.take(1))[0][1] == "CANCELLED"


async def test_statuses_filter_what_is_told(site: Site, sql: Sql) -> None:
    """In the first part and after it; an end is told also to one who asked for nothing else."""
    await make_moves(sql, "OLD-", 2)
    await sql.execute("UPDATE moves SET status = 'claimed', claimed_by = 'x' WHERE carrier_id = 'OLD-2'")
    async with watching(site.api, "REQUESTED") as fresh, watching(site.api, "COMPLETED", "FAILED") as ended:
        assert await fresh.first_part() == [("OLD-1", "REQUESTED")]
        assert await ended.first_part() == []
        await site.claim()
        await sql.execute(
            "UPDATE moves SET status = 'completed', finished_at = now() WHERE carrier_id = 'OLD-2'"
        )
        assert await ended.take(1) == [("OLD-2", "COMPLETED")]
        assert await make_moves(sql, "NEW-", 1) == await fresh.take(1)


async def test_a_watcher_is_told_of_its_own_warehouse_only(site: Site, sql: Sql) -> None:
    """Each sees the moves of the warehouse that it named."""
    await site.lane("LANE-2", warehouse_id="WH-02")
    async with watching(site.api) as one, watching(site.api, warehouse_id="WH-02") as other:
        assert (await one.first_part(), await other.first_part()) == ([], [])
        here = await make_moves(sql, "A-", 1)
        there = await make_moves(sql, "B-", 1, "WH-02")
        assert (await one.take(1), await other.take(1)) == (here, there)
        assert await make_moves(sql, "C-", 1) == await one.take(1)


async def test_a_move_whose_transaction_ends_late_is_told(site: Site, sql: Sql, database_url: str) -> None:
    """It was requested before others that were told already; nothing is passed over."""
    async with watching(site.api, "REQUESTED") as watcher, connected(database_url) as late:
        await watcher.first_part()
        async with late.transaction():
            held_back = await make_moves(late, "LATE-", 1)
            assert await make_moves(sql, "SOON-", 3) == await watcher.take(3)
        assert await watcher.take(1) == held_back


async def test_what_was_told_last_of_a_move_is_how_it_is(site: Site, sql: Sql) -> None:
    """Moves that change all the time, and watchers that come and go: each of them ends with the truth."""
    await make_moves(sql, "CAR-", 200)

    async def work() -> None:
        for number in range(20):
            claimed = await site.claim(limit=20)
            for move in claimed[:2]:
                await site.fail(move)
            await site.complete(claimed[2:15])
            await make_moves(sql, f"MORE-{number}-", 5)

    async def follow(after: int) -> dict[str, str]:
        await asyncio.sleep(after * 0.02)
        async with watching(site.api) as watcher:
            known = dict(await watcher.first_part())
            while known.get("LAST-1") != "REQUESTED":
                known |= dict(await watcher.take(1))
        return known

    following = [asyncio.create_task(follow(number)) for number in range(8)]
    await work()
    await make_moves(sql, "LAST-", 1)
    truth = {row["carrier_id"]: row["status"].upper() for row in await sql.fetch("SELECT * FROM moves")}
    live = {carrier for carrier, status in truth.items() if status in ("REQUESTED", "CLAIMED")}
    for known in await asyncio.gather(*following):
        assert known.items() <= truth.items()
        assert live <= known.keys()


# What it costs


class _Counting:
    """A database that counts how often it is read."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.reads = 0

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        whole: bool = True,
        usage: Usage = BACKGROUND,
    ) -> T:
        return await self._database.transact(work, fence=fence, whole=whole, usage=usage)

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, usage: Usage = BACKGROUND) -> T:
        self.reads += 1
        return await self._database.read(work, usage=usage)


async def test_watchers_share_the_looks_at_the_database(database: PostgresDatabase, sql: Sql) -> None:
    """A hundred of them cost as many reads as one; without any, nothing is read."""
    counting = _Counting(database)
    watch = MoveWatch(counting, Patience(room=10, quiet=10.0))
    async with running(watch.run()):
        began = time.monotonic()
        assert counting.reads == 0
        async with AsyncExitStack() as stack:
            crowd = [stack.enter_context(watch.watching("WH-01", list(MoveStatus))) for _ in range(100)]
            for watcher in crowd:
                assert (await _next(watcher)).HasField("heartbeat")
            await make_moves(sql, "CAR-", 1)
            told = [await _next(watcher) for watcher in crowd]
            assert {message.move.carrier_id for message in told} == {"CAR-1"}
            assert counting.reads < 20 + 5 * (time.monotonic() - began)
        assert await _resting(counting)


async def _next(watcher: MoveWatcher) -> storage_pb2.WatchMovesResponse:
    return storage_pb2.WatchMovesResponse.FromString(await watcher.next())


async def _resting(counting: _Counting) -> bool:
    """Wait until a second passes without a read: five times as long as between two of them."""

    async def still() -> bool:
        before = counting.reads
        await asyncio.sleep(1)
        return counting.reads == before

    return await eventually(still)


async def test_streams_and_calls_do_not_keep_each_other_out(database_url: str) -> None:
    """With room for one call at a time, and three streams open, calls go on."""
    async with open_api(database_url, max_in_flight=1) as api, AsyncExitStack() as stack:
        for _ in range(3):
            await (await stack.enter_async_context(watching(api))).first_part()
        await Site(api).lane("LANE-2")


@pytest.mark.parametrize("deadline", [None, 3.0], ids=["cancels", "deadline"])
async def test_a_client_that_leaves_frees_its_place(
    database_url: str, sql: Sql, deadline: float | None
) -> None:
    """Of streams there are as many as may be and no more; who leaves makes room, however he does it."""
    async with (
        open_api(database_url, max_streams=2) as api,
        watching(api) as first,
        watching(api, timeout=deadline) as second,
    ):
        await first.first_part()
        await second.first_part()
        async with watching(api) as third:
            failure = await failing(third.until_end())
        assert (failure.reason, failure.metadata) == ("OVERLOADED", {"limit": "2"})
        assert failure.retryable
        if deadline:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await second.until_end()
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        else:
            second.call.cancel()
        await eventually(lambda: _served(api))
        assert await make_moves(sql, "CAR-", 1) == await first.take(1)


async def _served(api: Api) -> bool:
    async with watching(api) as watcher:
        try:
            await watcher.first_part()
        except grpc.aio.AioRpcError:
            return False
    return True


# What is refused


async def test_every_fault_of_a_request_is_told_with_the_correlation_id(site: Site) -> None:
    """As by any other call."""
    request = storage_pb2.WatchMovesRequest(
        statuses=[storage_pb2.MOVE_STATUS_UNSPECIFIED, storage_pb2.MOVE_STATUS_FAILED, 99]  # type: ignore[list-item]
    )
    call = site.api.storage.WatchMoves(request, metadata=(("x-wms-correlation-id", "C-7"),))
    failure = await failing(call.read())
    assert failure.reason == "INVALID_REQUEST"
    assert sorted(failure.violations) == ["statuses[0]", "statuses[2]", "warehouse_id"]
    assert dict(await call.initial_metadata())["x-wms-correlation-id"] == "C-7"
    assert dict(await call.trailing_metadata())["x-wms-correlation-id"] == "C-7"


async def test_a_warehouse_that_is_not_there_cannot_be_watched(site: Site) -> None:
    """Nothing will ever be told of it."""
    async with watching(site.api, warehouse_id="WH-99") as watcher:
        failure = await failing(watcher.until_end())
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "WAREHOUSE_NOT_FOUND")
    assert failure.metadata == {"warehouseId": "WH-99"}


# How it ends


@pytest.mark.slow
async def test_a_watcher_that_does_not_read_is_let_go_alone(database_url: str, sql: Sql) -> None:
    """It is told so when it reads again; one who reads has heard everything meanwhile."""
    async with (
        open_api(database_url, watch_buffer=100) as api,
        unwilling(api) as lazy,
        watching(lazy) as slow,
        watching(api) as quick,
    ):
        await slow.first_part()
        await quick.first_part()
        for number in range(60):
            assert sorted(await make_moves(sql, f"CAR-{number}-", 50)) == sorted(await quick.take(50))
        failure = await failing(slow.until_end())
        assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW")
        assert await make_moves(sql, "MORE-", 1) == await quick.take(1)


async def test_more_than_the_buffer_holds_may_be_there_at_the_beginning(database_url: str, sql: Sql) -> None:
    """Only what comes after the first part can be too much."""
    made = await make_moves(sql, "CAR-", 500)
    async with open_api(database_url, watch_buffer=1) as api, watching(api) as watcher:
        assert sorted(await watcher.first_part()) == sorted(made)
        assert await make_moves(sql, "MORE-", 1) == await watcher.take(1)


@pytest.mark.one_postgres
async def test_a_server_that_shuts_down_ends_its_streams_at_once(database_url: str, sql: Sql) -> None:
    """With a reason that says to connect elsewhere, also for one who does not read; neither holds it up."""
    address: asyncio.Future[str] = asyncio.Future()
    ending = asyncio.Event()
    ended: list[Stopwatch] = []

    async def serve() -> None:
        async with open_api(database_url, drain_grace=timedelta(seconds=15)) as api:
            address.set_result(api.address)
            await ending.wait()
            ended.append(Stopwatch())

    serving = asyncio.create_task(serve())
    async with grpc.aio.insecure_channel(await address) as channel:
        api = client(channel, await address)
        async with unwilling(api) as lazy, watching(lazy) as slow, watching(api) as quick:
            await slow.first_part()
            await quick.first_part()
            assert len(await make_moves(sql, "CAR-", 2_000)) == len(await quick.take(2_000))
            ending.set()
            failure = await failing(quick.until_end())
            assert (failure.reason, failure.retryable) == ("SHUTTING_DOWN", True)
            await serving
            assert ended[0].seconds < 5
            with pytest.raises(grpc.aio.AioRpcError):
                await slow.until_end()


@pytest.mark.one_postgres
@pytest.mark.parametrize("how", ["cut", "silent"])
@pytest.mark.slow
async def test_a_database_that_goes_away_ends_the_streams(
    database_url: str, sql: Sql, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With UNAVAILABLE; when it is back, watching again tells all that is open."""
    monkeypatch.setattr("wms_server.watch._PATIENCE", 1.0)
    async with open_proxy(database_url) as proxy, open_api(proxy.url) as api:
        async with watching(api) as one, watching(api, "REQUESTED") as other:
            await one.first_part()
            await other.first_part()
            if how == "cut":
                await proxy.cut()
            else:
                proxy.freeze()
            for watcher in (one, other):
                failure = await failing(watcher.until_end())
                assert (failure.reason, failure.retryable) == ("DATABASE_UNAVAILABLE", True)
        await make_moves(sql, "CAR-", 1)
        await proxy.heal()
        await eventually(lambda: _served(api))
        async with watching(api) as again:
            assert await again.first_part() == [("CAR-1", "REQUESTED")]
            await make_moves(sql, "MORE-", 1)
            assert await again.take(1) == [("MORE-1", "REQUESTED")]


async def test_a_fault_of_the_service_ends_the_streams_and_not_the_service(site: Site, sql: Sql) -> None:
    """It tells nothing of itself; once it is mended, watching goes on."""
    async with watching(site.api) as watcher:
        await watcher.first_part()
        await sql.execute("ALTER TABLE moves RENAME TO moves_elsewhere")
        failure: Failure = await failing(watcher.until_end())
        assert (failure.reason, list(failure.metadata)) == ("INTERNAL", ["errorId"])
    await sql.execute("ALTER TABLE moves_elsewhere RENAME TO moves")
    async with watching(site.api) as watcher:
        assert await watcher.first_part() == []
        assert await make_moves(sql, "CAR-", 1) == await watcher.take(1)

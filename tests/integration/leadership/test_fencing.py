"""The fence on a real Postgres: a deposed leader writes nothing (invariant I3)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import asyncpg
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.invariants.database import SqlConnection, disable_fence, find_late_writes, record_epochs
from tests.support.waiting import Stopwatch, eventually, with_timeout
from wms_core.application.cycle.cycle import FulfillmentCycle
from wms_core.application.database import Fence
from wms_core.domain.cycle_runs import CycleStep
from wms_core.domain.errors import StaleEpoch
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER_ERRORS
from wms_core.postgres.named_queries import query
from wms_core.postgres.role_leases import PostgresRoleLeases

pytestmark = pytest.mark.every_postgres

ROLE = "fulfillment"
LONG, OVER = timedelta(seconds=30), timedelta(seconds=-1)

_STEPS = tuple(step.value for step in CycleStep)


async def _take_over(database: PostgresDatabase, worker_id: str = "successor") -> Fence:
    epoch = await PostgresRoleLeases(database).claim(ROLE, worker_id, OVER)
    assert epoch is not None
    return Fence(ROLE, epoch)


async def _digest_tables(sql: SqlConnection) -> dict[str, str]:
    """Return a digest of every table."""
    names = await sql.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    digest = "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {} AS t"
    return {name["relname"]: await sql.fetchval(digest.format(name["relname"])) for name in names}


async def _prepare_work_for_every_step(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Create orders and moves such that each step of the cycle has work."""
    at_once = RetryPolicy(base_delay=timedelta(0))
    await site.open()
    names = ["arrives", "returns", "fails", "late"]
    await site.receive_in_separate_lanes(*[(f"CAR-{name}", f"SKU-{name}", 5) for name in (*names, "owed")])
    for name in names:
        await site.place_order((f"SKU-{name}", 2))
    await site.place_order(("SKU-404", 1))
    await site.place_order(("SKU-owed", 7))
    await fulfillment.run(retry_policy=at_once)
    moves = {move.carrier_id: move for move in await site.claim_moves()}
    await site.complete_moves([moves["CAR-returns"]])
    await fulfillment.cycle().take_in_arrivals()
    await site.complete_moves([moves["CAR-arrives"]])
    await site.fail_move(moves["CAR-fails"])
    await sql.execute("UPDATE moves SET deadline_at = now() WHERE carrier_id = 'CAR-late'")
    cycle = fulfillment.cycle()
    await site.receive_in_separate_lanes(
        *[(f"CAR-{name}", f"SKU-{name}", 5) for name in ("new", "asked", "held")]
    )
    await site.receive_carriers(("CAR-in-front", "SKU-in-front", 5), ("CAR-behind", "SKU-behind", 5))
    await site.place_order(("SKU-asked", 2))
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate, cycle.request_moves):
        await step()
    for name in ("new", "held", "behind"):
        await site.place_order((f"SKU-{name}", 2))
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate):
        await step()
    await site.set_carrier_status("CAR-held")
    await site.receive_in_separate_lanes(("CAR-paid", "SKU-owed", 2))
    await site.place_order(("SKU-new", 2))
    for step in (cycle.validate, cycle.plan_waves):
        await step()
    await site.place_order(("SKU-new", 2))
    await cycle.validate()
    await site.place_order(("SKU-new", 1))


@pytest.mark.parametrize("step", [*_STEPS, "run_steps"])
async def test_no_step_of_a_deposed_leader_writes(
    site: WarehouseDriver, fulfillment: Fulfillment, database: PostgresDatabase, sql: SqlConnection, step: str
) -> None:
    """With work for every step, the fence rejects each of them, and every table is unchanged."""
    await _prepare_work_for_every_step(site, fulfillment, sql)
    await sql.execute("SELECT pg_advisory_lock(7302, 0)")  # Stops the sequencer, which may move rows.
    old = fulfillment.cycle()
    await _take_over(database)
    before = await _digest_tables(sql)
    with pytest.raises(StaleEpoch):
        await getattr(old, step)()
    assert await _digest_tables(sql) == before


@pytest.mark.parametrize("step", _STEPS)
async def test_every_step_of_the_leader_writes_with_the_same_work(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection, step: str
) -> None:
    """The test above proves nothing unless each step would have written."""
    await _prepare_work_for_every_step(site, fulfillment, sql)
    before = await _digest_tables(sql)
    assert await getattr(fulfillment.cycle(), step)() > 0
    assert await _digest_tables(sql) != before


async def test_a_deposed_leader_counts_no_failure_of_a_poison_order(
    site: WarehouseDriver, fulfillment: Fulfillment, database: PostgresDatabase
) -> None:
    """A rejected write is not a failure of any order."""
    await site.open()
    order_id = await site.place_order()
    await _take_over(database)
    with pytest.raises(StaleEpoch):
        await fulfillment.run()
    assert (await site.read_order(order_id)).retry_count == 0


# Claims


async def test_one_of_several_concurrent_claims_wins(database: PostgresDatabase, sql: SqlConnection) -> None:
    """Thirty times eight workers claim a free role. Each time one gets it, and the epoch rises by one."""
    roles = PostgresRoleLeases(database)
    for number in range(1, 31):
        await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
        won = await asyncio.gather(*(roles.claim(ROLE, f"w{number}", LONG) for number in range(8)))
        assert [epoch for epoch in won if epoch is not None] == [number]


async def test_one_of_several_concurrent_claims_of_a_stale_role_wins(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """A role without heartbeats is claimed by one successor only."""
    roles = PostgresRoleLeases(database)
    await roles.claim(ROLE, "gone", LONG)
    for number in range(2, 12):
        await sql.execute("UPDATE worker_roles SET worker_id = 'gone', heartbeat_at = now() - interval '1 h'")
        won = await asyncio.gather(*(roles.claim(ROLE, f"w{number}", LONG) for number in range(8)))
        assert [epoch for epoch in won if epoch is not None] == [number]


@asynccontextmanager
async def _open_fenced_transaction(
    database_url: str, fence: Fence, order_id: str
) -> AsyncIterator[SqlConnection]:
    """Yield a session of the leader within a fenced transaction that has changed an order."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(query("roles.check_fence"), fence.role, fence.epoch)
    await connection.execute("UPDATE orders SET waiting_reason = 'mine' WHERE order_id = $1", order_id)
    try:
        yield connection
    finally:
        connection.terminate()


async def test_a_claim_waits_for_a_transaction_in_flight(
    site: WarehouseDriver,
    fulfillment: Fulfillment,
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The writes of the previous leader are committed before the new epoch exists."""
    monkeypatch.setattr("wms_core.postgres.role_leases._HOLDER_TIMEOUT_SECONDS", 30)
    order_id = await site.place_order()
    async with _open_fenced_transaction(database_url, fulfillment.fence, order_id) as holder:
        claim = asyncio.create_task(_take_over(database))
        done, _ = await asyncio.wait({claim}, timeout=0.2)
        assert not done
        await holder.execute("COMMIT")
        watch = Stopwatch()
        await claim
        assert watch.seconds < 0.3
    assert await sql.fetchval("SELECT waiting_reason FROM orders WHERE order_id = $1", order_id) == "mine"


@pytest.mark.parametrize("frozen_in", ["a transaction", "a statement"])
async def test_a_claim_terminates_the_session_of_a_frozen_leader(
    site: WarehouseDriver,
    fulfillment: Fulfillment,
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
    frozen_in: str,
) -> None:
    """After half a second. The open transaction is rolled back."""
    order_id = await site.place_order()
    async with _open_fenced_transaction(database_url, fulfillment.fence, order_id) as holder:
        sleeping = asyncio.create_task(
            holder.execute("SELECT pg_sleep(30)") if frozen_in == "a statement" else asyncio.sleep(0, "")
        )
        await asyncio.sleep(0)
        began, watch = time.monotonic(), Stopwatch()
        await _take_over(database)
        assert time.monotonic() - began > 0.4
        assert watch.seconds < 2
        await asyncio.wait({sleeping})
        with pytest.raises(DRIVER_ERRORS):
            await holder.execute("COMMIT")
        sleeping.exception()
    assert await sql.fetchval("SELECT waiting_reason FROM orders WHERE order_id = $1", order_id) is None


async def test_a_claim_terminates_no_unrelated_session(
    site: WarehouseDriver,
    fulfillment: Fulfillment,
    database: PostgresDatabase,
    database_url: str,
    sql: SqlConnection,
) -> None:
    """Sessions that hold another role, the sequencer's lock or rows of orders go on."""
    order_id = await site.place_order()
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute(
                "SELECT pg_advisory_xact_lock_shared(7301, 2), pg_advisory_xact_lock_shared(7302, 2)"
            )
            await other.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            async with _open_fenced_transaction(database_url, fulfillment.fence, await site.place_order()):
                await _take_over(database)
            assert await other.fetchval("SELECT 1") == 1
    finally:
        await other.close()


async def test_a_claim_leaves_no_lock_and_no_connection(
    fulfillment: Fulfillment, database: PostgresDatabase
) -> None:
    """Also after a cancelled claim: no lock stays behind, and no connection is lost."""
    roles = PostgresRoleLeases(database)
    for _ in range(15):
        claim = asyncio.create_task(roles.claim(ROLE, "hasty", OVER))
        await asyncio.sleep(0.002)
        claim.cancel()
        with suppress(asyncio.CancelledError):
            await claim
    assert await with_timeout(roles.claim(ROLE, "patient", OVER), 2)
    lock_count = await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE classid = 7301")
    assert lock_count == 0


# Invariant I3 in the committed rows


async def _run_deposed_cycles(cycle: FulfillmentCycle, stopped: asyncio.Event) -> int:
    """Run cycles with an old epoch until the event is set. Return the number of rejected cycles."""
    rejections = 0
    while not stopped.is_set():
        try:
            await cycle.run_steps()
        except StaleEpoch:
            rejections += 1
        await asyncio.sleep(0.005)
    return rejections


async def _change_leader_under_load(
    site: WarehouseDriver, fulfillment: Fulfillment, database: PostgresDatabase, sql: SqlConnection
) -> int:
    """Let two replicas run cycles concurrently while orders arrive, and depose the first one meanwhile.

    Returns the number of rejected cycles.
    """
    stopped = asyncio.Event()

    async def has_written() -> bool:
        return bool(await sql.fetchval("SELECT EXISTS (SELECT FROM recorded_writes)"))

    await site.open()
    await fulfillment.run()
    deposed_cycles = asyncio.create_task(_run_deposed_cycles(fulfillment.cycle(), stopped))
    await site.place_orders(5)
    await eventually(has_written)
    successor = Fulfillment(database, await _take_over(database))
    for _ in range(10):
        await site.place_orders(5)
        await successor.cycle().validate()
        await site.place_orders(5)
        await asyncio.sleep(0.02)
    stopped.set()
    return await deposed_cycles


async def test_the_commits_of_two_epochs_do_not_overlap(
    site: WarehouseDriver, fulfillment: Fulfillment, database: PostgresDatabase, sql: SqlConnection
) -> None:
    """Although the deposed leader goes on running cycles."""
    await record_epochs(sql)
    assert await _change_leader_under_load(site, fulfillment, database, sql) > 0
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 2
    assert await find_late_writes(sql) == []


async def test_without_the_fence_the_check_fails(
    site: WarehouseDriver, fulfillment: Fulfillment, database: PostgresDatabase, sql: SqlConnection
) -> None:
    """The same run with a disabled fence has writes of the old epoch among those of the new one."""
    await record_epochs(sql)
    await disable_fence(sql)
    await _change_leader_under_load(site, fulfillment, database, sql)
    assert await find_late_writes(sql) != []

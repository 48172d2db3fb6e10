"""The fence on a real Postgres: a deposed replica writes nothing, whatever it believes (I3)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import asyncpg
import pytest

from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, late_writes, record_epochs, switch_fence_off
from tests.support.site import Site
from tests.support.waiting import Stopwatch, bounded, eventually
from wms_core.application.fulfillment import Cycle
from wms_core.application.ports import Fence
from wms_core.domain.errors import StaleEpoch
from wms_core.domain.retries import RetryPolicy
from wms_core.domain.runs import Step
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER
from wms_core.postgres.queries import query
from wms_core.postgres.roles import PostgresRoles

pytestmark = pytest.mark.every_postgres

ROLE = "fulfillment"
LONG, OVER = timedelta(seconds=30), timedelta(seconds=-1)

_STEPS = tuple(step.value for step in Step)


async def _take_over(database: PostgresDatabase, worker_id: str = "successor") -> Fence:
    epoch = await PostgresRoles(database).claim(ROLE, worker_id, OVER)
    assert epoch is not None
    return Fence(ROLE, epoch)


async def _all_rows(sql: Sql) -> dict[str, str]:
    """Give a digest of every table."""
    names = await sql.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    digest = "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {} AS t"
    return {name["relname"]: await sql.fetchval(digest.format(name["relname"])) for name in names}


async def _work_for_every_step(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """Bring orders and moves to where each step of the cycle has something to do."""
    at_once = RetryPolicy(base=timedelta(0))
    await site.open()
    names = ["arrives", "returns", "fails", "late"]
    await site.apart(*[(f"CAR-{name}", f"SKU-{name}", 5) for name in (*names, "owed")])
    for name in names:
        await site.order((f"SKU-{name}", 2))
    await site.order(("SKU-404", 1))
    await site.order(("SKU-owed", 7))
    await fulfillment.run(retry_policy=at_once)
    moves = {move.carrier_id: move for move in await site.claim()}
    await site.complete([moves["CAR-returns"]])
    await fulfillment.cycle().take_in_arrivals()
    await site.complete([moves["CAR-arrives"]])
    await site.fail(moves["CAR-fails"])
    await sql.execute("UPDATE moves SET deadline_at = now() WHERE carrier_id = 'CAR-late'")
    cycle = fulfillment.cycle()
    await site.apart(*[(f"CAR-{name}", f"SKU-{name}", 5) for name in ("new", "asked", "held")])
    await site.stock(("CAR-in-front", "SKU-in-front", 5), ("CAR-behind", "SKU-behind", 5))
    await site.order(("SKU-asked", 2))
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate, cycle.request_moves):
        await step()
    for name in ("new", "held", "behind"):
        await site.order((f"SKU-{name}", 2))
    for step in (cycle.validate, cycle.plan_waves, cycle.allocate):
        await step()
    await site.hold("CAR-held")
    await site.apart(("CAR-paid", "SKU-owed", 2))
    await site.order(("SKU-new", 2))
    for step in (cycle.validate, cycle.plan_waves):
        await step()
    await site.order(("SKU-new", 2))
    await cycle.validate()
    await site.order(("SKU-new", 1))


@pytest.mark.parametrize("step", [*_STEPS, "run"])
async def test_no_step_of_a_deposed_replica_writes_anything(
    site: Site, fulfillment: Fulfillment, database: PostgresDatabase, sql: Sql, step: str
) -> None:
    """With work for every step, each is refused by the fence and leaves every table as it was."""
    await _work_for_every_step(site, fulfillment, sql)
    await sql.execute("SELECT pg_advisory_lock(7302, 0)")  # The sequencer rests: it moves rows by right.
    old = fulfillment.cycle()
    await _take_over(database)
    before = await _all_rows(sql)
    with pytest.raises(StaleEpoch):
        await getattr(old, step)()
    assert await _all_rows(sql) == before


@pytest.mark.parametrize("step", _STEPS)
async def test_every_step_of_the_holder_writes_something_there(
    site: Site, fulfillment: Fulfillment, sql: Sql, step: str
) -> None:
    """The test above is no proof unless each step would have written."""
    await _work_for_every_step(site, fulfillment, sql)
    before = await _all_rows(sql)
    assert await getattr(fulfillment.cycle(), step)() > 0
    assert await _all_rows(sql) != before


async def test_an_order_that_cannot_be_processed_is_not_counted_by_a_deposed_replica(
    site: Site, fulfillment: Fulfillment, database: PostgresDatabase
) -> None:
    """A refused write is nobody's failure: no order pays for it."""
    await site.open()
    order_id = await site.order()
    await _take_over(database)
    with pytest.raises(StaleEpoch):
        await fulfillment.run()
    assert (await site.read(order_id)).retry_count == 0


# Claims


async def test_of_claims_made_at_once_one_wins(database: PostgresDatabase, sql: Sql) -> None:
    """Thirty times eight workers find the role free; each time one gets it, and the epoch rises by one."""
    roles = PostgresRoles(database)
    for number in range(1, 31):
        await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL")
        won = await asyncio.gather(*(roles.claim(ROLE, f"w{one}", LONG) for one in range(8)))
        assert [epoch for epoch in won if epoch is not None] == [number]


async def test_of_claims_of_a_stale_role_made_at_once_one_wins(database: PostgresDatabase, sql: Sql) -> None:
    """A heartbeat that has gone silent is taken over by one successor only."""
    roles = PostgresRoles(database)
    await roles.claim(ROLE, "gone", LONG)
    for number in range(2, 12):
        await sql.execute("UPDATE worker_roles SET worker_id = 'gone', heartbeat_at = now() - interval '1 h'")
        won = await asyncio.gather(*(roles.claim(ROLE, f"w{one}", LONG) for one in range(8)))
        assert [epoch for epoch in won if epoch is not None] == [number]


@asynccontextmanager
async def _in_flight(database_url: str, fence: Fence, order_id: str) -> AsyncIterator[Sql]:
    """Give a session of the holder in the middle of a fenced transaction that has changed an order."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(query("roles.fence"), fence.role, fence.epoch)
    await connection.execute("UPDATE orders SET waiting_reason = 'mine' WHERE order_id = $1", order_id)
    try:
        yield connection
    finally:
        connection.terminate()


async def test_a_claim_waits_for_a_transaction_in_flight(
    site: Site,
    fulfillment: Fulfillment,
    database: PostgresDatabase,
    database_url: str,
    sql: Sql,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the old holder had begun is committed before the new epoch exists."""
    monkeypatch.setattr("wms_core.postgres.roles._PATIENCE", 30)
    order_id = await site.order()
    async with _in_flight(database_url, fulfillment.fence, order_id) as holder:
        claim = asyncio.create_task(_take_over(database))
        done, _ = await asyncio.wait({claim}, timeout=0.2)
        assert not done
        await holder.execute("COMMIT")
        watch = Stopwatch()
        await claim
        assert watch.seconds < 0.3
    assert await sql.fetchval("SELECT waiting_reason FROM orders WHERE order_id = $1", order_id) == "mine"


@pytest.mark.parametrize("frozen_in", ["a transaction", "a statement"])
async def test_a_claim_ends_the_session_of_a_holder_that_is_frozen(
    site: Site,
    fulfillment: Fulfillment,
    database: PostgresDatabase,
    database_url: str,
    sql: Sql,
    frozen_in: str,
) -> None:
    """After half a second; what the frozen one had begun is rolled back."""
    order_id = await site.order()
    async with _in_flight(database_url, fulfillment.fence, order_id) as holder:
        sleeping = asyncio.create_task(
            holder.execute("SELECT pg_sleep(30)") if frozen_in == "a statement" else asyncio.sleep(0, "")
        )
        await asyncio.sleep(0)
        began, watch = time.monotonic(), Stopwatch()
        await _take_over(database)
        assert time.monotonic() - began > 0.4
        assert watch.seconds < 2
        await asyncio.wait({sleeping})
        with pytest.raises(DRIVER):
            await holder.execute("COMMIT")
        sleeping.exception()
    assert await sql.fetchval("SELECT waiting_reason FROM orders WHERE order_id = $1", order_id) is None


async def test_a_claim_ends_no_session_that_has_nothing_to_do_with_the_role(
    site: Site, fulfillment: Fulfillment, database: PostgresDatabase, database_url: str, sql: Sql
) -> None:
    """Sessions that hold another role, the sequencer's lock or rows of orders go on."""
    order_id = await site.order()
    other = await asyncpg.connect(database_url)
    try:
        async with other.transaction():
            await other.execute(
                "SELECT pg_advisory_xact_lock_shared(7301, 2), pg_advisory_xact_lock_shared(7302, 2)"
            )
            await other.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            async with _in_flight(database_url, fulfillment.fence, await site.order()):
                await _take_over(database)
            assert await other.fetchval("SELECT 1") == 1
    finally:
        await other.close()


async def test_a_claim_leaves_the_pool_as_it_was(
    fulfillment: Fulfillment, database: PostgresDatabase
) -> None:
    """Also one that was given up in the middle: no lock stays behind, and no connection is lost."""
    roles = PostgresRoles(database)
    for _ in range(15):
        claim = asyncio.create_task(roles.claim(ROLE, "hasty", OVER))
        await asyncio.sleep(0.002)
        claim.cancel()
        with suppress(asyncio.CancelledError):
            await claim
    assert await bounded(roles.claim(ROLE, "patient", OVER), 2)
    held = await database.pool.fetchval("SELECT count(*) FROM pg_locks WHERE classid = 7301")
    assert held == 0


# I3, seen from outside


async def _zombie(cycle: Cycle, until: asyncio.Event) -> int:
    """Go on with an old epoch as a replica does that has not noticed; gives how often it was refused."""
    refused = 0
    while not until.is_set():
        try:
            await cycle.run()
        except StaleEpoch:
            refused += 1
        await asyncio.sleep(0.005)
    return refused


async def _change_of_power(site: Site, fulfillment: Fulfillment, database: PostgresDatabase, sql: Sql) -> int:
    """Let two replicas work at once on orders that go on coming, the first one deposed on the way."""
    over = asyncio.Event()

    async def has_written() -> bool:
        return bool(await sql.fetchval("SELECT EXISTS (SELECT FROM recorded_writes)"))

    await site.open()
    await fulfillment.run()
    zombie = asyncio.create_task(_zombie(fulfillment.cycle(), over))
    await site.orders(5)
    await eventually(has_written)
    successor = Fulfillment(database, await _take_over(database))
    for _ in range(10):
        await site.orders(5)
        await successor.cycle().validate()
        await site.orders(5)
        await asyncio.sleep(0.02)
    over.set()
    return await zombie


async def test_the_last_write_of_an_epoch_comes_before_the_first_of_the_next(
    site: Site, fulfillment: Fulfillment, database: PostgresDatabase, sql: Sql
) -> None:
    """With a deposed replica that goes on all the time, the commits of two epochs do not mix."""
    await record_epochs(sql)
    assert await _change_of_power(site, fulfillment, database, sql) > 0
    assert await sql.fetchval("SELECT count(DISTINCT epoch) FROM recorded_writes") == 2
    assert await late_writes(sql) == []


async def test_without_the_fence_the_checker_goes_red(
    site: Site, fulfillment: Fulfillment, database: PostgresDatabase, sql: Sql
) -> None:
    """The same run with the fence switched off shows writes of the old epoch among those of the new."""
    await record_epochs(sql)
    await switch_fence_off(sql)
    await _change_of_power(site, fulfillment, database, sql)
    assert await late_writes(sql) != []

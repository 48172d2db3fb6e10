"""The pool and its transactions: whole or nothing, retried where that helps, and back after every outage."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg
import pytest

from tests.support.event_log import make_orders
from tests.support.invariants import Sql
from tests.support.outages import END_SESSIONS, end_sessions_unnoticed
from tests.support.waiting import Stopwatch, eventually, time_limit
from wms_core.application.ports import Fence, Transaction
from wms_core.application.workloads import Usage, Workload
from wms_core.domain.errors import ConcurrentChange, StaleEpoch, StorageUnavailable, WmsError
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.postgres.queries import query
from wms_core.postgres.transaction import PostgresTransaction
from wms_dev.ports import free_port

pytestmark = pytest.mark.every_postgres

_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'wms-orders' AND state <> 'idle'
"""
Work = Callable[[Transaction], Awaitable[Any]]


def connection_of(transaction: Transaction) -> Sql:
    """Give the connection below a unit of work, for statements that no store has."""
    stores = cast("PostgresTransaction", transaction)
    return cast("Sql", stores.orders._connection)


def running(statement: str) -> Work:
    """Give work that runs a statement."""
    return lambda transaction: connection_of(transaction).execute(statement)


async def _works(database: PostgresDatabase) -> bool:
    found = await database.transact(lambda transaction: transaction.storage.warehouse_exists("WH-01"))
    return found and await database.read(lambda transaction: transaction.storage.warehouse_exists("WH-01"))


async def _works_again(database: PostgresDatabase) -> bool:
    """Say so also of a database whose limits are so short that a busy machine exceeds them."""
    try:
        return await _works(database)
    except StorageUnavailable:
        return False


async def test_what_the_work_wrote_is_committed_when_it_returns(database: PostgresDatabase, sql: Sql) -> None:
    """And its value is given back."""

    async def work(transaction: Transaction) -> str:
        await transaction.storage.put_warehouse("WH-02")
        assert not await sql.fetchval("SELECT EXISTS (SELECT FROM warehouses WHERE warehouse_id = 'WH-02')")
        return "done"

    assert await database.transact(work) == "done"
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 2


async def test_whatever_the_work_raises_leaves_nothing(database: PostgresDatabase, sql: Sql) -> None:
    """The error passes as it is, after one try; nothing was written and no transaction stays open."""
    tries = 0

    async def work(transaction: Transaction) -> None:
        nonlocal tries
        tries += 1
        await transaction.storage.put_warehouse("WH-02")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.transact(work)
    assert (tries, await sql.fetchval("SELECT count(*) FROM warehouses")) == (1, 1)
    assert await sql.fetchval(_SESSIONS) == 0


async def test_a_fault_of_ours_is_not_hidden_behind_a_retry(database: PostgresDatabase) -> None:
    """A constraint that nobody expected is no outage and no contention: it comes out as it is."""
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.transact(running("INSERT INTO warehouses VALUES ('WH-01')"))


async def test_a_deadlock_is_solved_by_doing_one_side_again(database: PostgresDatabase, sql: Sql) -> None:
    """Two transactions that lock two orders crosswise both succeed; one of them ran twice."""
    await make_orders(sql, ["A", "B"])
    both_hold_one, one_is_done = asyncio.Barrier(2), asyncio.Event()
    tries = 0

    async def lock(transaction: Transaction, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        if tries > 2:
            # Before the other has woken up, this side could take its first order again: a second deadlock.
            await one_is_done.wait()
        await transaction.orders.lock([first])
        if tries <= 2:
            await both_hold_one.wait()
        await transaction.orders.lock([second])
        await transaction.storage.put_warehouse(f"WH-{first}")

    async def locking(first: str, second: str) -> None:
        await database.transact(lambda transaction: lock(transaction, first, second))
        one_is_done.set()

    await asyncio.gather(locking("A", "B"), locking("B", "A"))
    assert (tries, await sql.fetchval("SELECT count(*) FROM warehouses")) == (3, 3)


@pytest.mark.parametrize("workload", [Workload.LIST, Workload.WRITE])
async def test_a_statement_whose_table_has_changed_is_done_again(
    database_url: str, sql: Sql, workload: Workload
) -> None:
    """Within a transaction the driver does not prepare it anew by itself; an upgrade changes tables so."""
    options = PoolOptions(max_size=1, is_shared=True)
    async with open_database(database_url, options) as database:

        async def select(transaction: Transaction) -> int:
            return len(await connection_of(transaction).fetch("SELECT * FROM warehouses"))

        async def warehouses() -> int:
            if workload is Workload.LIST:
                return await database.read(select, usage=Usage(workload))
            return await database.transact(select, usage=Usage(workload))

        before = await warehouses()
        for number in range(3):
            await sql.execute(f"ALTER TABLE warehouses ADD COLUMN added_{number} integer")
            assert await warehouses() == before


async def test_contention_without_end_is_told_after_a_few_tries(database: PostgresDatabase) -> None:
    """A caller may send the same request again; we don't try for ever in its name."""
    tries = 0

    async def work(transaction: Transaction) -> None:
        nonlocal tries
        tries += 1
        await running("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")(transaction)

    with pytest.raises(ConcurrentChange):
        await database.transact(work)
    assert tries == 4


async def test_a_row_that_stays_locked_is_waited_for_within_bounds(database_url: str, sql: Sql) -> None:
    """Half the statement's time for each try; then the caller is told that somebody else is at it."""
    await make_orders(sql, ["A"])
    async with (
        open_database(database_url, PoolOptions(statement_timeout=0.6)) as database,
        sql.transaction(),
    ):
        await sql.execute("SELECT FROM orders FOR UPDATE")
        async with time_limit(5):
            with pytest.raises(ConcurrentChange):
                await database.transact(lambda transaction: transaction.orders.lock(["A"]))


async def test_a_session_that_is_ended_in_the_middle_is_an_outage(
    database: PostgresDatabase, sql: Sql
) -> None:
    """The caller is told that the database is away; nothing was written; the next one gets a new session."""

    async def work(transaction: Transaction) -> None:
        await transaction.storage.put_warehouse("WH-02")
        assert await sql.fetchval(END_SESSIONS)
        await transaction.storage.put_warehouse("WH-03")

    with pytest.raises(StorageUnavailable):
        await database.transact(work)
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    assert await _works(database)


async def _fill(database: PostgresDatabase, number: int) -> None:
    """Open that many connections at once, and leave them to the pool."""
    together = asyncio.Barrier(number)

    async def work(_: Transaction) -> None:
        await together.wait()

    await asyncio.gather(*(database.transact(work) for _ in range(number)))


@pytest.mark.parametrize("read", [False, True], ids=["transaction", "read"])
async def test_after_all_sessions_were_ended_the_next_work_succeeds(
    database: PostgresDatabase, database_url: str, read: bool
) -> None:
    """Not one request fails for connections that died while they lay in the pool."""
    await _fill(database, 10)
    assert end_sessions_unnoticed(database_url) == 10
    run = database.read if read else database.transact
    assert await run(lambda transaction: transaction.storage.warehouse_exists("WH-01"))


async def test_a_cancelled_transaction_is_rolled_back_at_once(database: PostgresDatabase, sql: Sql) -> None:
    """Its statement is stopped on the server too; the connection is free for others."""

    async def work(transaction: Transaction) -> None:
        await transaction.storage.put_warehouse("WH-02")
        await running("SELECT pg_sleep(60)")(transaction)

    task = asyncio.create_task(database.transact(work))
    await eventually(
        lambda: sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: _at_rest(sql))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    assert await _works(database)


async def _at_rest(sql: Sql) -> bool:
    return bool(await sql.fetchval(_SESSIONS) == 0)


async def test_cancellation_at_any_moment_leaks_nothing(database: PostgresDatabase, sql: Sql) -> None:
    """Three hundred transactions cut off anywhere, from taking a connection to the commit (I12)."""
    dice = random.Random(7)

    async def work(transaction: Transaction) -> None:
        await transaction.storage.put_warehouse(f"WH-{dice.random()}")
        await transaction.storage.warehouse_exists("WH-01")

    async def cut_off() -> bool:
        try:
            async with time_limit(dice.uniform(0, 0.02)):
                await database.transact(work)
        except TimeoutError:
            return True
        return False

    cut = [await asyncio.gather(*(cut_off() for _ in range(30))) for _ in range(10)]
    assert any(map(any, cut))
    await eventually(lambda: _at_rest(sql))
    await _fill(database, 10)
    assert database.pool.get_size() == database.pool.get_idle_size() == 10


async def _pid(database: PostgresDatabase) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


def _raising(code: str) -> Work:
    return running(f"DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '{code}'; END $$")


@pytest.mark.parametrize("code", ["25006", "53100", "53200", "57P02", "58030", "XX000"])
async def test_a_session_that_is_of_no_more_use_is_closed_at_once(database_url: str, code: str) -> None:
    """A read-only one, one of a server without room: the next work gets a new one."""
    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        before = await _pid(database)
        with pytest.raises((StorageUnavailable, asyncpg.PostgresError)):
            await database.transact(_raising(code))
        assert await _pid(database) != before


@pytest.mark.parametrize("code", ["23505", "40001", "55P03", "57014", "22003"])
async def test_a_session_outlives_what_is_no_fault_of_its_own(database_url: str, code: str) -> None:
    """A new session costs more than a statement."""
    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        before = await _pid(database)
        with pytest.raises((WmsError, asyncpg.PostgresError)):
            await database.transact(_raising(code))
        assert await _pid(database) == before


async def test_a_read_only_session_is_replaced_before_it_writes(database_url: str, sql: Sql) -> None:
    """It reads as long as it lives; what was read-only when it was opened may be so no more."""
    name = await sql.fetchval("SELECT current_database()")
    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        await sql.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        before = await database.read(_backend)
        await sql.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        assert await database.read(_backend) == before
        await database.transact(lambda transaction: transaction.storage.put_warehouse("WH-02"))
        assert await database.read(_backend) != before


async def _backend(transaction: Transaction) -> int:
    return int(await connection_of(transaction).fetchval("SELECT pg_backend_pid()"))


async def test_a_pool_without_a_free_connection_is_not_waited_for_in_vain(database_url: str) -> None:
    """After the acquire timeout the caller is told; once a connection is free, it goes on."""
    release = asyncio.Event()

    async def hold(_: Transaction) -> None:
        await release.wait()

    async with open_database(database_url, PoolOptions(max_size=2, acquire_timeout=0.3)) as database:
        holders = [asyncio.create_task(database.transact(hold)) for _ in range(2)]
        await eventually(lambda: _busy(database, 2))
        watch = Stopwatch()
        with pytest.raises(StorageUnavailable):
            await _works(database)
        assert watch.seconds < 2
        release.set()
        await asyncio.gather(*holders)
        await eventually(lambda: _works_again(database))


async def _busy(database: PostgresDatabase, number: int) -> bool:
    return database.pool.get_size() - database.pool.get_idle_size() == number


async def test_a_database_that_is_not_there_is_told_soon() -> None:
    """Opening does not wait for it; work and the readiness check say that it is away."""
    url = f"postgresql://wms:secret@127.0.0.1:{free_port()}/nowhere"
    async with time_limit(5), open_database(url, PoolOptions()) as database:
        for attempt in (_works(database), database.dependencies(2.0)):
            with pytest.raises(StorageUnavailable) as caught:
                await attempt
            assert "secret" not in str(caught.value)


async def test_a_check_that_gets_no_answer_fails_in_its_time(database_url: str) -> None:
    """Readiness asks with a limit of its own, also when every connection is taken."""
    release = asyncio.Event()

    async def hold(_: Transaction) -> None:
        await release.wait()

    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        holder = asyncio.create_task(database.transact(hold))
        await eventually(lambda: _busy(database, 1))
        async with time_limit(2):
            with pytest.raises(StorageUnavailable):
                await database.dependencies(0.2)
        release.set()
        await holder
        await database.dependencies(2.0)


async def test_a_statement_that_takes_too_long_is_ended(database_url: str) -> None:
    """By the server, so that it does no more harm; the connection goes on."""
    async with open_database(database_url, PoolOptions(statement_timeout=0.2)) as database:
        async with time_limit(3):
            with pytest.raises(StorageUnavailable):
                await database.transact(running("SELECT pg_sleep(60)"))
        await eventually(lambda: _works_again(database))


async def test_a_transaction_that_is_left_idle_is_ended(database_url: str, sql: Sql) -> None:
    """A frozen process can't hold its locks: the server ends the session, the work fails."""

    async def work(transaction: Transaction) -> None:
        await transaction.storage.put_warehouse("WH-02")
        await eventually(lambda: _gone(sql))
        await transaction.storage.put_warehouse("WH-03")

    async with open_database(database_url, PoolOptions(idle_in_transaction_timeout=0.2)) as database:
        with pytest.raises(StorageUnavailable):
            await database.transact(work)
        assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
        await eventually(lambda: _works_again(database))


async def _gone(sql: Sql) -> bool:
    return not await sql.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'wms-orders'"
    )


async def test_a_stale_epoch_stops_the_work_before_it_begins(database: PostgresDatabase, sql: Sql) -> None:
    """The fence is the first statement; behind it nothing is done (I3)."""
    await sql.execute("UPDATE worker_roles SET epoch = 5 WHERE role = 'fulfillment'")

    def put(transaction: Transaction) -> Awaitable[None]:
        return transaction.storage.put_warehouse("WH-02")

    with pytest.raises(StaleEpoch):
        await database.transact(put, fence=Fence("fulfillment", 4))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    await database.transact(put, fence=Fence("fulfillment", 5))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 2


async def test_every_session_has_its_limits(database: PostgresDatabase) -> None:
    """Whatever a client's own clock does, the server ends what takes too long."""
    wanted = {
        "application_name": "wms-orders",
        "statement_timeout": "15s",
        "lock_timeout": "7500ms",
        "idle_in_transaction_session_timeout": "10s",
        "TimeZone": "UTC",
        "transaction_isolation": "read committed",
    }

    async def work(transaction: Transaction) -> dict[str, str]:
        sql = connection_of(transaction)
        return {name: await sql.fetchval(f"SHOW {name}") for name in wanted}

    assert await database.transact(work) == wanted


async def test_a_read_is_one_round_trip(database_url: str) -> None:
    """Neither a transaction around a single query nor anything after it."""
    sent: list[str] = []

    async def listen(transaction: Transaction) -> None:
        connection_of(transaction).add_query_logger(lambda record: sent.append(record.query))

    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        await database.read(listen)
        await database.read(lambda transaction: transaction.orders.get(["A", "B"]))
        await database.transact(lambda transaction: transaction.orders.get(["A"]))
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED;"
    assert sent == [query("orders.get"), begin, query("orders.get"), "COMMIT;"]


async def test_work_that_is_not_whole_has_no_transaction_around_it(database_url: str) -> None:
    """One statement is committed by itself, in one round trip."""
    sent: list[str] = []

    async def listen(transaction: Transaction) -> None:
        connection_of(transaction).add_query_logger(lambda record: sent.append(record.query))

    async def write(transaction: Transaction) -> None:
        await connection_of(transaction).execute("INSERT INTO warehouses VALUES ('WH-50')")

    async with open_database(database_url, PoolOptions(max_size=1)) as database:
        await database.read(listen)
        await database.transact(write, whole=False)
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.transact(write, whole=False)
    assert sent == ["INSERT INTO warehouses VALUES ('WH-50')"] * 2

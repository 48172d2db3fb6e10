"""The pool and its transactions: atomic, retried if this can help, and usable after every outage."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg
import pytest

from tests.support.faults.sessions import END_SESSIONS, end_sessions_unnoticed
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import make_orders
from tests.support.waiting import Stopwatch, eventually, time_limit
from wms_core.application.database import Fence, Transaction
from wms_core.domain.errors import ConcurrentChange, StaleEpoch, StorageUnavailable, WmsError
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.postgres.named_queries import query
from wms_core.postgres.transaction import PostgresTransaction
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.every_postgres

_COUNT_ACTIVE_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'wms-orders' AND state <> 'idle'
"""
TransactionBody = Callable[[Transaction], Awaitable[Any]]


def get_connection(transaction: Transaction) -> SqlConnection:
    """Return the connection of a transaction, for statements outside of the repositories."""
    postgres_transaction = cast("PostgresTransaction", transaction)
    return cast("SqlConnection", postgres_transaction.orders._connection)


def execute_statement(statement: str) -> TransactionBody:
    """Return a transaction body that executes a statement."""
    return lambda transaction: get_connection(transaction).execute(statement)


async def _reads_and_writes(database: PostgresDatabase) -> bool:
    is_found = await database.run_in_transaction(
        lambda transaction: transaction.warehouse_storage.warehouse_exists("WH-01")
    )
    return is_found and await database.read(
        lambda transaction: transaction.warehouse_storage.warehouse_exists("WH-01")
    )


async def _recovers(database: PostgresDatabase) -> bool:
    """Return whether reads and writes work. Short timeouts that a busy machine exceeds are no error."""
    try:
        return await _reads_and_writes(database)
    except StorageUnavailable:
        return False


async def test_transaction_commits_when_its_body_returns(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """It returns the value of the body."""

    async def body(transaction: Transaction) -> str:
        await transaction.warehouse_storage.put_warehouse("WH-02")
        assert not await sql.fetchval("SELECT EXISTS (SELECT FROM warehouses WHERE warehouse_id = 'WH-02')")
        return "done"

    assert await database.run_in_transaction(body) == "done"
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 2


async def test_error_of_the_body_rolls_back(database: PostgresDatabase, sql: SqlConnection) -> None:
    """The error is raised unchanged after one attempt, and no transaction stays open."""
    attempts = 0

    async def body(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await transaction.warehouse_storage.put_warehouse("WH-02")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run_in_transaction(body)
    assert (attempts, await sql.fetchval("SELECT count(*) FROM warehouses")) == (1, 1)
    assert await sql.fetchval(_COUNT_ACTIVE_SESSIONS) == 0


async def test_unexpected_constraint_error_is_not_retried(database: PostgresDatabase) -> None:
    """It is neither an outage nor contention, so it is raised unchanged."""
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.run_in_transaction(execute_statement("INSERT INTO warehouses VALUES ('WH-01')"))


async def test_deadlock_is_resolved_by_a_retry(database: PostgresDatabase, sql: SqlConnection) -> None:
    """Two transactions lock two orders in opposite order. Both succeed, and one of them runs twice."""
    await make_orders(sql, ["A", "B"])
    both_have_one_lock, first_is_done = asyncio.Barrier(2), asyncio.Event()
    attempts = 0

    async def lock(transaction: Transaction, first: str, second: str) -> None:
        nonlocal attempts
        attempts += 1
        if attempts > 2:
            # Otherwise the retry could take its first lock again before the other side wakes up: a second
            # deadlock.
            await first_is_done.wait()
        await transaction.orders.lock_orders([first])
        if attempts <= 2:
            await both_have_one_lock.wait()
        await transaction.orders.lock_orders([second])
        await transaction.warehouse_storage.put_warehouse(f"WH-{first}")

    async def lock_in_order(first: str, second: str) -> None:
        await database.run_in_transaction(lambda transaction: lock(transaction, first, second))
        first_is_done.set()

    await asyncio.gather(lock_in_order("A", "B"), lock_in_order("B", "A"))
    assert (attempts, await sql.fetchval("SELECT count(*) FROM warehouses")) == (3, 3)


async def test_permanent_contention_fails_after_a_few_attempts(database: PostgresDatabase) -> None:
    """The caller may repeat its request."""
    attempts = 0

    async def body(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await execute_statement("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")(
            transaction
        )

    with pytest.raises(ConcurrentChange):
        await database.run_in_transaction(body)
    assert attempts == 4


async def test_wait_for_a_locked_row_is_limited(database_url: str, sql: SqlConnection) -> None:
    """Each attempt waits half of the statement timeout. Then the call fails with ConcurrentChange."""
    await make_orders(sql, ["A"])
    async with (
        open_database(database_url, PoolOptions(statement_timeout_seconds=0.6)) as database,
        sql.transaction(),
    ):
        await sql.execute("SELECT FROM orders FOR UPDATE")
        async with time_limit(5):
            with pytest.raises(ConcurrentChange):
                await database.run_in_transaction(lambda transaction: transaction.orders.lock_orders(["A"]))


async def test_terminated_session_is_an_outage(database: PostgresDatabase, sql: SqlConnection) -> None:
    """The call fails with StorageUnavailable and no effect, and the next one gets a new session."""

    async def body(transaction: Transaction) -> None:
        await transaction.warehouse_storage.put_warehouse("WH-02")
        assert await sql.fetchval(END_SESSIONS)
        await transaction.warehouse_storage.put_warehouse("WH-03")

    with pytest.raises(StorageUnavailable):
        await database.run_in_transaction(body)
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    assert await _reads_and_writes(database)


async def _fill_pool(database: PostgresDatabase, number: int) -> None:
    """Open `number` connections concurrently and return them to the pool."""
    barrier = asyncio.Barrier(number)

    async def body(_: Transaction) -> None:
        await barrier.wait()

    await asyncio.gather(*(database.run_in_transaction(body) for _ in range(number)))


@pytest.mark.parametrize("is_read", [False, True], ids=["transaction", "read"])
async def test_transaction_succeeds_after_all_sessions_were_terminated(
    database: PostgresDatabase, database_url: str, is_read: bool
) -> None:
    """No request fails because of dead connections in the pool."""
    await _fill_pool(database, 10)
    assert end_sessions_unnoticed(database_url) == 10
    run_operation = database.read if is_read else database.run_in_transaction
    assert await run_operation(lambda transaction: transaction.warehouse_storage.warehouse_exists("WH-01"))


async def test_cancelled_transaction_is_rolled_back_at_once(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """Its statement is also cancelled in Postgres, and its connection is free."""

    async def body(transaction: Transaction) -> None:
        await transaction.warehouse_storage.put_warehouse("WH-02")
        await execute_statement("SELECT pg_sleep(60)")(transaction)

    task = asyncio.create_task(database.run_in_transaction(body))
    await eventually(
        lambda: sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: _is_idle(sql))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    assert await _reads_and_writes(database)


async def _is_idle(sql: SqlConnection) -> bool:
    return bool(await sql.fetchval(_COUNT_ACTIVE_SESSIONS) == 0)


async def test_cancellation_at_any_moment_leaks_nothing(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """Three hundred transactions are cancelled between acquiring a connection and the commit (I12)."""
    seeded_random = random.Random(7)

    async def body(transaction: Transaction) -> None:
        await transaction.warehouse_storage.put_warehouse(f"WH-{seeded_random.random()}")
        await transaction.warehouse_storage.warehouse_exists("WH-01")

    async def run_and_cancel() -> bool:
        try:
            async with time_limit(seeded_random.uniform(0, 0.02)):
                await database.run_in_transaction(body)
        except TimeoutError:
            return True
        return False

    are_cancelled = [await asyncio.gather(*(run_and_cancel() for _ in range(30))) for _ in range(10)]
    assert any(map(any, are_cancelled))
    await eventually(lambda: _is_idle(sql))
    await _fill_pool(database, 10)
    assert database.pool.get_size() == database.pool.get_idle_size() == 10


async def _get_backend_pid(database: PostgresDatabase) -> int:
    async with database.acquire_connection() as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


def _raise_sql_error(code: str) -> TransactionBody:
    return execute_statement(f"DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '{code}'; END $$")


@pytest.mark.parametrize("code", ["25006", "53100", "53200", "57P02", "58030", "XX000"])
async def test_unusable_session_is_closed_at_once(database_url: str, code: str) -> None:
    """It is read-only or its server lacks resources. The next transaction gets a new one."""
    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        first_pid = await _get_backend_pid(database)
        with pytest.raises((StorageUnavailable, asyncpg.PostgresError)):
            await database.run_in_transaction(_raise_sql_error(code))
        assert await _get_backend_pid(database) != first_pid


@pytest.mark.parametrize("code", ["23505", "40001", "55P03", "57014", "22003"])
async def test_session_survives_errors_of_its_statements(database_url: str, code: str) -> None:
    """A new session costs more than a statement."""
    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        first_pid = await _get_backend_pid(database)
        with pytest.raises((WmsError, asyncpg.PostgresError)):
            await database.run_in_transaction(_raise_sql_error(code))
        assert await _get_backend_pid(database) == first_pid


async def test_read_only_session_is_replaced_before_a_write(database_url: str, sql: SqlConnection) -> None:
    """It is used for reads. The database may have become writable since it was opened."""
    database_name = await sql.fetchval("SELECT current_database()")
    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        await sql.execute(f'ALTER DATABASE "{database_name}" SET default_transaction_read_only = on')
        first_pid = await database.read(_read_backend_pid)
        await sql.execute(f'ALTER DATABASE "{database_name}" RESET default_transaction_read_only')
        assert await database.read(_read_backend_pid) == first_pid
        await database.run_in_transaction(
            lambda transaction: transaction.warehouse_storage.put_warehouse("WH-02")
        )
        assert await database.read(_read_backend_pid) != first_pid


async def _read_backend_pid(transaction: Transaction) -> int:
    return int(await get_connection(transaction).fetchval("SELECT pg_backend_pid()"))


async def test_wait_for_a_pool_connection_is_limited(database_url: str) -> None:
    """After the acquire timeout the call fails. It succeeds once a connection is free."""
    release = asyncio.Event()

    async def wait_for_release(_: Transaction) -> None:
        await release.wait()

    async with open_database(
        database_url, PoolOptions(max_connections=2, acquire_timeout_seconds=0.3)
    ) as database:
        blocking_tasks = [
            asyncio.create_task(database.run_in_transaction(wait_for_release)) for _ in range(2)
        ]
        await eventually(lambda: _has_busy_connections(database, 2))
        stopwatch = Stopwatch()
        with pytest.raises(StorageUnavailable):
            await _reads_and_writes(database)
        assert stopwatch.seconds < 2
        release.set()
        await asyncio.gather(*blocking_tasks)
        await eventually(lambda: _recovers(database))


async def _has_busy_connections(database: PostgresDatabase, number: int) -> bool:
    return database.pool.get_size() - database.pool.get_idle_size() == number


async def test_missing_database_fails_quickly() -> None:
    """The pool opens without it. Transactions and the readiness check fail."""
    url = f"postgresql://wms:secret@127.0.0.1:{find_free_port()}/nowhere"
    async with time_limit(5), open_database(url, PoolOptions()) as database:
        for operation in (_reads_and_writes(database), database.read_dependencies(2.0)):
            with pytest.raises(StorageUnavailable) as error:
                await operation
            assert "secret" not in str(error.value)


async def test_readiness_check_has_its_own_timeout(database_url: str) -> None:
    """It applies even if every connection is busy."""
    release = asyncio.Event()

    async def wait_for_release(_: Transaction) -> None:
        await release.wait()

    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        blocking_task = asyncio.create_task(database.run_in_transaction(wait_for_release))
        await eventually(lambda: _has_busy_connections(database, 1))
        async with time_limit(2):
            with pytest.raises(StorageUnavailable):
                await database.read_dependencies(0.2)
        release.set()
        await blocking_task
        await database.read_dependencies(2.0)


async def test_slow_statement_is_cancelled(database_url: str) -> None:
    """Postgres cancels it, and the connection remains usable."""
    async with open_database(database_url, PoolOptions(statement_timeout_seconds=0.2)) as database:
        async with time_limit(3):
            with pytest.raises(StorageUnavailable):
                await database.run_in_transaction(execute_statement("SELECT pg_sleep(60)"))
        await eventually(lambda: _recovers(database))


async def test_idle_transaction_is_terminated(database_url: str, sql: SqlConnection) -> None:
    """A frozen process must not keep its locks, so Postgres terminates the session."""

    async def body(transaction: Transaction) -> None:
        await transaction.warehouse_storage.put_warehouse("WH-02")
        await eventually(lambda: _has_no_session(sql))
        await transaction.warehouse_storage.put_warehouse("WH-03")

    async with open_database(database_url, PoolOptions(idle_in_transaction_timeout_seconds=0.2)) as database:
        with pytest.raises(StorageUnavailable):
            await database.run_in_transaction(body)
        assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
        await eventually(lambda: _recovers(database))


async def _has_no_session(sql: SqlConnection) -> bool:
    return not await sql.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'wms-orders'"
    )


async def test_stale_epoch_is_rejected_before_the_body(
    database: PostgresDatabase, sql: SqlConnection
) -> None:
    """The fence is the first statement, and no later one is executed (I3)."""
    await sql.execute("UPDATE worker_roles SET epoch = 5 WHERE role = 'fulfillment'")

    def put_warehouse(transaction: Transaction) -> Awaitable[None]:
        return transaction.warehouse_storage.put_warehouse("WH-02")

    with pytest.raises(StaleEpoch):
        await database.run_in_transaction(put_warehouse, fence=Fence("fulfillment", 4))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 1
    await database.run_in_transaction(put_warehouse, fence=Fence("fulfillment", 5))
    assert await sql.fetchval("SELECT count(*) FROM warehouses") == 2


async def test_every_session_has_its_settings(database: PostgresDatabase) -> None:
    """Postgres enforces the timeouts independently of the clients."""
    expected_settings = {
        "application_name": "wms-orders",
        "statement_timeout": "15s",
        "lock_timeout": "7500ms",
        "idle_in_transaction_session_timeout": "10s",
        "TimeZone": "UTC",
        "transaction_isolation": "read committed",
    }

    async def body(transaction: Transaction) -> dict[str, str]:
        sql = get_connection(transaction)
        return {name: await sql.fetchval(f"SHOW {name}") for name in expected_settings}

    assert await database.run_in_transaction(body) == expected_settings


async def test_read_needs_one_round_trip(database_url: str) -> None:
    """A single query has neither a transaction around it nor a reset after it."""
    statements: list[str] = []

    async def record_statements(transaction: Transaction) -> None:
        get_connection(transaction).add_query_logger(lambda record: statements.append(record.query))

    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        await database.read(record_statements)
        await database.read(lambda transaction: transaction.orders.get(["A", "B"]))
        await database.run_in_transaction(lambda transaction: transaction.orders.get(["A"]))
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED;"
    assert statements == [query("orders.get_orders"), begin, query("orders.get_orders"), "COMMIT;"]


async def test_non_transactional_body_has_no_transaction(database_url: str) -> None:
    """Its statement commits itself in one round trip."""
    statements: list[str] = []

    async def record_statements(transaction: Transaction) -> None:
        get_connection(transaction).add_query_logger(lambda record: statements.append(record.query))

    async def write(transaction: Transaction) -> None:
        await get_connection(transaction).execute("INSERT INTO warehouses VALUES ('WH-50')")

    async with open_database(database_url, PoolOptions(max_connections=1)) as database:
        await database.read(record_statements)
        await database.run_in_transaction(write, is_transactional=False)
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.run_in_transaction(write, is_transactional=False)
    assert statements == ["INSERT INTO warehouses VALUES ('WH-50')"] * 2

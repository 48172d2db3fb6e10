"""The connection pool and its transactions."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import asyncpg
import structlog

from wms_core.application.database import Fence, Transaction
from wms_core.application.workloads import BACKGROUND_USAGE, PoolUsage, WorkloadType
from wms_core.domain.errors import (
    ConcurrentChange,
    ServerOverloaded,
    StaleEpoch,
    StorageUnavailable,
    WmsError,
)
from wms_core.postgres.bulkheads import PoolBulkheads, WorkloadBulkhead, WorkloadLimits, build_workload_limits
from wms_core.postgres.connection import Connection
from wms_core.postgres.database_url import parse_database_url
from wms_core.postgres.errors import (
    DRIVER_ERRORS,
    RETRYABLE,
    WRITE_REJECTED_ERRORS,
    is_lock_timeout,
    is_session_unusable,
    preserve_cancellation,
    to_domain_error,
)
from wms_core.postgres.named_queries import query
from wms_core.postgres.transaction import PostgresTransaction

T = TypeVar("T")

_MAX_ATTEMPTS = 4
_BEGIN_STATEMENT = "BEGIN ISOLATION LEVEL READ COMMITTED;"
_BEGIN_READ_ONLY_STATEMENT = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
#: Errors of a session that was terminated by the server or network while it was idle in the pool.
_SESSION_ENDED_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # asyncpg has not noticed the end of the session yet.
    asyncpg.InternalClientError,
    OSError,
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Sizes and timeouts of a pool. No wait for the database exceeds `statement_timeout_seconds` + 5.

    A pool with `is_shared` has limits for each workload (docs/adr/0031).
    """

    max_connections: int = 10
    connect_timeout_seconds: float = 5.0
    acquire_timeout_seconds: float = 10.0
    statement_timeout_seconds: float = 15.0
    lock_timeout: float = 1.0  # seconds, for changes that callers wait for
    idle_in_transaction_timeout_seconds: float = 10.0
    statement_cache_size: int = 100
    application_name: str = "wms-orders"
    event_max_bytes: int = 900_000
    is_shared: bool = False

    @property
    def limits_by_workload(self) -> Mapping[WorkloadType, WorkloadLimits]:
        """The limits of each workload; empty unless the pool is shared."""
        if not self.is_shared:
            return {}
        return build_workload_limits(self.max_connections, self.statement_timeout_seconds, self.lock_timeout)


class PostgresDatabase:
    """Run operations on a connection pool; implement `wms_core.application.database.Database`.

    Create it with `open_database`.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", options: PoolOptions) -> None:
        self._pool = pool
        self._options = options
        #: Whether a write was rejected because the session is read-only or the disk is full. The readiness
        #: check verifies this with a new session, and resets it if that session can write.
        self.has_rejected_write = False
        self._pool_bulkheads = PoolBulkheads(options.limits_by_workload)

    async def run_in_transaction(
        self,
        operation: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        is_transactional: bool = True,
        pool_usage: PoolUsage = BACKGROUND_USAGE,
    ) -> T:
        """Run an operation in one READ COMMITTED transaction; see `Database`."""
        try:
            return await self._run_with_retries(operation, fence, is_transactional, pool_usage)
        except ConcurrentChange as error:
            if not (
                pool_usage.is_patient and self._has_brief_lock_timeout(pool_usage) and is_lock_timeout(error)
            ):
                raise
            lock_error = error
        # The operation must not wait on a connection that other writes need.
        contended_usage = replace(pool_usage, workload_type=WorkloadType.CONTENDED)
        try:
            return await self._run_with_retries(
                operation,
                fence,
                is_transactional,
                contended_usage,
                acquire_timeout_seconds=self._options.lock_timeout,
            )
        except ServerOverloaded:
            raise lock_error from None

    def _has_brief_lock_timeout(self, pool_usage: PoolUsage) -> bool:
        """Return whether the first attempt waits only briefly for locks."""
        return (
            pool_usage.workload_type in (WorkloadType.WRITE, WorkloadType.BULK)
            and WorkloadType.CONTENDED in self._options.limits_by_workload
        )

    async def _run_with_retries(
        self,
        operation: Callable[[Transaction], Awaitable[T]],
        fence: Fence | None,
        is_transactional: bool,
        pool_usage: PoolUsage,
        acquire_timeout_seconds: float | None = None,
    ) -> T:
        """Run an operation, and repeat it a few times after a deadlock."""
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                connection_context = (
                    self._begin_transaction(pool_usage, acquire_timeout_seconds)
                    if is_transactional
                    else self.acquire_connection(pool_usage, acquire_timeout_seconds=acquire_timeout_seconds)
                )
                async with connection_context as connection:
                    if is_transactional and fence is not None:
                        await connection.execute(query("roles.check_fence"), fence.role, fence.epoch)
                    return await operation(self._build_transaction(connection))
            except ConcurrentChange as error:
                if attempt == _MAX_ATTEMPTS or not isinstance(error.__cause__, RETRYABLE):
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 # jitter, no secret
            except StaleEpoch:
                if fence is None:
                    raise
                raise StaleEpoch(role=fence.role, epoch=fence.epoch, current="a later one") from None
        raise AssertionError("unreachable")

    async def read(
        self, operation: Callable[[Transaction], Awaitable[T]], *, pool_usage: PoolUsage = BACKGROUND_USAGE
    ) -> T:
        """Run an operation that only reads; see `Database`."""
        timeout_statements = self._pool_bulkheads.get_timeout_statements(pool_usage.workload_type)
        for retries_left in range(self._options.max_connections, -1, -1):
            async with self.acquire_connection(pool_usage, is_write=False) as connection:
                try:
                    if not timeout_statements:
                        return await operation(self._build_transaction(connection))
                    async with _open_transaction(
                        connection, f"{_BEGIN_READ_ONLY_STATEMENT}{timeout_statements}"
                    ):
                        return await operation(self._build_transaction(connection))
                except _SESSION_ENDED_ERRORS as error:
                    # The read changed nothing, so it can be repeated on the next connection.
                    if not retries_left or not _is_session_ended(connection, error):
                        raise
        raise AssertionError("unreachable")

    def _build_transaction(self, connection: Connection) -> PostgresTransaction:
        return PostgresTransaction(connection, self._options.event_max_bytes)

    async def read_dependencies(self, timeout_seconds: float) -> asyncpg.Record:
        """Return the state for readiness (`readiness.sql`), read with a session of the pool.

        Raises:
            StorageUnavailable: there is no answer within `timeout_seconds`.
        """
        try:
            async with asyncio.timeout(timeout_seconds), self.acquire_connection() as connection:
                return await _fetch_dependencies(connection)
        except TimeoutError as error:
            raise StorageUnavailable from error

    @property
    def bulkheads_by_workload(self) -> Mapping[WorkloadType, WorkloadBulkhead]:
        """The bulkhead of each workload."""
        return self._pool_bulkheads.bulkheads_by_workload

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool, for metrics of its size."""
        return self._pool

    @asynccontextmanager
    async def _begin_transaction(
        self, pool_usage: PoolUsage, acquire_timeout_seconds: float | None
    ) -> AsyncIterator[Connection]:
        """Yield a connection with an open transaction; first replace a dead connection of the pool."""
        begin_statement = (
            f"{_BEGIN_STATEMENT}{self._pool_bulkheads.get_timeout_statements(pool_usage.workload_type)}"
        )
        for retries_left in range(self._options.max_connections, -1, -1):
            has_begun = False
            async with self.acquire_connection(
                pool_usage, acquire_timeout_seconds=acquire_timeout_seconds
            ) as connection:
                try:
                    async with _open_transaction(connection, begin_statement):
                        has_begun = True
                        yield connection
                        return
                except _SESSION_ENDED_ERRORS as error:
                    # Before the operation has begun, the next connection can be used instead.
                    if has_begun or not retries_left or not _is_session_ended(connection, error):
                        raise

    @asynccontextmanager
    async def acquire_connection(
        self,
        pool_usage: PoolUsage = BACKGROUND_USAGE,
        *,
        acquire_timeout_seconds: float | None = None,
        is_write: bool = True,
    ) -> AsyncIterator[Connection]:
        """Yield a connection of the pool without a transaction, for the sequencer, role leases and the clock.

        Raises:
            StorageUnavailable: no connection within `acquire_timeout_seconds`, or the database fails.
            ConcurrentChange: a lock or a deadlock.
            WorkloadOverloaded: the bulkhead has no free place in time.
        """
        acquire_timeout_seconds = (
            self._options.acquire_timeout_seconds
            if acquire_timeout_seconds is None
            else acquire_timeout_seconds
        )
        workload_bulkhead = self._pool_bulkheads.bulkheads_by_workload[pool_usage.workload_type]
        await workload_bulkhead.acquire_place(pool_usage.caller, acquire_timeout_seconds)
        connection: Connection | None = None
        try:
            with preserve_cancellation():
                connection = await self._acquire_session(acquire_timeout_seconds, is_write)
                try:
                    yield connection
                except Exception as error:
                    if is_session_unusable(error):
                        connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)
        except WmsError:
            raise
        except Exception as error:
            self.has_rejected_write |= isinstance(error, WRITE_REJECTED_ERRORS)
            if connection is None:
                raise StorageUnavailable from error
            domain_error = to_domain_error(error, is_connection_closed=_is_closed(connection))
            if domain_error is None:
                raise
            raise domain_error from error
        finally:
            workload_bulkhead.release_place()

    async def _acquire_session(self, acquire_timeout_seconds: float, is_write: bool) -> Connection:
        """Acquire a session of the pool; for a write, replace a session that was opened as read-only."""
        connection = await self._pool.acquire(timeout=acquire_timeout_seconds)
        if not is_write or not _is_read_only(connection):
            return connection
        connection.terminate()
        await self._pool.release(connection)
        return await self._pool.acquire(timeout=acquire_timeout_seconds)


def _is_read_only(connection: Connection) -> bool:
    """Return whether Postgres has reported the session as read-only. PgBouncer may not pass this on."""
    settings = connection.get_settings()
    read_only_settings = (
        getattr(settings, name, "off") for name in ("default_transaction_read_only", "in_hot_standby")
    )
    return "on" in read_only_settings


async def _fetch_dependencies(connection: Connection) -> asyncpg.Record:
    try:
        row = await connection.fetchrow(query("readiness.get_dependencies"))
    except asyncio.CancelledError:
        # Otherwise the pool waits for the end of the query on a server that does not answer.
        connection.terminate()
        raise
    assert row is not None  # it has no condition
    return row


def _is_session_ended(connection: Connection, error: Exception) -> bool:
    """Return whether the server has ended the session; close it on the client's side, too."""
    if isinstance(error, TimeoutError):
        return False
    session_end_errors = asyncpg.AdminShutdownError | asyncpg.CrashShutdownError | asyncpg.InternalClientError
    if isinstance(error, session_end_errors):
        connection.terminate()
    return _is_closed(connection)


def _is_closed(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The connection is back in the pool, which has removed it because it is broken.
        return True


@asynccontextmanager
async def _open_transaction(connection: Connection, begin_statement: str) -> AsyncIterator[None]:
    """Run the body in a transaction; commit at its end, roll back after an error."""
    try:
        await connection.execute(begin_statement)
        yield
    except BaseException:
        try:
            await connection.execute("ROLLBACK;")
        except DRIVER_ERRORS as error:
            # The pool closes a connection that cannot roll back, and Postgres rolls back by itself.
            _log.debug("rollback_failed", error=type(error).__name__)
        raise
    else:
        await connection.execute("COMMIT;")


@asynccontextmanager
async def open_database(url: str, options: PoolOptions) -> AsyncIterator[PostgresDatabase]:
    """Open a pool and close it on exit. The database need not be available yet."""
    address = parse_database_url(url)

    async def open_session(*_: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        del options["loop"]
        return await address.open_connection(options.pop("timeout"), **options)

    pool = asyncpg.create_pool(
        address.driver_dsn,
        connect=open_session,
        min_size=0,
        max_size=options.max_connections,
        timeout=options.connect_timeout_seconds,
        command_timeout=options.statement_timeout_seconds + 5,
        statement_cache_size=options.statement_cache_size,
        max_inactive_connection_lifetime=60,
        server_settings=build_session_settings(options),
        reset=_skip_reset,
    )
    await pool
    try:
        yield PostgresDatabase(pool, options)
    finally:
        await _close_pool(pool)


async def _skip_reset(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Skip asyncpg's reset of a released connection, which is a round trip.

    All settings and locks of this code end with their transaction.
    """


def build_session_settings(options: PoolOptions) -> dict[str, str]:
    """Return the Postgres settings of each session of the pool."""
    timeouts_by_setting: dict[str, Any] = {
        "statement_timeout": options.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": options.idle_in_transaction_timeout_seconds,
        "lock_timeout": options.statement_timeout_seconds / (5 if options.is_shared else 2),
        "tcp_user_timeout": options.statement_timeout_seconds,
    }
    return {
        "application_name": options.application_name,
        "jit": "off",
        # The index of a queue has many dead entries. An index scan marks those that it passes as dead; a
        # bitmap scan reads all of them each time.
        "enable_bitmapscan": "off",
        # Queues are in memory, where a random read costs hardly more than a sequential one.
        "random_page_cost": "1.1",
        "timezone": "UTC",
        **{name: str(int(timeout_seconds * 1000)) for name, timeout_seconds in timeouts_by_setting.items()},
    }


async def _close_pool(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        # If the database does not answer, the pool would wait for each idle session.
        async with asyncio.timeout(1):
            await pool.close()
    except (TimeoutError, asyncpg.InterfaceError, OSError):
        pool.terminate()

"""The pool and the transactions on it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import asyncpg
import structlog

from wms_core.application.ports import Fence, Transaction
from wms_core.application.workloads import BACKGROUND, Usage, Workload
from wms_core.domain.errors import ConcurrentChange, Overloaded, StaleEpoch, StorageUnavailable, WmsError
from wms_core.postgres.address import parse_database_url
from wms_core.postgres.bulkheads import Bulkhead, Bulkheads, WorkloadLimits, limits_for
from wms_core.postgres.connection import Connection
from wms_core.postgres.errors import (
    DONE_AGAIN,
    DRIVER,
    WRITE_REFUSED,
    cancellations_kept,
    is_locked_out,
    is_of_no_more_use,
    translate,
)
from wms_core.postgres.queries import query
from wms_core.postgres.transaction import PostgresTransaction

T = TypeVar("T")

_ATTEMPTS = 4
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"
_BEGIN_READING = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
#: What a session says that was ended from the other side while it lay in the pool.
_ENDED = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # What asyncpg says of a session whose end it had not noticed yet.
    asyncpg.InternalClientError,
    OSError,
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Sizes and limits, times in seconds. No wait for the database is longer than `statement_timeout` + 5.

    A pool that is shared by callers of many kinds has limits for each kind of work (docs/adr/0031).
    """

    max_size: int = 10
    connect_timeout: float = 5.0
    acquire_timeout: float = 10.0
    statement_timeout: float = 15.0
    lock_timeout: float = 1.0  # of changes that callers wait for
    idle_in_transaction_timeout: float = 10.0
    statement_cache: int = 100
    application_name: str = "wms-orders"
    event_max_bytes: int = 900_000
    is_shared: bool = False

    @property
    def limits(self) -> Mapping[Workload, WorkloadLimits]:
        """The limits of each kind of work; none unless callers of many kinds share the pool."""
        if not self.is_shared:
            return {}
        return limits_for(self.max_size, self.statement_timeout, self.lock_timeout)


class PostgresDatabase:
    """Runs work in transactions on a pool of connections; see `application.ports.Database`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", options: PoolOptions) -> None:
        """Use `open_database` instead."""
        self._pool = pool
        self._options = options
        #: Whether a write was refused because the session is read-only or the disk full. Readiness asks the
        #: database about it, and sets it back when there is nothing in it.
        self.write_was_refused = False
        self._bulkheads = Bulkheads(options.limits)

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        whole: bool = True,
        usage: Usage = BACKGROUND,
    ) -> T:
        """Run `work` in one READ COMMITTED transaction; see `application.ports.Database`."""
        try:
            return await self._repeated(work, fence, whole, usage)
        except ConcurrentChange as error:
            if not (usage.patient and self._is_brief(usage) and is_locked_out(error)):
                raise
            locked_out = error
        # The connections that others want are not for waiting.
        waiting = replace(usage, workload=Workload.CONTENDED)
        try:
            return await self._repeated(work, fence, whole, waiting, within=self._options.lock_timeout)
        except Overloaded:
            raise locked_out from None

    def _is_brief(self, usage: Usage) -> bool:
        """Say whether locks are waited for only briefly at first."""
        return (
            usage.workload in (Workload.WRITE, Workload.BULK) and Workload.CONTENDED in self._options.limits
        )

    async def _repeated(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        fence: Fence | None,
        whole: bool,
        usage: Usage,
        within: float | None = None,
    ) -> T:
        """Run `work` again after a deadlock, a few times."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                context = self._begun(usage, within) if whole else self.connection(usage, within=within)
                async with context as connection:
                    if whole and fence is not None:
                        await connection.execute(query("roles.fence"), fence.role, fence.epoch)
                    return await work(self._unit(connection))
            except ConcurrentChange as error:
                if attempt == _ATTEMPTS or not isinstance(error.__cause__, DONE_AGAIN):
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 # jitter, no secret
            except StaleEpoch:
                if fence is None:
                    raise
                raise StaleEpoch(role=fence.role, epoch=fence.epoch, current="a later one") from None
        raise AssertionError("unreachable")

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, usage: Usage = BACKGROUND) -> T:
        """Run reading work of single statements; see `application.ports.Database`."""
        limits = self._bulkheads.time_limits(usage.workload)
        for left in range(self._options.max_size, -1, -1):
            async with self.connection(usage, writes=False) as connection:
                try:
                    if not limits:
                        return await work(self._unit(connection))
                    async with _transaction(connection, f"{_BEGIN_READING}{limits}"):
                        return await work(self._unit(connection))
                except asyncpg.InvalidCachedStatementError:
                    # A table was changed since the statement was prepared; the driver forgets it.
                    if not left:
                        raise
                except _ENDED as error:
                    # Reading changed nothing, so the next connection may do it.
                    if not left or not _was_ended(connection, error):
                        raise
        raise AssertionError("unreachable")

    def _unit(self, connection: Connection) -> PostgresTransaction:
        return PostgresTransaction(connection, self._options.event_max_bytes)

    async def dependencies(self, timeout_seconds: float) -> asyncpg.Record:
        """Return what readiness asks of the database (`readiness.sql`), as a session of the pool sees it.

        Raises StorageUnavailable unless the answer comes in time.
        """
        try:
            async with asyncio.timeout(timeout_seconds), self.connection() as connection:
                return await _dependencies(connection)
        except TimeoutError as error:
            raise StorageUnavailable from error

    @property
    def bulkheads(self) -> Mapping[Workload, Bulkhead]:
        """What admits each kind of work."""
        return self._bulkheads.each

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool, for those who look at its size."""
        return self._pool

    @asynccontextmanager
    async def _begun(self, usage: Usage, within: float | None) -> AsyncIterator[Connection]:
        """Give a connection on which a transaction has begun; a dead one from the pool is replaced first."""
        begin = f"{_BEGIN}{self._bulkheads.time_limits(usage.workload)}"
        for left in range(self._options.max_size, -1, -1):
            begun = False
            async with self.connection(usage, within=within) as connection:
                try:
                    async with _transaction(connection, begin):
                        begun = True
                        yield connection
                        return
                except _ENDED as error:
                    # As long as nothing was asked for, the next connection may do it.
                    if begun or not left or not _was_ended(connection, error):
                        raise

    @asynccontextmanager
    async def connection(
        self, usage: Usage = BACKGROUND, *, within: float | None = None, writes: bool = True
    ) -> AsyncIterator[Connection]:
        """Give a connection of the pool, for what is no unit of work: sequencer, roles, clock.

        `within` is how many seconds to wait for one. Raises StorageUnavailable, whatever the reason for which
        none can be made; ConcurrentChange; WorkloadOverloaded; and what the body raises.
        """
        within = self._options.acquire_timeout if within is None else within
        bulkhead = self._bulkheads.each[usage.workload]
        await bulkhead.enter(usage.caller, within)
        connection: Connection | None = None
        try:
            with cancellations_kept():
                connection = await self._acquired(within, writes)
                try:
                    yield connection
                except Exception as error:
                    if is_of_no_more_use(error):
                        connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)
        except WmsError:
            raise
        except Exception as error:
            self.write_was_refused |= isinstance(error, WRITE_REFUSED)
            if connection is None:
                raise StorageUnavailable from error
            ours = translate(error, connection_closed=_closed(connection))
            if ours is None:
                raise
            raise ours from error
        finally:
            bulkhead.leave()

    async def _acquired(self, within: float, writes: bool) -> Connection:
        """Take a session of the pool; one that was opened read-only is replaced before it is to write."""
        connection = await self._pool.acquire(timeout=within)
        if not writes or not _is_read_only(connection):
            return connection
        connection.terminate()
        await self._pool.release(connection)
        return await self._pool.acquire(timeout=within)


def _is_read_only(connection: Connection) -> bool:
    """Say whether the session can't write, as Postgres has told of it; PgBouncer may keep that to itself."""
    settings = connection.get_settings()
    told = (getattr(settings, name, "off") for name in ("default_transaction_read_only", "in_hot_standby"))
    return "on" in told


async def _dependencies(connection: Connection) -> asyncpg.Record:
    try:
        row = await connection.fetchrow(query("readiness.dependencies"))
    except asyncio.CancelledError:
        # The pool would take it back only after a server that does not answer has ended the query.
        connection.terminate()
        raise
    assert row is not None  # it has no condition
    return row


def _was_ended(connection: Connection, error: Exception) -> bool:
    """Say whether the other side has ended the session; then it is closed on ours too."""
    if isinstance(error, TimeoutError):
        return False
    told = asyncpg.AdminShutdownError | asyncpg.CrashShutdownError | asyncpg.InternalClientError
    if isinstance(error, told):
        connection.terminate()
    return _closed(connection)


def _closed(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # Back in the pool: the pool took it away because it is broken.
        return True


@asynccontextmanager
async def _transaction(connection: Connection, begin: str) -> AsyncIterator[None]:
    """Run the body in a transaction, which is committed at its end and rolled back after any error."""
    try:
        await connection.execute(begin)
        yield
    except BaseException:
        try:
            await connection.execute("ROLLBACK;")
        except DRIVER as error:
            # A connection that can't roll back is closed by the pool; Postgres rolls back by itself.
            _log.debug("rollback_failed", error=type(error).__name__)
        raise
    else:
        await connection.execute("COMMIT;")


@asynccontextmanager
async def open_database(url: str, options: PoolOptions) -> AsyncIterator[PostgresDatabase]:
    """Open a pool and close it at the end; does not wait for the database to be there."""
    address = parse_database_url(url)

    async def connect(*_: Any, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
        del options["loop"]
        return await address.connect(options.pop("timeout"), **options)

    pool = asyncpg.create_pool(
        address.dsn,
        connect=connect,
        min_size=0,
        max_size=options.max_size,
        timeout=options.connect_timeout,
        command_timeout=options.statement_timeout + 5,
        statement_cache_size=options.statement_cache,
        max_inactive_connection_lifetime=60,
        server_settings=session_settings(options),
        reset=_nothing_to_reset,
    )
    await pool
    try:
        yield PostgresDatabase(pool, options)
    finally:
        await _close(pool)


async def _nothing_to_reset(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare each use of a connection a round trip: what we set and lock ends with its transaction."""


def session_settings(options: PoolOptions) -> dict[str, str]:
    """Give what each session of the pool is set to."""
    milliseconds: dict[str, Any] = {
        "statement_timeout": options.statement_timeout,
        "idle_in_transaction_session_timeout": options.idle_in_transaction_timeout,
        "lock_timeout": options.statement_timeout / (5 if options.is_shared else 2),
        "tcp_user_timeout": options.statement_timeout,
    }
    return {
        "application_name": options.application_name,
        "jit": "off",
        # The index of a queue is full of entries of what has left it. A plain scan clears away those that it
        # passes; a bitmap scan passes all of them each time.
        "enable_bitmapscan": "off",
        # Queues are in memory: to follow an index costs hardly more there than to read on.
        "random_page_cost": "1.1",
        "timezone": "UTC",
        **{name: str(int(seconds * 1000)) for name, seconds in milliseconds.items()},
    }


async def _close(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        # Of a database that has gone silent, each session that lies idle would be waited for.
        async with asyncio.timeout(1):
            await pool.close()
    except (TimeoutError, asyncpg.InterfaceError, OSError):
        pool.terminate()

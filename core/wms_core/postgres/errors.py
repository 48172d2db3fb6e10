"""The one place where a driver's error becomes one of ours; no SQLSTATE text goes further."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from wms_core.domain.errors import (
    ConcurrentChange,
    StaleEpoch,
    StorageUnavailable,
    WmsError,
)

#: All by which a call of the driver can fail.
DRIVER = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # Its own state is lost, as that of a session whose end it has not noticed.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

#: Away, starting, stopping, full, closed to us or too slow: the same request may go through later.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DatabaseDroppedError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    # Grants were taken back.
    asyncpg.InsufficientPrivilegeError,
)

#: The database answers and takes no writes; the session may be to blame, or the database.
WRITE_REFUSED = (asyncpg.ReadOnlySQLTransactionError, asyncpg.DiskFullError)

#: Lost against another transaction: the work may simply be done again.
DONE_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # A table was changed since the statement was prepared; the driver forgets it.
    asyncpg.InvalidCachedStatementError,
)

#: As those, or a lock that was waited for as long as may be: to wait again is the caller's to decide.
CONTENTION = (*DONE_AGAIN, asyncpg.LockNotAvailableError)

_STALE_EPOCH = "WM001"

#: SQLSTATEs, or how they begin, after which a session is of no more use: it is read-only, the server is full,
#: stopping or broken. The next session may be well.
_NO_MORE_USE = ("08", "25006", "53", "57P", "58", "XX")


def translate(error: BaseException, *, connection_closed: bool = False) -> WmsError | None:
    """Give our error for the driver's, or None when it is a fault of ours that nobody expects."""
    if isinstance(error, CONTENTION):
        return ConcurrentChange()
    if isinstance(error, UNAVAILABLE):
        return StorageUnavailable()
    if isinstance(error, asyncpg.InterfaceError) and (connection_closed or "pool is" in str(error)):
        return StorageUnavailable()
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate == _STALE_EPOCH:
        return StaleEpoch(role="of this worker", current=error.detail or "", epoch="an older one")
    return None


def is_of_no_more_use(error: Exception) -> bool:
    """Say whether the session that has failed so is better closed than used again."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(_NO_MORE_USE)


def is_locked_out(error: Exception) -> bool:
    """Say whether an error of ours is that of a lock that was waited for as long as may be."""
    return isinstance(error.__cause__, asyncpg.LockNotAvailableError)


@contextmanager
def cancellations_kept() -> Iterator[None]:
    """Raise CancelledError for a driver's error that stands in the way of a cancellation.

    A connection that gives no answer while it rolls back, or comes back to its pool, raises an error of its
    own instead; who takes that for an outage would never end. Only a cancellation that came meanwhile counts:
    a TaskGroup may leave an old one behind (until Python 3.13).
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except DRIVER as error:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise

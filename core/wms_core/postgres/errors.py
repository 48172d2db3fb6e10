"""The one place where a driver's error becomes one of ours; no SQLSTATE text goes further."""

import asyncio

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

#: Away, starting, stopping, full or too slow: the same request may go through later.
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
)

#: Lost against another transaction: the work may simply be done again.
DONE_AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)

#: As those, or a lock that was waited for as long as may be: to wait again is the caller's to decide.
CONTENTION = (*DONE_AGAIN, asyncpg.LockNotAvailableError)

_STALE_EPOCH = "WM001"


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


def raise_if_cancelled(error: BaseException) -> None:
    """Raise CancelledError in a task that is being cancelled.

    A connection that gives no answer while it rolls back, or comes back to its pool, raises an error of its
    own instead; who takes that for an outage would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error

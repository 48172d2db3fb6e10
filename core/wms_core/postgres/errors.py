"""Convert errors of asyncpg to domain errors. No other module uses SQLSTATEs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from wms_core.domain.errors import ConcurrentChange, StaleEpoch, StorageUnavailable, WmsError

#: All errors that a call of asyncpg can raise.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # For example, asyncpg has not noticed the end of the session.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

#: The database is unreachable, starting, stopping, full, too slow or denies access. A later retry may work.
UNAVAILABLE_ERRORS = (
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
    # Grants were revoked.
    asyncpg.InsufficientPrivilegeError,
    # The schema is missing temporarily: it is being restored, or the role's search path excludes it.
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)

#: The database answers but rejects writes. The cause may be the session or the database.
WRITE_REJECTED_ERRORS = (asyncpg.ReadOnlySQLTransactionError, asyncpg.DiskFullError)

#: A conflict with another transaction: the operation can be repeated immediately.
RETRYABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # A table has changed since the statement was prepared. asyncpg then drops the prepared statement.
    asyncpg.InvalidCachedStatementError,
)

#: `RETRYABLE`, or a lock timeout, after which the caller decides whether to wait again.
CONTENTION_ERRORS = (*RETRYABLE, asyncpg.LockNotAvailableError)

_STALE_EPOCH_SQLSTATE = "WM001"

#: Prefixes of SQLSTATEs after which a session is closed: it is read-only or does not find the schema, or the
#: server is full, stopping or broken. The next session may work.
_UNUSABLE_SESSION_SQLSTATES = ("08", "25006", "3F", "42883", "42P01", "53", "57P", "58", "XX")


def to_domain_error(error: BaseException, *, is_connection_closed: bool = False) -> WmsError | None:
    """Return the domain error for an error of asyncpg; None for an unexpected error, which is a bug."""
    if isinstance(error, CONTENTION_ERRORS):
        return ConcurrentChange()
    if isinstance(error, UNAVAILABLE_ERRORS):
        return StorageUnavailable()
    if isinstance(error, asyncpg.InterfaceError) and (is_connection_closed or "pool is" in str(error)):
        return StorageUnavailable()
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate == _STALE_EPOCH_SQLSTATE:
        return StaleEpoch(role="of this worker", current=error.detail or "", epoch="an older one")
    return None


def is_session_unusable(error: Exception) -> bool:
    """Return whether the session must be closed after this error."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(
        _UNUSABLE_SESSION_SQLSTATES
    )


def is_lock_timeout(error: Exception) -> bool:
    """Return whether a lock timeout caused this domain error."""
    return isinstance(error.__cause__, asyncpg.LockNotAvailableError)


@contextmanager
def preserve_cancellation() -> Iterator[None]:
    """Raise `CancelledError` instead of an error of asyncpg that hides a cancellation.

    A connection without an answer raises its own error while it rolls back or returns to the pool. A task
    that treats this error as an outage would retry and never end. Only a cancellation within the block
    counts, because a TaskGroup may leave an earlier one behind (until Python 3.13).
    """
    task = asyncio.current_task()
    earlier_cancellations = task.cancelling() if task else 0
    try:
        yield
    except DRIVER_ERRORS as error:
        if task and task.cancelling() > earlier_cancellations:
            raise asyncio.CancelledError from error
        raise

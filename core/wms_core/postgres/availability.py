"""Check whether the database accepts writes, and read the state of Kafka that the relay has reported.

Normally this is one cheap query on the pool, without a write. After a rejected write in this process, or if a
session of the pool is read-only or fails, a new session decides: it has the current state of the database and
not the state at the time when the pool opened its sessions. After a rejected write the new session must also
be able to allocate disk space.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import asyncpg

from wms_core.domain.errors import StorageUnavailable
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.database_url import parse_database_url
from wms_core.postgres.errors import DRIVER_ERRORS, preserve_cancellation
from wms_core.postgres.named_queries import query
from wms_core.runtime.logging_setup import describe_error

_AsyncpgConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# A busy pool is not an outage of the database: after this timeout a new session is used instead.
_POOL_TIMEOUT_SECONDS = 0.5
_SESSION_TIMEOUT_SECONDS = 1.5


class DatabaseState(StrEnum):
    """The state of the database for this process."""

    WRITABLE = "writable"
    READ_ONLY = "read_only"
    FULL = "full"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"  # before the first check


@dataclass(frozen=True, slots=True)
class KafkaReport:
    """The state of Kafka: `publishing`, `failing`, `unknown` (no current report) or `no_relay` (no report).

    `state_since` is the start of the state. `backlog_events` is the number of events that Kafka has not
    acknowledged, or None if a relay has never run.
    """

    state: str = "unknown"
    state_since: datetime | None = None
    backlog_events: int | None = None


@dataclass(frozen=True, slots=True)
class DependencyAvailability:
    """The result of one check.

    `reason` says why the database is not writable and contains no private data. `error` has details for the
    log.
    """

    database_state: DatabaseState
    reason: str = ""
    error: str = ""
    kafka_report: KafkaReport = KafkaReport()


class _ReadOnly(Exception):
    """The session is read-only."""


class AvailabilityProbe:
    """Check the database of one process, with its pool or with a new session."""

    def __init__(self, database: PostgresDatabase, url: str) -> None:
        self._database = database
        self._database_address = parse_database_url(url)

    async def check(self) -> DependencyAvailability:
        """Return the availability within two seconds. An outage is a result and not an error."""
        if not self._database.has_rejected_write:
            with suppress(StorageUnavailable, _ReadOnly, *DRIVER_ERRORS):
                return _read_availability(await self._database.read_dependencies(_POOL_TIMEOUT_SECONDS))
        try:
            with preserve_cancellation():
                async with asyncio.timeout(_SESSION_TIMEOUT_SECONDS):
                    return await self._check_by_new_session()
        except (_ReadOnly, *DRIVER_ERRORS) as error:
            return _explain_error(error)

    async def _check_by_new_session(self) -> DependencyAvailability:
        session = await self._database_address.open_connection(
            _SESSION_TIMEOUT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "wms-orders-readiness"},
        )
        try:
            row = await session.fetchrow(query("readiness.get_dependencies"))
            assert row is not None  # the query has no condition
            session_availability = _read_availability(row)
            if self._database.has_rejected_write:
                await _allocate_space(session)
                self._database.has_rejected_write = False
        except BaseException:
            session.terminate()
            raise
        await session.close(timeout=_SESSION_TIMEOUT_SECONDS)
        return session_availability


def _read_availability(row: asyncpg.Record) -> DependencyAvailability:
    """Convert the result of a session.

    Raises:
        _ReadOnly: the session is read-only.
    """
    if row["in_recovery"] or row["read_only"]:
        raise _ReadOnly
    kafka_report = KafkaReport(row["kafka_state"], row["kafka_since"], row["kafka_backlog"])
    return DependencyAvailability(DatabaseState.WRITABLE, kafka_report=kafka_report)


def _explain_error(error: Exception) -> DependencyAvailability:
    """Return the state of the database that an error implies."""
    match error:
        case _ReadOnly() | asyncpg.ReadOnlySQLTransactionError():
            return DependencyAvailability(DatabaseState.READ_ONLY, "it is read-only")
        case asyncpg.DiskFullError():
            return DependencyAvailability(DatabaseState.FULL, "its disk is full", describe_error(error))
        case TimeoutError():
            return DependencyAvailability(DatabaseState.UNAVAILABLE, "it does not answer in time")
    reason = f"it cannot be queried ({type(error).__name__})"
    return DependencyAvailability(DatabaseState.UNAVAILABLE, reason, describe_error(error))


async def _allocate_space(session: _AsyncpgConnection) -> None:
    """Raise `DiskFullError` unless the database can allocate disk space; roll the allocation back."""
    transaction = session.transaction()
    await transaction.start()
    try:
        await session.execute(query("readiness.truncate_space_probe"))
        await session.execute(query("readiness.fill_space_probe"))
    finally:
        await transaction.rollback()

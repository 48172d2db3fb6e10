"""Whether the database takes writes, and how Kafka is as the relay has reported it.

While all is well this is one cheap query on the pool, which writes nothing. As soon as a call of this process
was refused a write, or a session of the pool says no, a new session decides: it alone shows how the database
is now, and not how it was when the pool opened its sessions. After a refused write it has to get new space.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import asyncpg

from wms_core.domain.errors import StorageUnavailable
from wms_core.logs import in_words
from wms_core.postgres.address import parse_database_url
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.errors import DRIVER, cancellations_kept
from wms_core.postgres.queries import query

_Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# A pool that is busy is no fault of the database: then a session of its own is asked.
_POOL_TIMEOUT_SECONDS = 0.5
_SESSION_TIMEOUT_SECONDS = 1.5


class DatabaseState(StrEnum):
    """What the database can do for this process."""

    WRITABLE = "writable"
    READ_ONLY = "read_only"
    FULL = "full"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"  # it was not asked yet


@dataclass(frozen=True, slots=True)
class KafkaReport:
    """How Kafka is: `publishing`, `failing`, `unknown` (no relay reports) or `no_relay` (none ever did).

    `since` is when that began. `backlog` is the number of events that Kafka has not acknowledged; None when
    there was never a relay.
    """

    state: str = "unknown"
    since: datetime | None = None
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """What was found at one time.

    `reason` says why the database is not writable, for strangers too; `error` says more, for the log.
    """

    database: DatabaseState
    reason: str = ""
    error: str = ""
    kafka: KafkaReport = KafkaReport()


class _ReadOnly(Exception):
    """The session may not write."""


class AvailabilityProbe:
    """Asks the database of one process."""

    def __init__(self, database: PostgresDatabase, url: str) -> None:
        """Ask by the pool, and by new sessions at the address."""
        self._database = database
        self._address = parse_database_url(url)

    async def check(self) -> Availability:
        """Return what can be said within two seconds; an outage is a result, not an error."""
        if not self._database.write_was_refused:
            with suppress(StorageUnavailable, _ReadOnly, *DRIVER):
                return _read_availability(await self._database.dependencies(_POOL_TIMEOUT_SECONDS))
        try:
            with cancellations_kept():
                async with asyncio.timeout(_SESSION_TIMEOUT_SECONDS):
                    return await self._check_by_new_session()
        except (_ReadOnly, *DRIVER) as error:
            return _explain(error)

    async def _check_by_new_session(self) -> Availability:
        session = await self._address.connect(
            _SESSION_TIMEOUT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "wms-orders-readiness"},
        )
        try:
            row = await session.fetchrow(query("readiness.dependencies"))
            assert row is not None  # it has no condition
            availability = _read_availability(row)
            if self._database.write_was_refused:
                await _allocate_space(session)
                self._database.write_was_refused = False
        except BaseException:
            session.terminate()
            raise
        await session.close(timeout=_SESSION_TIMEOUT_SECONDS)
        return availability


def _read_availability(row: asyncpg.Record) -> Availability:
    """Return what a session has found. Raises _ReadOnly."""
    if row["in_recovery"] or row["read_only"]:
        raise _ReadOnly
    kafka = KafkaReport(row["kafka_state"], row["kafka_since"], row["kafka_backlog"])
    return Availability(DatabaseState.WRITABLE, kafka=kafka)


def _explain(error: Exception) -> Availability:
    """Return what an error says of the database."""
    match error:
        case _ReadOnly() | asyncpg.ReadOnlySQLTransactionError():
            return Availability(DatabaseState.READ_ONLY, "it is read-only")
        case asyncpg.DiskFullError():
            return Availability(DatabaseState.FULL, "its disk is full", in_words(error))
        case TimeoutError():
            return Availability(DatabaseState.UNAVAILABLE, "it does not answer in time")
    reason = f"it can't be asked ({type(error).__name__})"
    return Availability(DatabaseState.UNAVAILABLE, reason, in_words(error))


async def _allocate_space(session: _Session) -> None:
    """Raise DiskFullError unless there is new space to be had; leaves nothing behind."""
    transaction = session.transaction()
    await transaction.start()
    try:
        await session.execute(query("readiness.clear_space_probe"))
        await session.execute(query("readiness.fill_space_probe"))
    finally:
        await transaction.rollback()

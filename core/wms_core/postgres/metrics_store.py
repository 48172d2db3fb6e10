"""What is measured, read from Postgres."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg

from wms_core.domain.levels import (
    EventGroup,
    EventTally,
    Levels,
    RelayLevel,
    RoleLevel,
    UrgencyLevel,
    WaitingLevel,
)
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Priority
from wms_core.postgres.connection import Connection
from wms_core.postgres.queries import query


class PostgresMetricsStore:
    """See `application.ports.MetricsStore`."""

    def __init__(self, connection: Connection) -> None:
        """Read on a connection."""
        self._connection = connection

    async def newest_position(self) -> int:
        """Give the position at which the event log ends."""
        position: int = await self._connection.fetchval(query("metrics.newest_position"))
        return position

    async def tally(self, after: int, limit: int) -> EventTally:
        """Sum up the events after a position."""
        rows = await self._connection.fetch(query("metrics.tally"), after, limit)
        return EventTally(
            position=max((row["newest"] for row in rows), default=after),
            groups=tuple(_group(row) for row in rows),
            times=tuple(time for row in rows for time in _times(row)),
        )

    async def levels(self, limits_of_age: Mapping[Priority, timedelta], now: datetime) -> Levels:
        """Count what waits."""
        waiting = await self._connection.fetch(query("metrics.waiting"))
        urgency = await self._connection.fetch(
            query("metrics.urgency"), now, list(limits_of_age), list(limits_of_age.values())
        )
        roles = await self._connection.fetch(query("metrics.roles"))
        relay = await self._connection.fetchrow(query("metrics.relay"), now)
        queues = await self._connection.fetchrow(query("metrics.queues"), now)
        if queues is None:
            raise LookupError("an aggregate without a row")
        return Levels(
            waiting=tuple(_waiting(row) for row in waiting),
            urgency=tuple(_urgency(row) for row in urgency),
            roles=tuple(RoleLevel(**row) for row in roles),
            relay=RelayLevel(**relay) if relay else None,
            **{name: value or 0 for name, value in queues.items()},
        )


def _group(row: asyncpg.Record) -> EventGroup:
    return EventGroup(
        row["type"],
        row["from_status"] or "",
        row["to_status"] or "",
        row["detail"] or "",
        bool(row["retried"]),
        row["events"],
    )


def _times(row: asyncpg.Record) -> list[tuple[Priority, float]]:
    return [
        (Priority(priority), max(seconds, 0.0))
        for priority, seconds in zip(row["priorities"] or (), row["seconds"] or (), strict=True)
    ]


def _waiting(row: asyncpg.Record) -> WaitingLevel:
    return WaitingLevel(OrderStatus(row["status"]), row["reason"], row["orders"])


def _urgency(row: asyncpg.Record) -> UrgencyLevel:
    return UrgencyLevel(
        Priority(row["priority"]), row["orders"], row["too_long"], row["overdue"], row["oldest"]
    )

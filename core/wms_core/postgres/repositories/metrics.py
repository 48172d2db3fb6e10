"""Measurements for metrics, read from Postgres."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg

from wms_core.domain.backlog_metrics import (
    BacklogSnapshot,
    EventCounts,
    EventGroup,
    PriorityBacklog,
    RelayLag,
    RoleVacancy,
    WaitingBacklog,
)
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query


class PostgresMetricsRepository:
    """Implement `wms_core.application.database.MetricsRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read_newest_position(self) -> int:
        """Return the position of the newest event in the log."""
        position: int = await self._connection.fetchval(query("metrics.read_newest_position"))
        return position

    async def count_events(self, after_position: int, limit: int) -> EventCounts:
        """Return the counts of the next `limit` events after a position."""
        rows = await self._connection.fetch(query("metrics.count_events"), after_position, limit)
        return EventCounts(
            position=max((row["newest"] for row in rows), default=after_position),
            event_groups=tuple(_to_event_group(row) for row in rows),
            shipping_seconds=tuple(time for row in rows for time in _to_shipping_times(row)),
        )

    async def read_backlog(self, age_limits: Mapping[Priority, timedelta], now: datetime) -> BacklogSnapshot:
        """Return the size and the age of each queue."""
        waiting_rows = await self._connection.fetch(query("metrics.count_waiting_orders"))
        urgency_rows = await self._connection.fetch(
            query("metrics.count_orders_by_priority"), now, list(age_limits), list(age_limits.values())
        )
        role_rows = await self._connection.fetch(query("metrics.measure_role_vacancies"))
        relay_row = await self._connection.fetchrow(query("metrics.measure_relay_lag"), now)
        queues_row = await self._connection.fetchrow(query("metrics.measure_queues"), now)
        if queues_row is None:
            raise LookupError("an aggregate without a row")
        return BacklogSnapshot(
            waiting_orders=tuple(_to_waiting_backlog(row) for row in waiting_rows),
            orders_by_priority=tuple(_to_priority_backlog(row) for row in urgency_rows),
            role_vacancies=tuple(RoleVacancy(**row) for row in role_rows),
            relay_lag=RelayLag(**relay_row) if relay_row else None,
            **{name: value or 0 for name, value in queues_row.items()},
        )


def _to_event_group(row: asyncpg.Record) -> EventGroup:
    return EventGroup(
        row["type"],
        row["from_status"] or "",
        row["to_status"] or "",
        row["detail"] or "",
        bool(row["retried"]),
        row["events"],
    )


def _to_shipping_times(row: asyncpg.Record) -> list[tuple[Priority, float]]:
    return [
        (Priority(priority), max(shipping_seconds, 0.0))
        for priority, shipping_seconds in zip(row["priorities"] or (), row["seconds"] or (), strict=True)
    ]


def _to_waiting_backlog(row: asyncpg.Record) -> WaitingBacklog:
    return WaitingBacklog(OrderStatus(row["status"]), row["reason"], row["orders"])


def _to_priority_backlog(row: asyncpg.Record) -> PriorityBacklog:
    return PriorityBacklog(
        Priority(row["priority"]), row["orders"], row["too_long"], row["overdue"], row["oldest"]
    )

"""The event log in Postgres."""

from datetime import timedelta

from wms_core.application.ports import EventFilter, LogBounds
from wms_core.domain.events import EventRecord
from wms_core.postgres.conditions import Conditions
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import event_from
from wms_core.postgres.queries import query


class PostgresEventLogStore:
    """See `application.ports.EventLogStore`."""

    def __init__(self, connection: Connection) -> None:
        """Read on a connection."""
        self._connection = connection

    async def bounds(self) -> LogBounds:
        """Say where the log begins and ends now."""
        row = await self._connection.fetchrow(query("events.bounds"))
        if row is None:
            raise LookupError("an aggregate without a row")
        return LogBounds(row["oldest"], row["newest"])

    async def after(
        self, position: int, limit: int, *, until: int | None = None, wanted: EventFilter | None = None
    ) -> list[EventRecord]:
        """Give the next events after a position."""
        sql, arguments = _page(position, limit, until, wanted or EventFilter())
        return [event_from(row) for row in await self._connection.fetch(sql, *arguments)]

    async def drop_oldest(self, kept: timedelta) -> str | None:
        """Drop the oldest partition, within a lock that is given up soon."""
        await self._connection.execute(query("events.lock_briefly"))
        dropped: str | None = await self._connection.fetchval(query("events.drop_oldest"), kept)
        return dropped


def _page(position: int, limit: int, until: int | None, wanted: EventFilter) -> tuple[str, list[object]]:
    """Give the query for the next events; as for pages of orders, its conditions are those it needs."""
    conditions = Conditions()
    conditions.add("position > ?", position)
    if until is not None:
        conditions.add("position <= ?", until)
    if wanted.order_ids:
        conditions.add("order_id = ANY (?::text[])", sorted(wanted.order_ids))
    if wanted.types:
        conditions.add("type = ANY (?::text[])", sorted(wanted.types))
    if wanted.statuses:
        conditions.add("to_status = ANY (?::text[])", sorted(wanted.statuses))
    if wanted.warehouse_id:
        conditions.add("warehouse_id = ?", wanted.warehouse_id)
    if wanted.customer_id:
        conditions.add("payload ->> 'customerId' = ?", wanted.customer_id)
    # Events of a few orders are found by their ids, then sorted; in order of the log all would be read.
    order = "position + 0" if wanted.order_ids else "position"
    sql = f"SELECT * FROM order_events{conditions.where} ORDER BY {order} LIMIT {conditions.parameter(limit)}"  # noqa: S608
    return sql, conditions.values

"""The event log in Postgres."""

from datetime import timedelta

from wms_core.application.ports import MAX_RESPONSE_BYTES, EventFilter, LogBounds, ResultPage
from wms_core.domain.events import EventRecord
from wms_core.postgres.conditions import Conditions
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import event_from
from wms_core.postgres.queries import query
from wms_core.postgres.result_pages import result_page


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
        self,
        position: int,
        limit: int,
        max_bytes: int = MAX_RESPONSE_BYTES,
        *,
        until: int | None = None,
        wanted: EventFilter | None = None,
    ) -> ResultPage[EventRecord]:
        """Return the next events after a position."""
        sql, arguments = _page(position, limit + 1, max_bytes, until, wanted or EventFilter())
        return await result_page(await self._connection.fetch(sql, *arguments), event_from, limit)

    async def drop_oldest(self, kept: timedelta) -> str | None:
        """Drop the oldest partition, within a lock that is given up soon."""
        await self._connection.execute(query("events.lock_briefly"))
        dropped: str | None = await self._connection.fetchval(query("events.drop_oldest"), kept)
        return dropped


def _page(
    position: int, limit: int, max_bytes: int, until: int | None, wanted: EventFilter
) -> tuple[str, list[object]]:
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
    limited = conditions.parameter(limit)
    events = f"SELECT * FROM order_events{conditions.where} ORDER BY {order} LIMIT {limited}"  # noqa: S608
    sql = (
        "SELECT * FROM (SELECT *, count(*) OVER () AS found, sum(octet_length(payload::text)) OVER "  # noqa: S608
        "(ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before "
        f"FROM ({events}) AS e) AS e "
        f"WHERE coalesce(bytes_before, 0) < {conditions.parameter(max_bytes)} ORDER BY position"
    )
    return sql, conditions.values

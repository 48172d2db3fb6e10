"""The event log in Postgres."""

from datetime import timedelta

from wms_core.application.database import MAX_RESPONSE_BYTES, EventFilter, LogBounds, ResultPage
from wms_core.domain.events.events import EventRecord
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import to_event_record
from wms_core.postgres.repositories.result_pages import result_page
from wms_core.postgres.where_builder import WhereBuilder


class PostgresEventLogRepository:
    """Implement `wms_core.application.database.EventLogRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read_bounds(self) -> LogBounds:
        """Return the oldest and the newest position of the log."""
        row = await self._connection.fetchrow(query("events.read_bounds"))
        if row is None:
            raise LookupError("an aggregate without a row")
        return LogBounds(row["oldest"], row["newest"])

    async def list_after(
        self,
        position: int,
        limit: int,
        max_bytes: int = MAX_RESPONSE_BYTES,
        *,
        until_position: int | None = None,
        event_filter: EventFilter | None = None,
    ) -> ResultPage[EventRecord]:
        """Return the next events after a position."""
        sql_text, query_arguments = _build_page_query(
            position, limit + 1, max_bytes, until_position, event_filter or EventFilter()
        )
        return await result_page(
            await self._connection.fetch(sql_text, *query_arguments), to_event_record, limit
        )

    async def drop_oldest_partition(self, retention_period: timedelta) -> str | None:
        """Drop the oldest partition if no reader needs it; wait only briefly for its lock."""
        await self._connection.execute(query("events.limit_lock_wait"))
        dropped_partition: str | None = await self._connection.fetchval(
            query("events.drop_oldest_partition"), retention_period
        )
        return dropped_partition


def _build_page_query(
    position: int, limit: int, max_bytes: int, until_position: int | None, event_filter: EventFilter
) -> tuple[str, list[object]]:
    """Return the query for the next events and its parameters, with only the necessary conditions."""
    where_builder = WhereBuilder()
    where_builder.add_condition("position > ?", position)
    if until_position is not None:
        where_builder.add_condition("position <= ?", until_position)
    if event_filter.order_ids:
        where_builder.add_condition("order_id = ANY (?::text[])", sorted(event_filter.order_ids))
    if event_filter.types:
        where_builder.add_condition("type = ANY (?::text[])", sorted(event_filter.types))
    if event_filter.statuses:
        where_builder.add_condition("to_status = ANY (?::text[])", sorted(event_filter.statuses))
    if event_filter.warehouse_id:
        where_builder.add_condition("warehouse_id = ?", event_filter.warehouse_id)
    if event_filter.customer_id:
        where_builder.add_condition("payload ->> 'customerId' = ?", event_filter.customer_id)
    # With `+ 0` the planner uses the index by order and sorts; by position it would read the whole log.
    sort_key = "position + 0" if event_filter.order_ids else "position"
    limit_parameter = where_builder.add_parameter(limit)
    events_sql = (
        f"SELECT * FROM order_events{where_builder.where_clause} ORDER BY {sort_key} LIMIT {limit_parameter}"  # noqa: S608
    )
    sql_text = (
        "SELECT * FROM (SELECT *, count(*) OVER () AS row_count, sum(octet_length(payload::text)) OVER "  # noqa: S608
        "(ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before "
        f"FROM ({events_sql}) AS e) AS e "
        f"WHERE coalesce(bytes_before, 0) < {where_builder.add_parameter(max_bytes)} ORDER BY position"
    )
    return sql_text, where_builder.values

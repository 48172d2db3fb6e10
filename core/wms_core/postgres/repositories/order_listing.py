"""Queries for pages of orders, with conditions that the indexes can serve.

The text contains only the necessary conditions, because `$1 IS NULL OR …` prevents the use of indexes in a
generic plan. It contains only literals of this module; every value is a parameter.
"""

from collections.abc import Sequence
from typing import Any

from wms_core.application.database import MAX_RESPONSE_BYTES, OrderFilter, Page
from wms_core.domain.orders.status import OVERDUE_STATUSES, OrderStatus
from wms_core.postgres.where_builder import WhereBuilder

#: Approximate size of an order in memory, in bytes.
_BYTES = (
    "200 + octet_length(d.customer_id) + octet_length(d.shipping_address::text) + "
    "coalesce(octet_length(d.last_failure_reason), 0) + coalesce(octet_length(d.cancel_reason), 0) + "
    "coalesce(octet_length(d.items::text), 0) + coalesce(octet_length(d.shipments::text), 0)"
)


def orders_within() -> str:
    """Return the query for orders by id, up to a number of bytes, with the number of existing orders."""
    keys = "SELECT o.created_at, o.order_id FROM orders o WHERE o.order_id = ANY ($1::text[])"
    return _within(keys, "ORDER BY d.order_id", "$2")


def build_order_page_query(order_filter: OrderFilter, page: Page) -> tuple[str, Sequence[Any]]:
    """Return the query for one page of orders, newest first, and its parameters."""
    where_builder = _build_conditions(order_filter, page)
    statuses = _select_statuses(order_filter)
    limit_parameter = where_builder.add_parameter(page.size + 1 + page.offset)
    newest_first = "ORDER BY created_at DESC, order_id DESC"
    keys_sql = (
        f"SELECT o.created_at, o.order_id FROM orders o{where_builder.where_clause} "  # noqa: S608
        f"{newest_first} LIMIT {limit_parameter}"
    )
    if statuses is not None:
        # The branch of each status reads its part of the index and stops at the end of the page.
        statuses_parameter = where_builder.add_parameter([status.value for status in statuses])
        branch_condition = " AND ".join([*where_builder.condition_texts, "o.status = s.status"])
        keys_sql = (
            f"SELECT k.* FROM unnest({statuses_parameter}::text[]) AS s (status) CROSS JOIN LATERAL "  # noqa: S608
            f"(SELECT o.created_at, o.order_id FROM orders o WHERE {branch_condition} "
            f"{newest_first} LIMIT {limit_parameter}) AS k {newest_first} LIMIT {limit_parameter}"
        )
    if page.offset:
        keys_sql = (
            f"SELECT * FROM ({keys_sql}) AS k {newest_first} "  # noqa: S608
            f"OFFSET {where_builder.add_parameter(page.offset)}"
        )
    sql_text = _within(
        keys_sql,
        "ORDER BY d.created_at DESC, d.order_id DESC",
        where_builder.add_parameter(MAX_RESPONSE_BYTES),
    )
    return sql_text, where_builder.values


def _within(keys: str, order: str, max_bytes: str) -> str:
    # OFFSET 0 keeps Postgres from building the lines of each order twice, once for the size.
    return (
        f"SELECT * FROM (SELECT d.*, count(*) OVER () AS row_count, sum({_BYTES}) OVER "  # noqa: S608
        f"({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before FROM ({keys}) AS page "
        "CROSS JOIN LATERAL "
        "(SELECT * FROM order_documents o WHERE o.order_id = page.order_id OFFSET 0) AS d) AS d "
        f"WHERE coalesce(bytes_before, 0) < {max_bytes} {order}"
    )


def _build_conditions(order_filter: OrderFilter, page: Page) -> WhereBuilder:
    where_builder = WhereBuilder()
    if page.after_key:
        where_builder.add_condition("(o.created_at, o.order_id) < (?, ?)", *page.after_key)
    if order_filter.priorities:
        where_builder.add_condition(
            "o.priority = ANY (?::text[])", [priority.value for priority in order_filter.priorities]
        )
    for column_name in ("customer_id", "warehouse_id", "wave_id"):
        if value := getattr(order_filter, column_name):
            where_builder.add_condition(f"o.{column_name} = ?", value)
    if order_filter.created_after:
        where_builder.add_condition("o.created_at >= ?", order_filter.created_after)
    if order_filter.created_before:
        where_builder.add_condition("o.created_at < ?", order_filter.created_before)
    if order_filter.overdue_at:
        where_builder.add_condition("o.promised_delivery_at < ?", order_filter.overdue_at)
    return where_builder


def _select_statuses(order_filter: OrderFilter) -> Sequence[OrderStatus] | None:
    """Return the statuses to search, or None for all. Overdue orders are in a few statuses only."""
    if order_filter.overdue_at is None:
        return order_filter.statuses or None
    return [status for status in OVERDUE_STATUSES if status in (order_filter.statuses or OVERDUE_STATUSES)]

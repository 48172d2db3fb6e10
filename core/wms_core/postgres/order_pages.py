"""Pages of orders: the conditions of a filter, each as SQL that its index can serve.

Conditions are put together here because `$1 IS NULL OR …` would hide them from the indexes under a generic
plan. Only words of this module enter the text; every value is a parameter.
"""

from collections.abc import Sequence
from typing import Any

from wms_core.application.ports import MAX_RESPONSE_BYTES, OrderFilter, Page
from wms_core.domain.order_status import CAN_BE_OVERDUE, OrderStatus
from wms_core.postgres.conditions import Conditions

#: What an order takes when it is read, about.
_BYTES = (
    "200 + octet_length(d.customer_id) + octet_length(d.shipping_address::text) + "
    "coalesce(octet_length(d.last_failure_reason), 0) + coalesce(octet_length(d.cancel_reason), 0) + "
    "coalesce(octet_length(d.items::text), 0) + coalesce(octet_length(d.shipments::text), 0)"
)


def orders_within() -> str:
    """Return the query for orders by id until they have so many bytes, and the number of those there are."""
    keys = "SELECT o.created_at, o.order_id FROM orders o WHERE o.order_id = ANY ($1::text[])"
    return _within(keys, "ORDER BY d.order_id", "$2")


def order_page(wanted: OrderFilter, page: Page) -> tuple[str, Sequence[Any]]:
    """Return the query for one page of orders, newest first, and its parameters."""
    conditions = _conditions(wanted, page)
    statuses = _statuses(wanted)
    limit = conditions.parameter(page.size + 1 + page.offset)
    newest = "ORDER BY created_at DESC, order_id DESC"
    keys = f"SELECT o.created_at, o.order_id FROM orders o{conditions.where} {newest} LIMIT {limit}"  # noqa: S608
    if statuses is not None:
        # A branch for each status walks that status's part of the index and stops at the page's end.
        words = conditions.parameter([status.value for status in statuses])
        clause = " AND ".join([*conditions.clauses, "o.status = s.status"])
        keys = (
            f"SELECT k.* FROM unnest({words}::text[]) AS s (status) CROSS JOIN LATERAL "  # noqa: S608
            f"(SELECT o.created_at, o.order_id FROM orders o WHERE {clause} {newest} LIMIT {limit}) AS k "
            f"{newest} LIMIT {limit}"
        )
    if page.offset:
        keys = f"SELECT * FROM ({keys}) AS k {newest} OFFSET {conditions.parameter(page.offset)}"  # noqa: S608
    sql = _within(
        keys, "ORDER BY d.created_at DESC, d.order_id DESC", conditions.parameter(MAX_RESPONSE_BYTES)
    )
    return sql, conditions.values


def _within(keys: str, order: str, max_bytes: str) -> str:
    # Without OFFSET 0 the lines of an order would be put together twice, once to be weighed.
    return (
        f"SELECT * FROM (SELECT d.*, count(*) OVER () AS found, sum({_BYTES}) OVER "  # noqa: S608
        f"({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before FROM ({keys}) AS page "
        "CROSS JOIN LATERAL "
        "(SELECT * FROM order_documents o WHERE o.order_id = page.order_id OFFSET 0) AS d) AS d "
        f"WHERE coalesce(bytes_before, 0) < {max_bytes} {order}"
    )


def _conditions(wanted: OrderFilter, page: Page) -> Conditions:
    conditions = Conditions()
    if page.after:
        conditions.add("(o.created_at, o.order_id) < (?, ?)", *page.after)
    if wanted.priorities:
        conditions.add("o.priority = ANY (?::text[])", [priority.value for priority in wanted.priorities])
    for column in ("customer_id", "warehouse_id", "wave_id"):
        if value := getattr(wanted, column):
            conditions.add(f"o.{column} = ?", value)
    if wanted.created_after:
        conditions.add("o.created_at >= ?", wanted.created_after)
    if wanted.created_before:
        conditions.add("o.created_at < ?", wanted.created_before)
    if wanted.overdue_at:
        conditions.add("o.promised_delivery_at < ?", wanted.overdue_at)
    return conditions


def _statuses(wanted: OrderFilter) -> Sequence[OrderStatus] | None:
    """Give the statuses to look in; None for all. What is overdue is among the few that are not done."""
    if wanted.overdue_at is None:
        return wanted.statuses or None
    return [status for status in CAN_BE_OVERDUE if status in (wanted.statuses or CAN_BE_OVERDUE)]

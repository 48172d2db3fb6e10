"""Build the arguments of the statement that inserts new orders.

A column is sent to Postgres as one text, which Postgres splits. asyncpg processes each value of an array
twice, which took five times as long.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from wms_core.domain.orders.intake import AcceptedOrder
from wms_core.domain.orders.orders import NewOrderLine

#: Separator of the values of a column. The validation rejects control characters, so no value contains it.
_TEXT_SEPARATOR = "\x1f"


def insert_arguments(accepted_orders: Sequence[AcceptedOrder]) -> list[Any]:
    """Return the columns of the orders and their first events, then the columns of their lines."""
    new_orders, order_callers, times, addresses, event_payloads = zip(*accepted_orders, strict=True)
    (
        order_ids,
        customer_ids,
        warehouse_ids,
        order_priorities,
        order_lines,
        _,
        promised_times,
        partial_flags,
    ) = zip(*new_orders, strict=True)
    actor_names, correlation_ids, wave_numbers, workflow_ids, event_traceparents = zip(
        *[
            (
                order_caller.actor_name,
                order_caller.correlation_id,
                order_caller.wave_number,
                order_caller.workflow_id,
                order_caller.traceparent,
            )
            for order_caller in order_callers
        ],
        strict=True,
    )
    return [
        *map(_join_values, (order_ids, customer_ids, warehouse_ids, order_priorities)),
        promised_times,
        _join_values(["t" if is_allowed else "f" for is_allowed in partial_flags]),
        *map(
            _join_values,
            (
                addresses,
                event_payloads,
                actor_names,
                correlation_ids,
                wave_numbers,
                workflow_ids,
                event_traceparents,
            ),
        ),
        times,
        *_build_line_columns(order_ids, order_lines),
    ]


def _build_line_columns(order_ids: Iterable[str], order_lines: Sequence[Sequence[NewOrderLine]]) -> list[str]:
    line_skus, line_quantities, price_currencies, price_units, price_nanos = zip(
        *chain.from_iterable(order_lines), strict=True
    )
    line_columns: list[Sequence[str]] = [
        [order_id for order_id, items in zip(order_ids, order_lines, strict=True) for _ in items],
        [str(line_number) for items in order_lines for line_number in range(1, len(items) + 1)],
        line_skus,
        list(map(str, line_quantities)),
        # Without a price all its parts are empty.
        [price_currency or "" for price_currency in price_currencies],
        [
            str(price_part) if price_currency else ""
            for price_part, price_currency in zip(price_units, price_currencies, strict=True)
        ],
        [
            str(price_part) if price_currency else ""
            for price_part, price_currency in zip(price_nanos, price_currencies, strict=True)
        ],
    ]
    return list(map(_join_values, line_columns))


def _join_values(values: Sequence[str]) -> str:
    """Join the values of a column.

    Raises:
        ValueError: a value contains the separator.
    """
    joined_text = _TEXT_SEPARATOR.join(values)
    if joined_text.count(_TEXT_SEPARATOR) != len(values) - 1:
        raise ValueError("a value contains a control character")
    return joined_text

"""New orders as the arguments of the statement that inserts them.

A column goes to Postgres as one text, which is taken apart there. To asyncpg an array is many values, each of
which it looks at twice: that took five times as long.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from wms_core.domain.orders import NewItem
from wms_core.domain.receiving import Receipt

#: Stands between the values of a column. No value may have it: the rules keep control characters out.
_BETWEEN = "\x1f"


def arguments(receipts: Sequence[Receipt]) -> list[Any]:
    """Give the columns of the orders and their first events, then those of their lines."""
    news, callers, times, addresses, payloads = zip(*receipts, strict=True)
    order_ids, customers, warehouses, priorities, lines, _, promises, partial = zip(*news, strict=True)
    actors, correlations, waves, workflows, traceparents = zip(
        *[(c.actor, c.correlation_id, c.wave_number, c.workflow_id, c.traceparent) for c in callers],
        strict=True,
    )
    return [
        *map(_text, (order_ids, customers, warehouses, priorities)),
        promises,
        _text(["t" if allowed else "f" for allowed in partial]),
        *map(_text, (addresses, payloads, actors, correlations, waves, workflows, traceparents)),
        times,
        *_lines(order_ids, lines),
    ]


def _lines(order_ids: Iterable[str], lines: Sequence[Sequence[NewItem]]) -> list[str]:
    skus, quantities, currencies, units, nanos = zip(*chain.from_iterable(lines), strict=True)
    columns: list[Sequence[str]] = [
        [order_id for order_id, items in zip(order_ids, lines, strict=True) for _ in items],
        [str(number) for items in lines for number in range(1, len(items) + 1)],
        skus,
        list(map(str, quantities)),
        # A line without a price has none of its parts.
        [currency or "" for currency in currencies],
        [str(part) if currency else "" for part, currency in zip(units, currencies, strict=True)],
        [str(part) if currency else "" for part, currency in zip(nanos, currencies, strict=True)],
    ]
    return list(map(_text, columns))


def _text(values: Sequence[str]) -> str:
    """Raise ValueError when a value is more than one."""
    text = _BETWEEN.join(values)
    if text.count(_BETWEEN) != len(values) - 1:
        raise ValueError("a control character is in a value")
    return text

"""An order written by SQL: one prepared statement, which is the transaction, on a connection of a pool."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from benchmarks.queries import query

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Pool = asyncpg.Pool


class Line(NamedTuple):
    """What is ordered; without a price the last three are None."""

    sku: str
    quantity: int
    currency: str | None
    units: int | None
    nanos: int | None


class Head(NamedTuple):
    """The order itself; the address is in the form that is stored and published."""

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: str
    promised: datetime | None
    allow_partial: bool
    address: Mapping[str, str]
    now: datetime


async def open_pool() -> Pool:
    """Connect to DATABASE_URL with POOL_SIZE connections."""
    size = int(os.environ["POOL_SIZE"])
    return await asyncpg.create_pool(
        os.environ["DATABASE_URL"],
        min_size=size,
        max_size=size,
        server_settings={"jit": "off"},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_connection: Any) -> None:
    """Spare each use of a connection a round trip."""


async def write(pool: Pool, head: Head, lines: Sequence[Line]) -> None:
    """Write an order, its lines and its event."""
    await pool.execute(
        query("insert_one.order"),
        *head[:6],
        text(head.address),
        head.now,
        *map(list, zip(*lines, strict=True)),
        text(payload(head, lines)),
    )


def payload(head: Head, lines: Sequence[Line]) -> dict[str, Any]:
    """Give the content of the event, as our service publishes it."""
    body = {
        "type": "wms.order.received",
        "orderId": head.order_id,
        "customerId": head.customer_id,
        "warehouseId": head.warehouse_id,
        "priority": head.priority,
        "allowPartial": head.allow_partial,
        "items": [_item(line) for line in lines],
        "shippingAddress": head.address,
        "timestamp": _time(head.now),
    }
    if head.promised is not None:
        body["promisedDeliveryAt"] = _time(head.promised)
    return body


def _item(line: Line) -> dict[str, Any]:
    body: dict[str, Any] = {"sku": line.sku, "quantity": line.quantity}
    if line.currency is not None:
        body["unitPrice"] = {
            "currencyCode": line.currency,
            "units": str(line.units),
            "nanos": line.nanos,
        }
    return body


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def text(body: Mapping[str, Any]) -> str:
    """Write JSON without blanks."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

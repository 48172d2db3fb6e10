"""Write an order by one prepared SQL statement, which is the transaction, on a pooled connection."""

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


class OrderLine(NamedTuple):
    """An order line; without a price the last three values are None."""

    sku: str
    quantity: int
    currency: str | None
    units: int | None
    nanos: int | None


class OrderHeader(NamedTuple):
    """An order without its lines; the address is in the stored and published form."""

    order_id: str
    customer_id: str
    warehouse_id: str
    priority: str
    promised_delivery_at: datetime | None
    allow_partial: bool
    address: Mapping[str, str]
    created_at: datetime


async def open_pool() -> Pool:
    """Open a pool of POOL_SIZE connections to DATABASE_URL."""
    size = int(os.environ["POOL_SIZE"])
    return await asyncpg.create_pool(
        os.environ["DATABASE_URL"],
        min_size=size,
        max_size=size,
        server_settings={"jit": "off"},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_connection: Any) -> None:
    """Do nothing: resetting a connection would cost a round trip per use."""


async def write_order(pool: Pool, order_header: OrderHeader, lines: Sequence[OrderLine]) -> None:
    """Write an order, its lines and its event."""
    await pool.execute(
        query("insert_one.order"),
        *order_header[:6],
        to_json_text(order_header.address),
        order_header.created_at,
        *map(list, zip(*lines, strict=True)),
        to_json_text(build_payload(order_header, lines)),
    )


def build_payload(order_header: OrderHeader, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Return the payload of the event, like that of wms-orders."""
    body = {
        "type": "wms.order.received",
        "orderId": order_header.order_id,
        "customerId": order_header.customer_id,
        "warehouseId": order_header.warehouse_id,
        "priority": order_header.priority,
        "allowPartial": order_header.allow_partial,
        "items": [_build_item(line) for line in lines],
        "shippingAddress": order_header.address,
        "timestamp": _format_time(order_header.created_at),
    }
    if order_header.promised_delivery_at is not None:
        body["promisedDeliveryAt"] = _format_time(order_header.promised_delivery_at)
    return body


def _build_item(line: OrderLine) -> dict[str, Any]:
    body: dict[str, Any] = {"sku": line.sku, "quantity": line.quantity}
    if line.currency is not None:
        body["unitPrice"] = {
            "currencyCode": line.currency,
            "units": str(line.units),
            "nanos": line.nanos,
        }
    return body


def _format_time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def to_json_text(body: Mapping[str, Any]) -> str:
    """Return JSON without blanks."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

"""grpc.aio and asyncpg, a transaction for each call: what one would write in Python."""

from datetime import UTC
from typing import Any

import grpc
import uvloop

from benchmarks.rivals.answers import created
from benchmarks.rivals.bare import handlers
from benchmarks.rivals.serving import serve
from benchmarks.rivals.writing import Head, Line, Pool, open_pool, write
from wms.orders.v1 import order_pb2, orders_pb2

PRIORITIES = {
    order_pb2.ORDER_PRIORITY_SAME_DAY: "same_day",
    order_pb2.ORDER_PRIORITY_NEXT_DAY: "next_day",
    order_pb2.ORDER_PRIORITY_STANDARD: "standard",
}


class Plain:
    """The service."""

    def __init__(self, pool: Pool) -> None:
        """Write through this pool."""
        self._pool = pool

    async def create_order(
        self, request: orders_pb2.CreateOrderRequest, context: Any
    ) -> orders_pb2.CreateOrderResponse:
        """Take an order in."""
        if not (request.customer_id and request.items and request.priority in PRIORITIES):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the order is not whole")
        answer = created(request)
        await write(self._pool, _head(answer.order), [_line(item) for item in answer.order.items])
        return answer


def _head(order: order_pb2.Order) -> Head:
    return Head(
        order.order_id,
        order.customer_id,
        order.warehouse_id,
        PRIORITIES[order.priority],
        order.promised_delivery_at.ToDatetime(UTC) if order.HasField("promised_delivery_at") else None,
        order.allow_partial,
        _address(order.shipping_address),
        order.created_at.ToDatetime(UTC),
    )


def _address(address: order_pb2.ShippingAddress) -> dict[str, str]:
    parts = {
        "recipientName": address.recipient_name,
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "zipCode": address.zip_code,
        "country": address.country,
        "phone": address.phone,
    }
    return {name: value for name, value in parts.items() if value}


def _line(item: order_pb2.OrderItem) -> Line:
    if not item.HasField("unit_price"):
        return Line(item.sku, item.quantity, None, None, None)
    price = item.unit_price
    return Line(item.sku, item.quantity, price.currency_code, price.units, price.nanos)


async def main() -> None:
    """Serve."""
    async with await open_pool() as pool:
        await serve(handlers(Plain(pool).create_order))


if __name__ == "__main__":
    uvloop.run(main())

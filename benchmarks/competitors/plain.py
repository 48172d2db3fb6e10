"""grpc.aio and asyncpg, one transaction a call: the usual way in Python."""

from datetime import UTC
from typing import Any

import grpc
import uvloop

from benchmarks.competitors.answers import build_created_response
from benchmarks.competitors.bare import handlers
from benchmarks.competitors.serving import serve
from benchmarks.competitors.writing import OrderHeader, OrderLine, Pool, open_pool, write_order
from wms.orders.v1 import order_pb2, orders_pb2

PRIORITIES = {
    order_pb2.ORDER_PRIORITY_SAME_DAY: "same_day",
    order_pb2.ORDER_PRIORITY_NEXT_DAY: "next_day",
    order_pb2.ORDER_PRIORITY_STANDARD: "standard",
}


class PlainService:
    """The service, which writes through a connection pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_order(
        self, request: orders_pb2.CreateOrderRequest, context: Any
    ) -> orders_pb2.CreateOrderResponse:
        """Create an order."""
        if not (request.customer_id and request.items and request.priority in PRIORITIES):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the order is incomplete")
        create_response = build_created_response(request)
        await write_order(
            self._pool,
            _build_header(create_response.order),
            [_build_line(item) for item in create_response.order.items],
        )
        return create_response


def _build_header(order: order_pb2.Order) -> OrderHeader:
    return OrderHeader(
        order.order_id,
        order.customer_id,
        order.warehouse_id,
        PRIORITIES[order.priority],
        order.promised_delivery_at.ToDatetime(UTC) if order.HasField("promised_delivery_at") else None,
        order.allow_partial,
        _build_address(order.shipping_address),
        order.created_at.ToDatetime(UTC),
    )


def _build_address(address: order_pb2.ShippingAddress) -> dict[str, str]:
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


def _build_line(item: order_pb2.OrderItem) -> OrderLine:
    if not item.HasField("unit_price"):
        return OrderLine(item.sku, item.quantity, None, None, None)
    price = item.unit_price
    return OrderLine(item.sku, item.quantity, price.currency_code, price.units, price.nanos)


async def main() -> None:
    """Run the server."""
    async with await open_pool() as pool:
        await serve(handlers(PlainService(pool).create_order))


if __name__ == "__main__":
    uvloop.run(main())

"""The answer of CreateOrder, built straight from the request: the least that a service in Python does."""

from datetime import UTC, datetime

from ulid import ULID

from wms.orders.v1 import order_pb2, orders_pb2

WAREHOUSE = "WH-01"


def created(asked: orders_pb2.CreateOrderRequest) -> orders_pb2.CreateOrderResponse:
    """Build the order that was asked for, as it would be after it was taken in."""
    answer = orders_pb2.CreateOrderResponse()
    order = answer.order
    order.order_id = asked.order_id or f"ORD-{ULID()}"
    order.customer_id = asked.customer_id
    order.warehouse_id = asked.warehouse_id or WAREHOUSE
    order.priority = asked.priority
    order.status = order_pb2.ORDER_STATUS_RECEIVED
    order.items.extend(asked.items)
    for number, item in enumerate(order.items, start=1):
        item.line_number = number
    order.shipping_address.CopyFrom(asked.shipping_address)
    if asked.HasField("promised_delivery_at"):
        order.promised_delivery_at.CopyFrom(asked.promised_delivery_at)
    order.allow_partial = asked.allow_partial if asked.HasField("allow_partial") else True
    order.etag = '"1"'
    order.created_at.FromDatetime(datetime.now(UTC))
    order.updated_at.CopyFrom(order.created_at)
    return answer

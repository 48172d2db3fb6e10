"""The response of CreateOrder, built from the request: the minimum work of a service in Python."""

from datetime import UTC, datetime

from ulid import ULID

from wms.orders.v1 import order_pb2, orders_pb2

WAREHOUSE = "WH-01"


def build_created_response(create_request: orders_pb2.CreateOrderRequest) -> orders_pb2.CreateOrderResponse:
    """Return the response with the requested order as created."""
    create_response = orders_pb2.CreateOrderResponse()
    order = create_response.order
    order.order_id = create_request.order_id or f"ORD-{ULID()}"
    order.customer_id = create_request.customer_id
    order.warehouse_id = create_request.warehouse_id or WAREHOUSE
    order.priority = create_request.priority
    order.status = order_pb2.ORDER_STATUS_RECEIVED
    order.items.extend(create_request.items)
    for number, item in enumerate(order.items, start=1):
        item.line_number = number
    order.shipping_address.CopyFrom(create_request.shipping_address)
    if create_request.HasField("promised_delivery_at"):
        order.promised_delivery_at.CopyFrom(create_request.promised_delivery_at)
    order.allow_partial = create_request.allow_partial if create_request.HasField("allow_partial") else True
    order.etag = '"1"'
    order.created_at.FromDatetime(datetime.now(UTC))
    order.updated_at.CopyFrom(order.created_at)
    return create_response

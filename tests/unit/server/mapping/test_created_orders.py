"""The response for a new order, which is copied from its request."""

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from tests.support.builders.domain import NOW, build_order
from tests.support.builders.requests import create_order, item

from wms.orders.v1 import order_pb2
from wms_server.mapping.common import read_datetime
from wms_server.mapping.orders import (
    to_address,
    to_new_order,
    to_order_lines,
    to_order_message,
    write_created_order,
)

_UNKNOWN_FIELD = b"\x98\x06\x01"  # field number 99


def _line_with_output_fields() -> order_pb2.OrderItem:
    """Return a line with a value in every field."""
    line = item()
    input_fields = {"sku", "quantity", "unit_price"}
    for field in line.DESCRIPTOR.fields:
        if field.name not in input_fields:
            setattr(line, field.name, 7)
    return line


def test_created_order_equals_the_stored_order() -> None:
    """The bytes match, although the request has output fields and unknown fields."""
    request = create_order(items=[_line_with_output_fields(), item("B", 3)])
    request.items[1].ClearField("unit_price")
    request.promised_delivery_at.CopyFrom(Timestamp(seconds=1_700_000_000, nanos=123_456_789))
    parts: list[Message] = [request, *request.items, request.items[0].unit_price, request.shipping_address]
    for part in parts:
        part.MergeFromString(_UNKNOWN_FIELD)
    new = to_new_order(request, "WH-01")
    response = order_pb2.Order()
    write_created_order(response, request, new, NOW)
    stored = build_order(
        order_id=new.order_id,
        customer_id=request.customer_id,
        priority=new.priority,
        items=to_order_lines(request.items),
        shipping_address=to_address(request.shipping_address),
        promised_delivery_at=read_datetime(request, "promised_delivery_at"),
        version=1,
        sequence=1,
    )
    assert response.overdue
    assert response.SerializeToString(deterministic=True) == to_order_message(stored, NOW).SerializeToString(
        deterministic=True
    )

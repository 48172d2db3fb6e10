"""What a caller is told of a new order, which is copied from the request."""

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.domain import NOW, order_in
from tests.support.requests import create_order, item
from wms.orders.v1 import order_pb2
from wms_server.messages.orders import address_from, items_from, new_order_from, order_message, write_created
from wms_server.messages.values import moment

_UNKNOWN_FIELD = b"\x98\x06\x01"  # number 99


def _with_what_no_caller_may_say() -> order_pb2.OrderItem:
    """Give a line with a value in every field that there is."""
    line = item()
    asked = {"sku", "quantity", "unit_price"}
    for field in line.DESCRIPTOR.fields:
        if field.name not in asked:
            setattr(line, field.name, 7)
    return line


def test_it_is_the_order_as_it_is_read_later() -> None:
    """To the byte, whatever is in the request beside what is asked for: fields of ours, fields of nobody."""
    request = create_order(items=[_with_what_no_caller_may_say(), item("B", 3)])
    request.items[1].ClearField("unit_price")
    request.promised_delivery_at.CopyFrom(Timestamp(seconds=1_700_000_000, nanos=123_456_789))
    parts: list[Message] = [request, *request.items, request.items[0].unit_price, request.shipping_address]
    for part in parts:
        part.MergeFromString(_UNKNOWN_FIELD)
    new = new_order_from(request, "WH-01")
    answer = order_pb2.Order()
    write_created(answer, request, new, NOW)
    stored = order_in(
        order_id=new.order_id,
        customer_id=request.customer_id,
        priority=new.priority,
        items=items_from(request.items),
        shipping_address=address_from(request.shipping_address),
        promised_delivery_at=moment(request, "promised_delivery_at"),
        version=1,
        sequence=1,
    )
    assert answer.overdue
    assert answer.SerializeToString(deterministic=True) == order_message(stored, NOW).SerializeToString(
        deterministic=True
    )

"""Check a response of each load, in addition to the counts in the database."""

import json

from benchmarks.api.bodies import LINES_PER_ORDER
from benchmarks.api.reading import PAGE_SIZE
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.errors import UserError


class WrongResponse(UserError):
    """A call returned a wrong response."""


def check_response(call: str, protocol: str, response_bytes: bytes) -> None:
    """Check the response of a call. Raises WrongResponse."""
    if protocol == "http":
        order = json.loads(response_bytes)
        is_correct = (
            bool(order.get("orderId") or order["order_id"])
            and order["status"] == "received"
            and len(order["items"]) == LINES_PER_ORDER
        )
    elif call == "create":
        is_correct = _is_complete(orders_pb2.CreateOrderResponse.FromString(response_bytes).order)
    elif call == "get":
        is_correct = _is_complete(orders_pb2.GetOrderResponse.FromString(response_bytes).order)
    else:
        orders = orders_pb2.ListOrdersResponse.FromString(response_bytes).orders
        is_correct = len(orders) == PAGE_SIZE and all(map(_is_complete, orders))
    if not is_correct:
        raise WrongResponse(
            f"The response of {call} over {protocol} does not match the request: {response_bytes!r}"
        )


def _is_complete(order: order_pb2.Order) -> bool:
    return bool(order.order_id and order.status and order.etag) and len(order.items) == LINES_PER_ORDER

"""Whether an answer is what was asked for; of each load one is looked at, beside the books."""

import json

from benchmarks.api.bodies import LINES
from benchmarks.api.reading import PAGE
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.problem import Problem


class AnswerWrong(Problem):
    """A call was answered with something else."""


def check(call: str, protocol: str, answer: bytes) -> None:
    """Look at the answer of a call. Raises AnswerWrong."""
    if protocol == "http":
        order = json.loads(answer)
        right = (
            bool(order.get("orderId") or order["order_id"])
            and order["status"] == "received"
            and len(order["items"]) == LINES
        )
    elif call == "create":
        right = _is_whole(orders_pb2.CreateOrderResponse.FromString(answer).order)
    elif call == "get":
        right = _is_whole(orders_pb2.GetOrderResponse.FromString(answer).order)
    else:
        orders = orders_pb2.ListOrdersResponse.FromString(answer).orders
        right = len(orders) == PAGE and all(map(_is_whole, orders))
    if not right:
        raise AnswerWrong(
            f"The answer of {call} over {protocol} is not the one that was asked for: {answer!r}"
        )


def _is_whole(order: order_pb2.Order) -> bool:
    return bool(order.order_id and order.status and order.etag) and len(order.items) == LINES

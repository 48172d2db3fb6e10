"""The requests that the load program sends, recorded in files."""

import json
import random
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from wms.orders.v1 import order_pb2, orders_pb2

COUNT = 2000
LINES = 3
PRIORITIES = {
    "same_day": order_pb2.ORDER_PRIORITY_SAME_DAY,
    "next_day": order_pb2.ORDER_PRIORITY_NEXT_DAY,
    "standard": order_pb2.ORDER_PRIORITY_STANDARD,
}
CITIES = ("Springfield", "Portland", "Salem", "Dover", "Madison")


def record(file: Path, bodies: Iterable[bytes]) -> Path:
    """Write bodies, each after its length."""
    file.write_bytes(b"".join(struct.pack(">I", len(body)) + body for body in bodies))
    return file


def new_orders(seed: int, count: int = COUNT) -> list[dict[str, object]]:
    """Give orders as JSON has them: three priced lines, 5,000 customers, no id of any kind."""
    chance = random.Random(seed)  # noqa: S311 # no secret
    return [_new_order(chance) for _ in range(count)]


def _new_order(chance: random.Random) -> dict[str, object]:
    items = [
        {
            "sku": f"SKU-{chance.randrange(2000):05}",
            "quantity": chance.randint(1, 5),
            "unit_price": {"currency_code": "USD", "units": chance.randint(1, 500), "nanos": 990_000_000},
        }
        for _ in range(LINES)
    ]
    return {
        "customer_id": f"CUST-{chance.randrange(5000):05}",
        "priority": chance.choice(list(PRIORITIES)),
        "items": items,
        "shipping_address": {
            "recipient_name": "Jane Doe",
            "street": f"{chance.randint(1, 999)} Main St",
            "city": chance.choice(CITIES),
            "state": "IL",
            "zip_code": f"{chance.randrange(100_000):05}",
            "country": "US",
        },
    }


def as_json(orders: Sequence[dict[str, object]]) -> list[bytes]:
    """Write orders for HTTP."""
    return [json.dumps(order, separators=(",", ":")).encode() for order in orders]


def as_message(order: dict[str, object]) -> orders_pb2.CreateOrderRequest:
    """Write an order as the contract has it."""
    fields = {**order, "priority": PRIORITIES[str(order["priority"])]}
    return orders_pb2.CreateOrderRequest(**fields)  # type: ignore[arg-type] # protobuf takes dicts for messages

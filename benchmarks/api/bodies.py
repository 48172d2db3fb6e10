"""Files with the request bodies that the load program sends."""

import json
import random
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from wms.orders.v1 import order_pb2, orders_pb2

RECORDED_ORDERS = 2000
LINES_PER_ORDER = 3
PRIORITIES = {
    "same_day": order_pb2.ORDER_PRIORITY_SAME_DAY,
    "next_day": order_pb2.ORDER_PRIORITY_NEXT_DAY,
    "standard": order_pb2.ORDER_PRIORITY_STANDARD,
}
CITIES = ("Springfield", "Portland", "Salem", "Dover", "Madison")


def record_bodies(file: Path, bodies: Iterable[bytes]) -> Path:
    """Write bodies to a file, each after its length. Return the file."""
    file.write_bytes(b"".join(struct.pack(">I", len(body)) + body for body in bodies))
    return file


def new_orders(seed: int, count: int = RECORDED_ORDERS) -> list[dict[str, object]]:
    """Return orders in JSON form: three lines with prices, 5,000 customers, no ids."""
    seeded_random = random.Random(seed)  # noqa: S311 # not a secret
    return [_new_order(seeded_random) for _ in range(count)]


def _new_order(seeded_random: random.Random) -> dict[str, object]:
    items = [
        {
            "sku": f"SKU-{seeded_random.randrange(2000):05}",
            "quantity": seeded_random.randint(1, 5),
            "unit_price": {
                "currency_code": "USD",
                "units": seeded_random.randint(1, 500),
                "nanos": 990_000_000,
            },
        }
        for _ in range(LINES_PER_ORDER)
    ]
    return {
        "customer_id": f"CUST-{seeded_random.randrange(5000):05}",
        "priority": seeded_random.choice(list(PRIORITIES)),
        "items": items,
        "shipping_address": {
            "recipient_name": "Jane Doe",
            "street": f"{seeded_random.randint(1, 999)} Main St",
            "city": seeded_random.choice(CITIES),
            "state": "IL",
            "zip_code": f"{seeded_random.randrange(100_000):05}",
            "country": "US",
        },
    }


def as_json(orders: Sequence[dict[str, object]]) -> list[bytes]:
    """Return orders as bodies for HTTP."""
    return [json.dumps(order, separators=(",", ":")).encode() for order in orders]


def as_message(order: dict[str, object]) -> orders_pb2.CreateOrderRequest:
    """Return an order as a message of the contract."""
    fields = {**order, "priority": PRIORITIES[str(order["priority"])]}
    return orders_pb2.CreateOrderRequest(**fields)  # type: ignore[arg-type] # protobuf takes dicts for messages

"""The orders, drawn by a fixed seed and taken in over the public API."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.fulfillment.scale import WAREHOUSE, Scale
from benchmarks.fulfillment.site import stored_skus
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.client import Client

BATCH = 500
PRIORITIES = (
    order_pb2.ORDER_PRIORITY_SAME_DAY,
    order_pb2.ORDER_PRIORITY_NEXT_DAY,
    order_pb2.ORDER_PRIORITY_STANDARD,
)
ADDRESS = order_pb2.ShippingAddress(
    recipient_name="Ann Example", street="1 Main St", city="Springfield", zip_code="12345", country="US"
)


async def take_in(client: Client, scale: Scale, taken: Callable[[int], None]) -> None:
    """Create the orders in batches; tells how many were taken after each."""
    await place(client, list(_requests(scale)), taken)


async def place(
    client: Client, requests: Sequence[orders_pb2.CreateOrderRequest], taken: Callable[[int], None]
) -> None:
    """Place orders in batches. Raises RuntimeError when one is refused."""
    for start in range(0, len(requests), BATCH):
        batch = requests[start : start + BATCH]
        answer = await client.call(
            client.orders.BatchCreateOrders, orders_pb2.BatchCreateOrdersRequest(requests=batch)
        )
        refused = [result.status.message for result in answer.results if result.HasField("status")]
        if refused:
            raise RuntimeError(f"{len(refused)} orders were refused: {refused[0]}")
        taken(len(batch))


def _requests(scale: Scale) -> Iterator[orders_pb2.CreateOrderRequest]:
    rng = random.Random(scale.seed + 1 + scale.first)  # noqa: S311 # no secret
    skus = stored_skus(scale)
    now = datetime.now(UTC)
    for number in range(scale.orders):
        request = orders_pb2.CreateOrderRequest(
            order_id=f"ORD-{scale.first + number:07}",
            customer_id=f"CUST-{rng.randrange(5_000):04}",
            warehouse_id=WAREHOUSE,
            priority=rng.choice(PRIORITIES),
            items=_items(rng, skus, scale),
            shipping_address=ADDRESS,
        )
        request.promised_delivery_at.FromDatetime(now + timedelta(minutes=rng.randrange(60, 5_000)))
        yield request


def _items(rng: random.Random, skus: Sequence[str], scale: Scale) -> list[order_pb2.OrderItem]:
    return [
        order_pb2.OrderItem(sku=rng.choice(skus), quantity=rng.randint(1, scale.most_units))
        for _ in range(rng.randint(1, scale.most_items))
    ]

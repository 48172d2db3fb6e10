"""Orders from seeded random numbers, created over the public API."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.fulfillment.scale import WAREHOUSE, Scale
from benchmarks.fulfillment.site import list_stored_skus
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.api_client import ApiClient

ORDERS_PER_BATCH = 500
PRIORITIES = (
    order_pb2.ORDER_PRIORITY_SAME_DAY,
    order_pb2.ORDER_PRIORITY_NEXT_DAY,
    order_pb2.ORDER_PRIORITY_STANDARD,
)
ADDRESS = order_pb2.ShippingAddress(
    recipient_name="Ann Example", street="1 Main St", city="Springfield", zip_code="12345", country="US"
)


async def create_orders(client: ApiClient, scale: Scale, count_created: Callable[[int], None]) -> None:
    """Create the orders in batches; report the number of orders after each batch to `count_created`."""
    await place_orders(client, list(_build_requests(scale)), count_created)


async def place_orders(
    client: ApiClient, requests: Sequence[orders_pb2.CreateOrderRequest], count_created: Callable[[int], None]
) -> None:
    """Place orders in batches. Raises RuntimeError if one is rejected."""
    for start in range(0, len(requests), ORDERS_PER_BATCH):
        batch = requests[start : start + ORDERS_PER_BATCH]
        batch_response = await client.call(
            client.orders.BatchCreateOrders, orders_pb2.BatchCreateOrdersRequest(requests=batch)
        )
        rejection_messages = [
            result.status.message for result in batch_response.results if result.HasField("status")
        ]
        if rejection_messages:
            raise RuntimeError(f"{len(rejection_messages)} orders were rejected: {rejection_messages[0]}")
        count_created(len(batch))


def _build_requests(scale: Scale) -> Iterator[orders_pb2.CreateOrderRequest]:
    rng = random.Random(scale.seed + 1 + scale.first)  # noqa: S311 # not a secret
    skus = list_stored_skus(scale)
    now = datetime.now(UTC)
    for number in range(scale.orders):
        request = orders_pb2.CreateOrderRequest(
            order_id=f"ORD-{scale.first + number:07}",
            customer_id=f"CUST-{rng.randrange(5_000):04}",
            warehouse_id=WAREHOUSE,
            priority=rng.choice(PRIORITIES),
            items=_build_items(rng, skus, scale),
            shipping_address=ADDRESS,
        )
        request.promised_delivery_at.FromDatetime(now + timedelta(minutes=rng.randrange(60, 5_000)))
        yield request


def _build_items(rng: random.Random, skus: Sequence[str], scale: Scale) -> list[order_pb2.OrderItem]:
    return [
        order_pb2.OrderItem(sku=rng.choice(skus), quantity=rng.randint(1, scale.most_units))
        for _ in range(rng.randint(1, scale.most_items))
    ]

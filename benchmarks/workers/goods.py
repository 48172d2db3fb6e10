"""Orders with goods at hand: the cycle has the work of the competitors plus allocations.

There are a few SKUs, each in a lane with one load carrier per destination, which has more units than all
orders request. It is moved once a round, for all orders of the destination.
"""

import random
from collections.abc import Iterator

from benchmarks.fulfillment.orders import ADDRESS, PRIORITIES
from benchmarks.fulfillment.scale import WAREHOUSE, ZONES, Scale
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_dev.api_client import ApiClient, run_concurrently

SKU_COUNT = 20
UNITS_PER_CARRIER = 1_000_000


async def put_stock_at_destinations(client: ApiClient, scale: Scale) -> None:
    """Create the lanes and fill them."""
    await run_concurrently(_put_lane(client, scale, number) for number in range(SKU_COUNT))
    carriers = [
        storage_pb2.NewCarrier(
            carrier_id=f"GOODS-{number:02}-{destination_number:02}",
            sku=_format_sku(number),
            quantity=UNITS_PER_CARRIER,
            lane_id=_format_lane_id(number),
        )
        for number in range(SKU_COUNT)
        for destination_number in range(scale.destinations)
    ]
    request = storage_pb2.ReceiveCarriersRequest(warehouse_id=WAREHOUSE, carriers=carriers)
    await client.call(client.storage.ReceiveCarriers, request)


def build_orders_at_hand(scale: Scale) -> Iterator[orders_pb2.CreateOrderRequest]:
    """Yield orders of as many lines and units as those of the other measurements."""
    rng = random.Random(scale.seed + 1 + scale.first)  # noqa: S311 # not a secret
    for number in range(scale.orders):
        request = orders_pb2.CreateOrderRequest(
            order_id=f"ORD-{scale.first + number:07}",
            customer_id=f"CUST-{rng.randrange(5_000):04}",
            warehouse_id=WAREHOUSE,
            priority=rng.choice(PRIORITIES),
            shipping_address=ADDRESS,
        )
        for _ in range(rng.randint(1, scale.most_items)):
            request.items.add(
                sku=_format_sku(rng.randrange(SKU_COUNT)), quantity=rng.randint(1, scale.most_units)
            )
        yield request


def _format_sku(number: int) -> str:
    return f"GOODS-{number:02}"


def _format_lane_id(number: int) -> str:
    return f"GOODS-{number:02}"


async def _put_lane(client: ApiClient, scale: Scale, number: int) -> None:
    lane = storage_pb2.Lane(
        lane_id=_format_lane_id(number),
        warehouse_id=WAREHOUSE,
        zone=ZONES[number % len(ZONES)],
        capacity=scale.destinations + scale.room,
    )
    await client.call(client.storage.PutLane, storage_pb2.PutLaneRequest(lane=lane))

"""Orders whose goods stand where they are packed: what the rivals do is left of the cycle, and promises.

A few SKUs, of each a lane with a carrier for each destination that holds more than is ever asked for. It is
brought once a round, for all of its orders there.
"""

import random
from collections.abc import Iterator

from benchmarks.fulfillment.orders import ADDRESS, PRIORITIES
from benchmarks.fulfillment.scale import WAREHOUSE, ZONES, Scale
from wms.orders.v1 import orders_pb2, storage_pb2
from wms_dev.client import Client, at_once

SKUS = 20
UNITS = 1_000_000


async def put_goods(client: Client, scale: Scale) -> None:
    """Put the lanes and fill them."""
    await at_once(_put_lane(client, scale, number) for number in range(SKUS))
    carriers = [
        storage_pb2.NewCarrier(
            carrier_id=f"GOODS-{number:02}-{place:02}",
            sku=_sku(number),
            quantity=UNITS,
            lane_id=_lane(number),
        )
        for number in range(SKUS)
        for place in range(scale.destinations)
    ]
    request = storage_pb2.ReceiveCarriersRequest(warehouse_id=WAREHOUSE, carriers=carriers)
    await client.call(client.storage.ReceiveCarriers, request)


def orders_at_hand(scale: Scale) -> Iterator[orders_pb2.CreateOrderRequest]:
    """Give orders of as many lines and units as the others."""
    rng = random.Random(scale.seed + 1 + scale.first)  # noqa: S311 # no secret
    for number in range(scale.orders):
        request = orders_pb2.CreateOrderRequest(
            order_id=f"ORD-{scale.first + number:07}",
            customer_id=f"CUST-{rng.randrange(5_000):04}",
            warehouse_id=WAREHOUSE,
            priority=rng.choice(PRIORITIES),
            shipping_address=ADDRESS,
        )
        for _ in range(rng.randint(1, scale.most_items)):
            request.items.add(sku=_sku(rng.randrange(SKUS)), quantity=rng.randint(1, scale.most_units))
        yield request


def _sku(number: int) -> str:
    return f"GOODS-{number:02}"


def _lane(number: int) -> str:
    return f"GOODS-{number:02}"


async def _put_lane(client: Client, scale: Scale, number: int) -> None:
    lane = storage_pb2.Lane(
        lane_id=_lane(number),
        warehouse_id=WAREHOUSE,
        zone=ZONES[number % len(ZONES)],
        capacity=scale.destinations + scale.room,
    )
    await client.call(client.storage.PutLane, storage_pb2.PutLaneRequest(lane=lane))

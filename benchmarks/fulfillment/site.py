"""The warehouse, filled over the public API."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.fulfillment.scale import WAREHOUSE, ZONES, Scale
from wms.orders.v1 import storage_pb2
from wms_dev.client import Client, at_once

BATCH = 500
OLDEST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 60


async def open_site(client: Client, scale: Scale) -> None:
    """Put lanes and destinations and fill the lanes."""
    await at_once(_put_lane(client, scale, number) for number in range(scale.lanes))
    await at_once(_put_destination(client, scale, number) for number in range(scale.destinations))
    carriers = list(_carriers(scale))
    for start in range(0, len(carriers), BATCH):
        request = storage_pb2.ReceiveCarriersRequest(
            warehouse_id=WAREHOUSE, carriers=carriers[start : start + BATCH]
        )
        await client.call(client.storage.ReceiveCarriers, request)


def stored_skus(scale: Scale) -> list[str]:
    """Give the SKU of each carrier, lane by lane: to draw from it is to draw by the number of carriers."""
    pure, each = scale.pure_lanes, scale.carriers_per_lane
    others = scale.skus - pure
    mixed = [sku(pure + number % others) for number in range((scale.lanes - pure) * each)]
    random.Random(scale.seed).shuffle(mixed)  # noqa: S311 # no secret
    return [sku(lane) for lane in range(pure) for _ in range(each)] + mixed


def sku(number: int) -> str:
    """Name a SKU."""
    return f"SKU-{number:05}"


def _carriers(scale: Scale) -> Iterator[storage_pb2.NewCarrier]:
    for number, stored in enumerate(stored_skus(scale)):
        lane, place = divmod(number, scale.carriers_per_lane)
        carrier = storage_pb2.NewCarrier(
            carrier_id=f"CAR-{number:06}",
            sku=stored,
            quantity=scale.units_per_carrier,
            lane_id=_lane_id(lane),
        )
        # What stands in a lane of one SKU came in one delivery, in a mixed lane each on its own day.
        days = lane % DAYS if lane < scale.pure_lanes else place
        carrier.produced_at.FromDatetime(OLDEST + timedelta(days=days))
        yield carrier


def _lane_id(number: int) -> str:
    return f"LANE-{number:04}"


async def _put_lane(client: Client, scale: Scale, number: int) -> None:
    lane = storage_pb2.Lane(
        lane_id=_lane_id(number),
        warehouse_id=WAREHOUSE,
        zone=ZONES[number % len(ZONES)],
        capacity=scale.carriers_per_lane + scale.room,
    )
    await client.call(client.storage.PutLane, storage_pb2.PutLaneRequest(lane=lane))


async def _put_destination(client: Client, scale: Scale, number: int) -> None:
    destination = storage_pb2.Destination(
        destination_id=f"PACK-{number:02}",
        warehouse_id=WAREHOUSE,
        queue_capacity=scale.queue_capacity,
        zones=ZONES,
    )
    request = storage_pb2.PutDestinationRequest(destination=destination)
    await client.call(client.storage.PutDestination, request)

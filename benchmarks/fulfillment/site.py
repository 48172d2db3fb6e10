"""Fill the warehouse over the public API."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.fulfillment.scale import WAREHOUSE, ZONES, Scale
from wms.orders.v1 import storage_pb2
from wms_dev.api_client import ApiClient, run_concurrently

CARRIERS_PER_BATCH = 500
OLDEST_PRODUCTION = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTION_DAYS = 60


async def put_warehouse(client: ApiClient, scale: Scale) -> None:
    """Create lanes and destinations, and fill the lanes."""
    await run_concurrently(_put_lane(client, scale, number) for number in range(scale.lanes))
    await run_concurrently(_put_destination(client, scale, number) for number in range(scale.destinations))
    carriers = list(_build_carriers(scale))
    for start in range(0, len(carriers), CARRIERS_PER_BATCH):
        request = storage_pb2.ReceiveCarriersRequest(
            warehouse_id=WAREHOUSE, carriers=carriers[start : start + CARRIERS_PER_BATCH]
        )
        await client.call(client.storage.ReceiveCarriers, request)


def list_stored_skus(scale: Scale) -> list[str]:
    """Return the SKU of each load carrier, lane by lane, so a random choice is weighted by load carriers."""
    pure_lanes, carriers_per_lane = scale.pure_lanes, scale.carriers_per_lane
    mixed_sku_count = scale.skus - pure_lanes
    mixed_skus = [
        format_sku(pure_lanes + number % mixed_sku_count)
        for number in range((scale.lanes - pure_lanes) * carriers_per_lane)
    ]
    random.Random(scale.seed).shuffle(mixed_skus)  # noqa: S311 # not a secret
    return [format_sku(lane) for lane in range(pure_lanes) for _ in range(carriers_per_lane)] + mixed_skus


def format_sku(number: int) -> str:
    """Return the id of a SKU."""
    return f"SKU-{number:05}"


def _build_carriers(scale: Scale) -> Iterator[storage_pb2.NewCarrier]:
    for number, stored_sku in enumerate(list_stored_skus(scale)):
        lane, lane_position = divmod(number, scale.carriers_per_lane)
        carrier = storage_pb2.NewCarrier(
            carrier_id=f"CAR-{number:06}",
            sku=stored_sku,
            quantity=scale.units_per_carrier,
            lane_id=_lane_id(lane),
        )
        # The load carriers of a lane with one SKU have one production day, those of a mixed lane several.
        days = lane % PRODUCTION_DAYS if lane < scale.pure_lanes else lane_position
        carrier.produced_at.FromDatetime(OLDEST_PRODUCTION + timedelta(days=days))
        yield carrier


def _lane_id(number: int) -> str:
    return f"LANE-{number:04}"


async def _put_lane(client: ApiClient, scale: Scale, number: int) -> None:
    lane = storage_pb2.Lane(
        lane_id=_lane_id(number),
        warehouse_id=WAREHOUSE,
        zone=ZONES[number % len(ZONES)],
        capacity=scale.carriers_per_lane + scale.room,
    )
    await client.call(client.storage.PutLane, storage_pb2.PutLaneRequest(lane=lane))


async def _put_destination(client: ApiClient, scale: Scale, number: int) -> None:
    destination = storage_pb2.Destination(
        destination_id=f"PACK-{number:02}",
        warehouse_id=WAREHOUSE,
        queue_capacity=scale.queue_capacity,
        zones=ZONES,
    )
    request = storage_pb2.PutDestinationRequest(destination=destination)
    await client.call(client.storage.PutDestination, request)

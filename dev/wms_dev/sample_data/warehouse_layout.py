"""A warehouse for Northwind's products: four zones, two lanes for each product, three packing stations.

A product is in two neighbouring zones, and a station is served from three or four zones. The last units of a
product may be in a zone without a route to the station of an order; the order then waits until
`serve_from_all_zones` opens the route.
"""

from collections.abc import Iterable, Mapping, Sequence

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.api_client import ApiClient, create_request_id, run_concurrently
from wms_dev.sample_data.northwind import Product

ZONES = ("NORTH", "EAST", "SOUTH", "WEST")
# The zones and the queue capacity of each station.
DESTINATIONS = {
    "PACK-1": (("NORTH", "EAST", "SOUTH"), 30),
    "PACK-2": (("EAST", "SOUTH", "WEST"), 24),
    "PACK-3": (ZONES, 18),
}
LANE_CAPACITY = 60
CARRIER_UNITS = 60
# With these values about three in four orders can be fulfilled, and a quarter of the products runs short.
STOCK_FACTOR, MIN_UNITS = 10, 300
MAX_BATCH_CARRIERS = 250


def plan_opening_stock(products: Iterable[Product]) -> dict[str, int]:
    """Return the opening stock of each SKU: Northwind's stock times ten, at least 300 units."""
    return {item.sku: max(MIN_UNITS, STOCK_FACTOR * item.units_in_stock) for item in products}


def plan_carriers(
    units: Mapping[str, int], id_prefix: str = "CAR", *, both_lanes: bool = False
) -> list[storage_pb2.NewCarrier]:
    """Distribute the units of each SKU to load carriers for its lanes; all but the last one are full.

    They go into the first lane of the product, or alternately into both. The result depends only on the
    arguments.
    """
    return [
        storage_pb2.NewCarrier(
            carrier_id=f"{id_prefix}-{sku}-{number:03}",
            sku=sku,
            quantity=min(CARRIER_UNITS, count - start),
            lane_id=second_lane_of(sku) if both_lanes and number % 2 == 0 else lane_of(sku),
        )
        for sku, count in units.items()
        for number, start in enumerate(range(0, count, CARRIER_UNITS), start=1)
    ]


def lane_of(sku: str) -> str:
    """Return the id of the lane that receives a product."""
    return f"LANE-{sku}"


def second_lane_of(sku: str) -> str:
    """Return the id of the product's lane in the next zone."""
    return f"LANE-{sku}-B"


async def set_up_warehouse(
    client: ApiClient, warehouse_id: str, products: Sequence[Product]
) -> dict[str, int]:
    """Create lanes, opening stock and stations, and return the units received.

    Stations are created last, so they show that the setup is complete. Results of an interrupted earlier call
    are kept.
    """
    await run_concurrently(
        _put_lane(client, warehouse_id, lane_id, ZONES[(number + step) % len(ZONES)])
        for number, item in enumerate(products)
        for step, lane_id in enumerate((lane_of(item.sku), second_lane_of(item.sku)))
    )
    units = plan_opening_stock(products)
    await receive_carriers(client, warehouse_id, plan_carriers(units, both_lanes=True))
    await run_concurrently(
        _put_destination(client, warehouse_id, station, zones, capacity)
        for station, (zones, capacity) in DESTINATIONS.items()
    )
    return units


async def serve_from_all_zones(client: ApiClient, warehouse_id: str, destination_ids: Iterable[str]) -> None:
    """Serve these stations from all zones from now on."""
    await run_concurrently(
        _put_destination(client, warehouse_id, destination_id, ZONES, DESTINATIONS[destination_id][1])
        for destination_id in destination_ids
    )


async def has_destinations(client: ApiClient, warehouse_id: str) -> bool:
    """Return whether the warehouse has a destination."""
    request = storage_pb2.ListDestinationsRequest(warehouse_id=warehouse_id, page_size=1)
    response = await client.call(client.storage.ListDestinations, request)
    return bool(response.destinations)


async def set_up_warehouse_once(
    client: ApiClient, warehouse_id: str, products: Sequence[Product]
) -> dict[str, int]:
    """Set up the warehouse unless it has destinations. Return the units received by this call."""
    return (
        {}
        if await has_destinations(client, warehouse_id)
        else await set_up_warehouse(client, warehouse_id, products)
    )


async def receive_carriers(
    client: ApiClient, warehouse_id: str, new_carriers: Sequence[storage_pb2.NewCarrier]
) -> None:
    """Receive load carriers. A batch that already exists is skipped."""
    for start in range(0, len(new_carriers), MAX_BATCH_CARRIERS):
        request = storage_pb2.ReceiveCarriersRequest(
            warehouse_id=warehouse_id,
            carriers=new_carriers[start : start + MAX_BATCH_CARRIERS],
            request_id=create_request_id("receive"),
        )
        try:
            await client.call(client.storage.ReceiveCarriers, request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise


async def _put_lane(client: ApiClient, warehouse_id: str, lane_id: str, zone: str) -> None:
    lane = storage_pb2.Lane(lane_id=lane_id, warehouse_id=warehouse_id, zone=zone, capacity=LANE_CAPACITY)
    request = storage_pb2.PutLaneRequest(lane=lane, request_id=create_request_id("lane"))
    await client.call(client.storage.PutLane, request)


async def _put_destination(
    client: ApiClient, warehouse_id: str, destination_id: str, zones: Sequence[str], capacity: int
) -> None:
    destination = storage_pb2.Destination(
        destination_id=destination_id, warehouse_id=warehouse_id, queue_capacity=capacity, zones=zones
    )
    request = storage_pb2.PutDestinationRequest(
        destination=destination, request_id=create_request_id("station")
    )
    await client.call(client.storage.PutDestination, request)

"""A warehouse for Northwind's goods: four zones, two lanes for each product, three packing stations.

A product stands in two neighbouring zones, and a station is served from three or all of the four, so that
each station can be brought some of everything. What is left of a product may yet stand where a station
can't get it from; orders then wait for a route (`open_routes`).
"""

from collections.abc import Iterable, Mapping, Sequence

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.client import Client, at_once, new_request_id
from wms_dev.northwind import Product

ZONES = ("NORTH", "EAST", "SOUTH", "WEST")
# The zones that each station is served from, and how many carriers may queue at it.
STATIONS = {
    "PACK-1": (("NORTH", "EAST", "SOUTH"), 30),
    "PACK-2": (("EAST", "SOUTH", "WEST"), 24),
    "PACK-3": (ZONES, 18),
}
LANE_CAPACITY = 60
CARRIER_UNITS = 60
# With these about three orders in four can be fulfilled, and a quarter of the products run short.
STOCK_FACTOR, LEAST_UNITS = 10, 300
BATCH = 250


def opening_stock(products: Iterable[Product]) -> dict[str, int]:
    """Units of each SKU to begin with: Northwind's own times ten, and of none less than 300."""
    return {item.sku: max(LEAST_UNITS, STOCK_FACTOR * item.units_in_stock) for item in products}


def carriers(
    units: Mapping[str, int], mark: str = "CAR", *, both_lanes: bool = False
) -> list[storage_pb2.NewCarrier]:
    """So many units of each SKU on carriers for their lanes; all full but the last of each SKU.

    They go into the first lane of their product, or by turns into both. The same units and mark give the
    same carriers.
    """
    return [
        storage_pb2.NewCarrier(
            carrier_id=f"{mark}-{sku}-{number:03}",
            sku=sku,
            quantity=min(CARRIER_UNITS, count - start),
            lane_id=second_lane_of(sku) if both_lanes and number % 2 == 0 else lane_of(sku),
        )
        for sku, count in units.items()
        for number, start in enumerate(range(0, count, CARRIER_UNITS), start=1)
    ]


def lane_of(sku: str) -> str:
    """The lane that a product is put into when it arrives."""
    return f"LANE-{sku}"


def second_lane_of(sku: str) -> str:
    """The product's lane in the next zone."""
    return f"LANE-{sku}-B"


async def open_site(client: Client, warehouse_id: str, products: Sequence[Product]) -> dict[str, int]:
    """Put lanes, the opening stock and, as a sign that all is there, the stations; gives the units received.

    What an earlier call that was interrupted has done already is left as it is.
    """
    await at_once(
        _put_lane(client, warehouse_id, lane_id, ZONES[(number + step) % len(ZONES)])
        for number, item in enumerate(products)
        for step, lane_id in enumerate((lane_of(item.sku), second_lane_of(item.sku)))
    )
    units = opening_stock(products)
    await receive(client, warehouse_id, carriers(units, both_lanes=True))
    await at_once(
        _put_station(client, warehouse_id, station, zones, capacity)
        for station, (zones, capacity) in STATIONS.items()
    )
    return units


async def open_routes(client: Client, warehouse_id: str, stations: Iterable[str]) -> None:
    """Have stations served from every zone from now on."""
    await at_once(
        _put_station(client, warehouse_id, station, ZONES, STATIONS[station][1]) for station in stations
    )


async def is_open(client: Client, warehouse_id: str) -> bool:
    """Whether the warehouse has a destination."""
    request = storage_pb2.ListDestinationsRequest(warehouse_id=warehouse_id, page_size=1)
    answer = await client.call(client.storage.ListDestinations, request)
    return bool(answer.destinations)


async def open_at_first(client: Client, warehouse_id: str, products: Sequence[Product]) -> dict[str, int]:
    """Open the warehouse as `open_site` does unless it is open; gives the units received now."""
    return {} if await is_open(client, warehouse_id) else await open_site(client, warehouse_id, products)


async def receive(client: Client, warehouse_id: str, new: Sequence[storage_pb2.NewCarrier]) -> None:
    """Take carriers in; a batch that is there already is left as it is."""
    for start in range(0, len(new), BATCH):
        request = storage_pb2.ReceiveCarriersRequest(
            warehouse_id=warehouse_id,
            carriers=new[start : start + BATCH],
            request_id=new_request_id("receive"),
        )
        try:
            await client.call(client.storage.ReceiveCarriers, request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise


async def _put_lane(client: Client, warehouse_id: str, lane_id: str, zone: str) -> None:
    lane = storage_pb2.Lane(lane_id=lane_id, warehouse_id=warehouse_id, zone=zone, capacity=LANE_CAPACITY)
    request = storage_pb2.PutLaneRequest(lane=lane, request_id=new_request_id("lane"))
    await client.call(client.storage.PutLane, request)


async def _put_station(
    client: Client, warehouse_id: str, station: str, zones: Sequence[str], capacity: int
) -> None:
    destination = storage_pb2.Destination(
        destination_id=station, warehouse_id=warehouse_id, queue_capacity=capacity, zones=zones
    )
    request = storage_pb2.PutDestinationRequest(destination=destination, request_id=new_request_id("station"))
    await client.call(client.storage.PutDestination, request)

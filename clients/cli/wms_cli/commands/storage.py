"""`wms-orders stock`, `carriers`, `lanes` and `destinations`: stock and its places."""

from typing import Annotated

import typer

from wms.orders.v1 import storage_pb2 as pb
from wms_cli.framework.command import (
    DEFAULT_LIMIT,
    CliSession,
    Limit,
    Sku,
    Warehouse,
    enum_option,
    enum_words,
    read_command,
)


@read_command
def stock(
    session: CliSession, sku: Sku = "", warehouse: Warehouse = "", limit: Limit = DEFAULT_LIMIT
) -> None:
    """List the stock of each SKU: on hand, allocated, available, on hold."""
    request = pb.GetStockRequest(sku=sku, warehouse_id=warehouse)
    response = session.fetch_pages(session.storage.GetStock, request, "stock", limit)
    session.print_list(
        response, "stock", "sku", "warehouse_id", "on_hand", "allocated", "available", "on_hold"
    )


@read_command
def carriers(
    session: CliSession,
    sku: Sku = "",
    lane: Annotated[str, typer.Option("--lane", metavar="ID", help="Only in this lane.")] = "",
    destination: Annotated[
        str, typer.Option("--destination", metavar="ID", help="Only at this destination or on the way to it.")
    ] = "",
    status: Annotated[
        list[pb.CarrierStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **enum_option(pb.CarrierStatus.DESCRIPTOR),
            help=f"Only these: {enum_words(pb.CarrierStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    location: Annotated[
        list[pb.CarrierLocation.ValueType] | None,
        typer.Option(
            "--location",
            metavar="WHERE",
            **enum_option(pb.CarrierLocation.DESCRIPTOR),
            help=f"Only there: {enum_words(pb.CarrierLocation.DESCRIPTOR)}. Default: all that have not left.",
        ),
    ] = None,
    warehouse: Warehouse = "",
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List load carriers with their content and location, by id."""
    request = pb.ListCarriersRequest(
        sku=sku,
        lane_id=lane,
        destination_id=destination,
        statuses=status or (),
        locations=location or (),
        warehouse_id=warehouse,
    )
    response = session.fetch_pages(session.storage.ListCarriers, request, "carriers", limit)
    columns = (
        "carrier_id",
        "sku",
        "quantity",
        "allocated=allocated_quantity",
        "status",
        "location",
        "lane_id",
        "place=lane_position",
        "destination_id",
        "received_at",
    )
    session.print_list(response, "carriers", *columns)


@read_command
def lanes(
    session: CliSession,
    status: Annotated[
        list[pb.LaneStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **enum_option(pb.LaneStatus.DESCRIPTOR),
            help=f"Only these: {enum_words(pb.LaneStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="ID", help="Only this zone.")] = "",
    warehouse: Warehouse = "",
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List lanes with their occupancy, by warehouse and id."""
    request = pb.ListLanesRequest(statuses=status or (), zone=zone, warehouse_id=warehouse)
    response = session.fetch_pages(session.storage.ListLanes, request, "lanes", limit)
    session.print_list(response, "lanes", "lane_id", "warehouse_id", "zone", "status", "occupied", "capacity")


@read_command
def destinations(session: CliSession, warehouse: Warehouse = "", limit: Limit = DEFAULT_LIMIT) -> None:
    """List destinations with their queues, by warehouse and id."""
    request = pb.ListDestinationsRequest(warehouse_id=warehouse)
    response = session.fetch_pages(session.storage.ListDestinations, request, "destinations", limit)
    columns = ("destination_id", "warehouse_id", "in_queue", "capacity=queue_capacity", "zones", "paused")
    session.print_list(response, "destinations", *columns)

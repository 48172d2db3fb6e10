"""`wms-orders stock`, `carriers`, `lanes` and `destinations`: what is there, and where."""

from typing import Annotated

import typer

from wms.orders.v1 import storage_pb2 as pb
from wms_cli.operation import Session, operation
from wms_cli.options import LIMIT, Limit, Sku, Warehouse, choice, words


@operation
def stock(session: Session, sku: Sku = "", warehouse: Warehouse = "", limit: Limit = LIMIT) -> None:
    """Say how much there is of each SKU: on hand, allocated, available, on hold."""
    request = pb.GetStockRequest(sku=sku, warehouse_id=warehouse)
    answer = session.all_of(session.storage.GetStock, request, "stock", limit)
    session.show_list(answer, "stock", "sku", "warehouse_id", "on_hand", "allocated", "available", "on_hold")


@operation
def carriers(
    session: Session,
    sku: Sku = "",
    lane: Annotated[str, typer.Option("--lane", metavar="ID", help="Only in this lane.")] = "",
    destination: Annotated[
        str, typer.Option("--destination", metavar="ID", help="Only there or on the way to it.")
    ] = "",
    status: Annotated[
        list[pb.CarrierStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **choice(pb.CarrierStatus.DESCRIPTOR),
            help=f"Only these: {words(pb.CarrierStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    location: Annotated[
        list[pb.CarrierLocation.ValueType] | None,
        typer.Option(
            "--location",
            metavar="WHERE",
            **choice(pb.CarrierLocation.DESCRIPTOR),
            help=f"Only there: {words(pb.CarrierLocation.DESCRIPTOR)}. Else all that have not left.",
        ),
    ] = None,
    warehouse: Warehouse = "",
    limit: Limit = LIMIT,
) -> None:
    """List carriers with what is on them and where they are, by id."""
    request = pb.ListCarriersRequest(
        sku=sku,
        lane_id=lane,
        destination_id=destination,
        statuses=status or (),
        locations=location or (),
        warehouse_id=warehouse,
    )
    answer = session.all_of(session.storage.ListCarriers, request, "carriers", limit)
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
    session.show_list(answer, "carriers", *columns)


@operation
def lanes(
    session: Session,
    status: Annotated[
        list[pb.LaneStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **choice(pb.LaneStatus.DESCRIPTOR),
            help=f"Only these: {words(pb.LaneStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="ID", help="Only this zone.")] = "",
    warehouse: Warehouse = "",
    limit: Limit = LIMIT,
) -> None:
    """List lanes with how full they are, by warehouse and id."""
    request = pb.ListLanesRequest(statuses=status or (), zone=zone, warehouse_id=warehouse)
    answer = session.all_of(session.storage.ListLanes, request, "lanes", limit)
    session.show_list(answer, "lanes", "lane_id", "warehouse_id", "zone", "status", "occupied", "capacity")


@operation
def destinations(session: Session, warehouse: Warehouse = "", limit: Limit = LIMIT) -> None:
    """List destinations with their queues, by warehouse and id."""
    request = pb.ListDestinationsRequest(warehouse_id=warehouse)
    answer = session.all_of(session.storage.ListDestinations, request, "destinations", limit)
    columns = ("destination_id", "warehouse_id", "in_queue", "capacity=queue_capacity", "zones", "paused")
    session.show_list(answer, "destinations", *columns)

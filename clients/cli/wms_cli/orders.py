"""`wms-orders orders`: create, see and steer orders."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import (
    LIMIT,
    Customer,
    Etag,
    Limit,
    OrderId,
    Reason,
    Statuses,
    Warehouse,
    choice,
    moment,
    words,
)
from wms_cli.ordering import Given, request_of
from wms_cli.watching import watch

orders = typer.Typer(
    help="Create orders, see how far they are and why they wait, ship, complete and cancel them.",
    epilog=TOLD,
    no_args_is_help=True,
)
orders.command("watch")(watch)

_Priority = Annotated[
    order_pb2.OrderPriority.ValueType,
    typer.Option(
        "--priority",
        "-p",
        metavar="PRIORITY",
        **choice(order_pb2.OrderPriority.DESCRIPTOR),
        show_default="standard",
        help=f"One of {words(order_pb2.OrderPriority.DESCRIPTOR)}.",
    ),
]


@orders.command("create")
@change
def create(
    session: Session,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help="Read all of it as JSON, from a file or from - (stdin)."
        ),
    ] = None,
    customer: Annotated[str, typer.Option("--customer", "-c", metavar="ID", help="The customer.")] = "",
    item: Annotated[
        list[str] | None,
        typer.Option(
            "--item", "-i", metavar="SKU=N[@PRICE]", help="A line, such as NW-001=2@9.80; as often as needed."
        ),
    ] = None,
    priority: _Priority = order_pb2.ORDER_PRIORITY_STANDARD,
    street: Annotated[str, typer.Option(help="Street and number.")] = "",
    city: Annotated[str, typer.Option(help="City or place.")] = "",
    country: Annotated[str, typer.Option(help="Two letters of ISO 3166.")] = "",
    state: Annotated[str, typer.Option(help="State or region, where there are such.")] = "",
    zip_code: Annotated[str, typer.Option("--zip", help="Postal code.")] = "",
    recipient: Annotated[str, typer.Option(help="Who receives it, if not the customer.")] = "",
    phone: Annotated[str, typer.Option(help="For the delivery.")] = "",
    promised: Annotated[
        Timestamp | None, typer.Option(parser=moment, metavar="TIME", help="When it is expected.")
    ] = None,
    warehouse: Annotated[
        str, typer.Option("--warehouse", "-w", metavar="ID", help="Else the service's default.")
    ] = "",
    order: Annotated[
        str, typer.Option("--order", metavar="ID", help="An id of your own; else one is made.")
    ] = "",
    whole: Annotated[bool, typer.Option("--whole", help="Never in part, also when stock is short.")] = False,
    currency: Annotated[str, typer.Option(help="The currency of plain prices (ISO 4217).")] = "USD",
) -> None:
    """Create an order, from options or from JSON.

    The JSON is that of the service's HTTP: {"customerId": ..., "priority": "standard",
    "items": [{"sku": ..., "quantity": 2, "unitPrice": 9.8}], "shippingAddress": {...}}.
    """
    address = order_pb2.ShippingAddress(
        street=street,
        city=city,
        country=country,
        state=state,
        zip_code=zip_code,
        recipient_name=recipient,
        phone=phone,
    )
    given = Given(file, customer, tuple(item or ()), priority, address, promised, warehouse, order, whole)
    request = request_of(given, currency)
    request.request_id = request.request_id or session.request_id
    session.show(session.orders.CreateOrder(request, **session.told), "order")


@orders.command("get")
@operation
def get(session: Session, order: OrderId) -> None:
    """Show an order with its lines, shipments and address."""
    request = orders_pb2.GetOrderRequest(order_id=order)
    session.show(session.orders.GetOrder(request, **session.told), "order")


@orders.command("list")
@operation
def list_(
    session: Session,
    status: Statuses = None,
    priority: Annotated[
        list[order_pb2.OrderPriority.ValueType] | None,
        typer.Option(
            "--priority",
            "-p",
            metavar="PRIORITY",
            **choice(order_pb2.OrderPriority.DESCRIPTOR),
            help=f"Only these: {words(order_pb2.OrderPriority.DESCRIPTOR)}.",
        ),
    ] = None,
    customer: Customer = "",
    warehouse: Warehouse = "",
    wave: Annotated[str, typer.Option("--wave", metavar="ID", help="Only this wave.")] = "",
    since: Annotated[
        Timestamp | None,
        typer.Option(
            parser=moment, metavar="TIME", help="Created then or later: a time, or an age such as 2h."
        ),
    ] = None,
    before: Annotated[
        Timestamp | None, typer.Option(parser=moment, metavar="TIME", help="Created before.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose promise has passed.")] = False,
    limit: Limit = LIMIT,
) -> None:
    """List orders, newest first."""
    request = orders_pb2.ListOrdersRequest(
        statuses=status or (),
        priorities=priority or (),
        customer_id=customer,
        warehouse_id=warehouse,
        wave_id=wave,
        created_after=since,
        created_before=before,
        overdue_only=overdue,
    )
    answer = session.all_of(session.orders.ListOrders, request, "orders", limit)
    columns = (
        "order_id",
        "status",
        "priority",
        "customer_id",
        "wave_id",
        "waits for=waiting_reason",
        "created_at",
    )
    session.show_list(answer, "orders", *columns)


@orders.command("cancel")
@change
def cancel(session: Session, order: OrderId, reason: Reason = "", etag: Etag = "") -> None:
    """Cancel an order that has not been shipped; its stock is free again."""
    request = orders_pb2.CancelOrderRequest(
        order_id=order, reason=reason, etag=etag, request_id=session.request_id
    )
    session.show(session.orders.CancelOrder(request, **session.told), "order")


@orders.command("ship")
@change
def ship(
    session: Session,
    order: OrderId,
    carrier: Annotated[str, typer.Option("--carrier", metavar="CODE", help="Who carries it, such as UPS.")],
    tracking: Annotated[str, typer.Option("--tracking", metavar="NUMBER", help="The carrier's number.")],
    etag: Etag = "",
) -> None:
    """Ship what has been brought to packing and not shipped yet."""
    request = orders_pb2.ShipOrderRequest(
        order_id=order,
        carrier_code=carrier,
        tracking_number=tracking,
        etag=etag,
        request_id=session.request_id,
    )
    session.show(session.orders.ShipOrder(request, **session.told), "order")


@orders.command("complete")
@change
def complete(
    session: Session,
    order: OrderId,
    delivered: Annotated[
        Timestamp | None, typer.Option(parser=moment, metavar="TIME", help="When; else now.")
    ] = None,
    etag: Etag = "",
) -> None:
    """Confirm that an order has been delivered."""
    request = orders_pb2.CompleteOrderRequest(
        order_id=order, delivered_at=delivered, etag=etag, request_id=session.request_id
    )
    session.show(session.orders.CompleteOrder(request, **session.told), "order")


@orders.command("explain")
@operation
def explain(session: Session, order: OrderId) -> None:
    """Say why an order waits, when anything is tried next, and which calls are legal now."""
    request = orders_pb2.ExplainOrderRequest(order_id=order)
    session.show(session.orders.ExplainOrder(request, **session.told))


@orders.command("history")
@operation
def history(session: Session, order: OrderId, limit: Limit = 0) -> None:
    """List all that happened to an order, oldest first."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order)
    answer = session.all_of(session.orders.GetOrderHistory, request, "events", limit)
    columns = (
        "event=type",
        "no=sequence",
        "from=from_status",
        "to=to_status",
        "actor",
        "when=occurred_at",
        "position",
    )
    session.show_list(answer, "events", *columns)

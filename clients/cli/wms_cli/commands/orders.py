"""`wms-orders orders`: create, list, explain, ship, complete and cancel orders."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.commands.order_input import OrderOptions, build_request
from wms_cli.commands.watch import watch
from wms_cli.framework.command import (
    DEFAULT_LIMIT,
    CliSession,
    Customer,
    Etag,
    Limit,
    OrderId,
    Reason,
    Statuses,
    Warehouse,
    change_command,
    enum_option,
    enum_words,
    parse_time,
    read_command,
)
from wms_cli.framework.exit_codes import EXIT_CODE_HELP

orders = typer.Typer(
    help="Create orders, show their progress and why they wait, ship, complete and cancel them.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)
orders.command("watch")(watch)

_Priority = Annotated[
    order_pb2.OrderPriority.ValueType,
    typer.Option(
        "--priority",
        "-p",
        metavar="PRIORITY",
        **enum_option(order_pb2.OrderPriority.DESCRIPTOR),
        show_default="standard",
        help=f"One of {enum_words(order_pb2.OrderPriority.DESCRIPTOR)}.",
    ),
]


@orders.command("create")
@change_command
def create(
    session: CliSession,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="Read the complete order as JSON from a file; - is standard input.",
        ),
    ] = None,
    customer: Annotated[str, typer.Option("--customer", "-c", metavar="ID", help="The customer.")] = "",
    item: Annotated[
        list[str] | None,
        typer.Option(
            "--item",
            "-i",
            metavar="SKU=N[@PRICE]",
            help="An order line, such as NW-001=2@9.80; may be repeated.",
        ),
    ] = None,
    priority: _Priority = order_pb2.ORDER_PRIORITY_STANDARD,
    street: Annotated[str, typer.Option(help="Street and number.")] = "",
    city: Annotated[str, typer.Option(help="City or town.")] = "",
    country: Annotated[str, typer.Option(help="Country code, two letters (ISO 3166).")] = "",
    state: Annotated[str, typer.Option(help="State or region, if the country has them.")] = "",
    zip_code: Annotated[str, typer.Option("--zip", help="Postal code.")] = "",
    recipient: Annotated[str, typer.Option(help="Name of the recipient, if not the customer.")] = "",
    phone: Annotated[str, typer.Option(help="Phone number for the delivery.")] = "",
    promised: Annotated[
        Timestamp | None, typer.Option(parser=parse_time, metavar="TIME", help="Promised delivery time.")
    ] = None,
    warehouse: Annotated[
        str,
        typer.Option("--warehouse", "-w", metavar="ID", help="The warehouse; default: that of the service."),
    ] = "",
    order: Annotated[
        str, typer.Option("--order", metavar="ID", help="The order id; default: a new one.")
    ] = "",
    whole: Annotated[
        bool, typer.Option("--whole", help="No partial fulfillment, even if stock is short.")
    ] = False,
    currency: Annotated[str, typer.Option(help="The currency of plain prices (ISO 4217).")] = "USD",
) -> None:
    """Create an order, from options or from JSON.

    The JSON is that of the HTTP API: {"customerId": ..., "priority": "standard",
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
    order_options = OrderOptions(
        file, customer, tuple(item or ()), priority, address, promised, warehouse, order, whole
    )
    request = build_request(order_options, currency)
    request.request_id = request.request_id or session.request_id
    session.print_response(session.orders.CreateOrder(request, **session.call_options), "order")


@orders.command("get")
@read_command
def get(session: CliSession, order: OrderId) -> None:
    """Show an order with its lines, shipments and address."""
    request = orders_pb2.GetOrderRequest(order_id=order)
    session.print_response(session.orders.GetOrder(request, **session.call_options), "order")


@orders.command("list")
@read_command
def list_(
    session: CliSession,
    status: Statuses = None,
    priority: Annotated[
        list[order_pb2.OrderPriority.ValueType] | None,
        typer.Option(
            "--priority",
            "-p",
            metavar="PRIORITY",
            **enum_option(order_pb2.OrderPriority.DESCRIPTOR),
            help=f"Only these: {enum_words(order_pb2.OrderPriority.DESCRIPTOR)}.",
        ),
    ] = None,
    customer: Customer = "",
    warehouse: Warehouse = "",
    wave: Annotated[str, typer.Option("--wave", metavar="ID", help="Only this wave.")] = "",
    since: Annotated[
        Timestamp | None,
        typer.Option(
            parser=parse_time, metavar="TIME", help="Created at or after a time, or an age such as 2h."
        ),
    ] = None,
    before: Annotated[
        Timestamp | None,
        typer.Option(parser=parse_time, metavar="TIME", help="Created before a time, or an age such as 2h."),
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only orders whose promised delivery time has passed.")
    ] = False,
    limit: Limit = DEFAULT_LIMIT,
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
    response = session.fetch_pages(session.orders.ListOrders, request, "orders", limit)
    columns = (
        "order_id",
        "status",
        "priority",
        "customer_id",
        "wave_id",
        "waits for=waiting_reason",
        "created_at",
    )
    session.print_list(response, "orders", *columns)


@orders.command("cancel")
@change_command
def cancel(session: CliSession, order: OrderId, reason: Reason = "", etag: Etag = "") -> None:
    """Cancel an order that has not been shipped; its stock becomes available again."""
    request = orders_pb2.CancelOrderRequest(
        order_id=order, reason=reason, etag=etag, request_id=session.request_id
    )
    session.print_response(session.orders.CancelOrder(request, **session.call_options), "order")


@orders.command("ship")
@change_command
def ship(
    session: CliSession,
    order: OrderId,
    carrier: Annotated[
        str, typer.Option("--carrier", metavar="CODE", help="Code of the parcel carrier, such as UPS.")
    ],
    tracking: Annotated[
        str, typer.Option("--tracking", metavar="NUMBER", help="Tracking number of the parcel carrier.")
    ],
    etag: Etag = "",
) -> None:
    """Ship the units that have been delivered to packing and are not shipped yet."""
    request = orders_pb2.ShipOrderRequest(
        order_id=order,
        carrier_code=carrier,
        tracking_number=tracking,
        etag=etag,
        request_id=session.request_id,
    )
    session.print_response(session.orders.ShipOrder(request, **session.call_options), "order")


@orders.command("complete")
@change_command
def complete(
    session: CliSession,
    order: OrderId,
    delivered: Annotated[
        Timestamp | None,
        typer.Option(parser=parse_time, metavar="TIME", help="Time of delivery; default: now."),
    ] = None,
    etag: Etag = "",
) -> None:
    """Confirm that an order has been delivered."""
    request = orders_pb2.CompleteOrderRequest(
        order_id=order, delivered_at=delivered, etag=etag, request_id=session.request_id
    )
    session.print_response(session.orders.CompleteOrder(request, **session.call_options), "order")


@orders.command("explain")
@read_command
def explain(session: CliSession, order: OrderId) -> None:
    """Explain why an order waits, when the next attempt is, and which calls are legal now."""
    request = orders_pb2.ExplainOrderRequest(order_id=order)
    session.print_response(session.orders.ExplainOrder(request, **session.call_options))


@orders.command("history")
@read_command
def history(session: CliSession, order: OrderId, limit: Limit = 0) -> None:
    """List all events of an order, oldest first."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order)
    response = session.fetch_pages(session.orders.GetOrderHistory, request, "events", limit)
    columns = (
        "event=type",
        "no=sequence",
        "from=from_status",
        "to=to_status",
        "actor",
        "when=occurred_at",
        "position",
    )
    session.print_list(response, "events", *columns)

"""`wms-orders backorders`: list and cancel backorders."""

from typing import Annotated

import typer

from wms.orders.v1 import storage_pb2 as pb
from wms_cli.framework.command import (
    DEFAULT_LIMIT,
    CliSession,
    Limit,
    Reason,
    Sku,
    Warehouse,
    change_command,
    enum_option,
    enum_words,
    read_command,
)
from wms_cli.framework.exit_codes import EXIT_CODE_HELP

backorders = typer.Typer(
    help="List backorders, and cancel those that will never be fulfilled.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@backorders.command("list")
@read_command
def list_(
    session: CliSession,
    order: Annotated[str, typer.Option("--order", metavar="ID", help="Only this order.")] = "",
    sku: Sku = "",
    status: Annotated[
        list[pb.BackorderStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **enum_option(pb.BackorderStatus.DESCRIPTOR),
            help=f"Only these: {enum_words(pb.BackorderStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    warehouse: Warehouse = "",
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List backorders, oldest first."""
    request = pb.ListBackordersRequest(order_id=order, sku=sku, statuses=status or (), warehouse_id=warehouse)
    response = session.fetch_pages(session.storage.ListBackorders, request, "backorders", limit)
    columns = (
        "backorder_id",
        "order_id",
        "sku",
        "quantity",
        "fulfilled=quantity_fulfilled",
        "status",
        "reason",
        "created_at",
    )
    session.print_list(response, "backorders", *columns)


@backorders.command("cancel")
@change_command
def cancel(
    session: CliSession,
    backorder: Annotated[str, typer.Argument(metavar="BACKORDER", help="The backorder's id.")],
    reason: Reason = "",
) -> None:
    """Cancel a backorder that will never be fulfilled."""
    request = pb.CancelBackorderRequest(backorder_id=backorder, reason=reason, request_id=session.request_id)
    session.print_response(session.storage.CancelBackorder(request, **session.call_options), "backorder")

"""`wms-orders backorders`: what is still owed."""

from typing import Annotated

import typer

from wms.orders.v1 import storage_pb2 as pb
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import LIMIT, Limit, Reason, Sku, Warehouse, choice, words

backorders = typer.Typer(
    help="See what is still owed to orders, and close what will never come.",
    epilog=TOLD,
    no_args_is_help=True,
)


@backorders.command("list")
@operation
def list_(
    session: Session,
    order: Annotated[str, typer.Option("--order", metavar="ID", help="Only this order.")] = "",
    sku: Sku = "",
    status: Annotated[
        list[pb.BackorderStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **choice(pb.BackorderStatus.DESCRIPTOR),
            help=f"Only these: {words(pb.BackorderStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    warehouse: Warehouse = "",
    limit: Limit = LIMIT,
) -> None:
    """List backorders, oldest first."""
    request = pb.ListBackordersRequest(order_id=order, sku=sku, statuses=status or (), warehouse_id=warehouse)
    answer = session.all_of(session.storage.ListBackorders, request, "backorders", limit)
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
    session.show_list(answer, "backorders", *columns)


@backorders.command("cancel")
@change
def cancel(
    session: Session,
    backorder: Annotated[str, typer.Argument(metavar="BACKORDER", help="The backorder's id.")],
    reason: Reason = "",
) -> None:
    """Close a backorder that will never be filled."""
    request = pb.CancelBackorderRequest(backorder_id=backorder, reason=reason, request_id=session.request_id)
    session.show(session.storage.CancelBackorder(request, **session.told), "backorder")

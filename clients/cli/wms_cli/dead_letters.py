"""`wms-orders dlq`: the orders that nobody tries any more, and what is decided about them."""

from typing import Annotated

import typer

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2
from wms_cli.connection import user
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import LIMIT, Customer, Etag, Limit, OrderId, Warehouse, choice, words

_RESOLUTIONS = dead_letter_pb2.DeadLetterResolution.DESCRIPTOR

dlq = typer.Typer(
    help="See the dead letter queue, and decide what becomes of its orders.",
    epilog=TOLD,
    no_args_is_help=True,
)


@dlq.command("list")
@operation
def list_(
    session: Session,
    resolved: Annotated[
        bool | None,
        typer.Option("--resolved/--unresolved", help="Only those decided about, or only the others."),
    ] = None,
    failed_in: Annotated[
        order_pb2.OrderStatus.ValueType,
        typer.Option(
            metavar="STATUS",
            **choice(order_pb2.OrderStatus.DESCRIPTOR),
            help="Only orders that failed in this status: received to packing.",
        ),
    ] = order_pb2.ORDER_STATUS_UNSPECIFIED,
    older_than: Annotated[
        float | None, typer.Option(metavar="HOURS", min=0, help="Only entries that are so old.")
    ] = None,
    customer: Customer = "",
    warehouse: Warehouse = "",
    limit: Limit = LIMIT,
) -> None:
    """List entries, newest first."""
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(
        resolved=resolved,
        failure_status=failed_in,
        older_than_hours=older_than,
        customer_id=customer,
        warehouse_id=warehouse,
    )
    answer = session.all_of(session.dead_letters.ListDeadLetterEntries, request, "entries", limit)
    columns = (
        "order_id",
        "failed in=final_failure_status",
        "tries=total_retry_attempts",
        "reason=final_failure_reason",
        "since=created_at",
        "resolution",
        "by=resolved_by",
    )
    session.show_list(answer, "entries", *columns)


@dlq.command("show")
@operation
def show(
    session: Session,
    order: Annotated[str, typer.Argument(metavar="[ORDER]", help="The order, for its newest entry.")] = "",
    entry: Annotated[str, typer.Option("--entry", metavar="ID", help="One entry by its id.")] = "",
) -> None:
    """Show an entry with every failure, every decision and the order as it was."""
    if bool(order) == bool(entry):
        raise typer.BadParameter("Name an order, or an entry with --entry.")
    request = dead_letters_pb2.GetDeadLetterEntryRequest()
    if order:
        request.order_id = order
    else:
        request.entry_id = entry
    session.show(session.dead_letters.GetDeadLetterEntry(request, **session.told), "entry")


@dlq.command("stats")
@operation
def stats(session: Session) -> None:
    """Count the entries: open and resolved, by the status they failed in and by resolution."""
    request = dead_letters_pb2.GetDeadLetterStatsRequest()
    session.show(session.dead_letters.GetDeadLetterStats(request, **session.told))


@dlq.command("resolve")
@change
def resolve(
    session: Session,
    order: OrderId,
    resolution: Annotated[
        dead_letter_pb2.DeadLetterResolution.ValueType,
        typer.Argument(
            metavar="RESOLUTION",
            **choice(_RESOLUTIONS),
            help=f"What is to be done: {words(_RESOLUTIONS)}.",
        ),
    ],
    notes: Annotated[str, typer.Option("--notes", help="Why.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides; else who you are here.")] = "",
    etag: Etag = "",
) -> None:
    """Decide about the newest entry of an order; what is decided is done at once."""
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order,
        resolution=resolution,
        notes=notes,
        resolved_by=by or user(),
        etag=etag,
        request_id=session.request_id,
    )
    session.show(session.dead_letters.ResolveDeadLetterEntry(request, **session.told), "entry")

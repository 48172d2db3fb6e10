"""`wms-orders dlq`: the dead letter queue and its resolutions."""

from typing import Annotated

import typer

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2
from wms_cli.framework.command import (
    DEFAULT_LIMIT,
    CliSession,
    Customer,
    Etag,
    Limit,
    OrderId,
    Warehouse,
    change_command,
    enum_option,
    enum_words,
    read_command,
)
from wms_cli.framework.connection import current_user
from wms_cli.framework.exit_codes import EXIT_CODE_HELP

_RESOLUTIONS = dead_letter_pb2.DeadLetterResolution.DESCRIPTOR

dlq = typer.Typer(
    help="List the dead letter queue, and resolve its entries.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@dlq.command("list")
@read_command
def list_(
    session: CliSession,
    resolved: Annotated[
        bool | None,
        typer.Option("--resolved/--unresolved", help="Only resolved entries, or only unresolved ones."),
    ] = None,
    failed_in: Annotated[
        order_pb2.OrderStatus.ValueType,
        typer.Option(
            metavar="STATUS",
            **enum_option(order_pb2.OrderStatus.DESCRIPTOR),
            help="Only orders that failed in this status: received to packing.",
        ),
    ] = order_pb2.ORDER_STATUS_UNSPECIFIED,
    older_than: Annotated[
        float | None, typer.Option(metavar="HOURS", min=0, help="Only entries older than this.")
    ] = None,
    customer: Customer = "",
    warehouse: Warehouse = "",
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List entries, newest first."""
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(
        resolved=resolved,
        failure_status=failed_in,
        older_than_hours=older_than,
        customer_id=customer,
        warehouse_id=warehouse,
    )
    response = session.fetch_pages(session.dead_letters.ListDeadLetterEntries, request, "entries", limit)
    columns = (
        "order_id",
        "failed in=final_failure_status",
        "tries=total_retry_attempts",
        "reason=final_failure_reason",
        "since=created_at",
        "resolution",
        "by=resolved_by",
    )
    session.print_list(response, "entries", *columns)


@dlq.command("show")
@read_command
def show(
    session: CliSession,
    order: Annotated[str, typer.Argument(metavar="[ORDER]", help="An order: its newest entry.")] = "",
    entry: Annotated[str, typer.Option("--entry", metavar="ID", help="One entry by its id.")] = "",
) -> None:
    """Show an entry with every failure, every resolution and the order at that time."""
    if bool(order) == bool(entry):
        raise typer.BadParameter("Give either an ORDER or --entry ID.")
    request = dead_letters_pb2.GetDeadLetterEntryRequest()
    if order:
        request.order_id = order
    else:
        request.entry_id = entry
    session.print_response(session.dead_letters.GetDeadLetterEntry(request, **session.call_options), "entry")


@dlq.command("stats")
@read_command
def stats(session: CliSession) -> None:
    """Count the entries: open and resolved, by failure status and by resolution."""
    request = dead_letters_pb2.GetDeadLetterStatsRequest()
    session.print_response(session.dead_letters.GetDeadLetterStats(request, **session.call_options))


@dlq.command("resolve")
@change_command
def resolve(
    session: CliSession,
    order: OrderId,
    resolution: Annotated[
        dead_letter_pb2.DeadLetterResolution.ValueType,
        typer.Argument(
            metavar="RESOLUTION",
            **enum_option(_RESOLUTIONS),
            help=f"The resolution: {enum_words(_RESOLUTIONS)}.",
        ),
    ],
    notes: Annotated[str, typer.Option("--notes", help="The reason.")] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="The decider; default: the user of this command.")
    ] = "",
    etag: Etag = "",
) -> None:
    """Resolve the newest entry of an order; the resolution takes effect at once."""
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order,
        resolution=resolution,
        notes=notes,
        resolved_by=by or current_user(),
        etag=etag,
        request_id=session.request_id,
    )
    session.print_response(
        session.dead_letters.ResolveDeadLetterEntry(request, **session.call_options), "entry"
    )

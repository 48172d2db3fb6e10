"""`wms-orders retries`: counted failures of orders and their retries."""

from typing import Annotated

import typer

from wms.orders.v1 import reprocessing_pb2 as pb
from wms_cli.framework.command import (
    DEFAULT_LIMIT,
    CliSession,
    Etag,
    OrderId,
    Statuses,
    change_command,
    read_command,
)
from wms_cli.framework.exit_codes import EXIT_CODE_HELP
from wms_cli.framework.output import write_line

retries = typer.Typer(
    help="List failed orders that wait for a retry, retry one at once, count a failure.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@retries.command("list")
@read_command
def list_(
    session: CliSession,
    status: Statuses = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="Maximum number.")
    ] = DEFAULT_LIMIT,
) -> None:
    """List the orders that will be retried, longest waiting first; --status is their failure status."""
    request = pb.ListEligibleOrdersRequest(limit=limit, statuses=status or ())
    response = session.reprocessing.ListEligibleOrders(request, **session.call_options)
    columns = (
        "order_id",
        "failed in=status",
        "failures=retry_count",
        "reason=last_failure_reason",
        "next try=next_retry_at",
        "customer_id",
    )
    session.print_list(response, "orders", *columns)
    if response.total > len(response.orders):
        write_line(f"There are {response.total} in all; raise --limit to list more.", err=True)


@retries.command("show")
@read_command
def show(session: CliSession, order: OrderId) -> None:
    """Show the counted failures of an order, and the time of its next retry."""
    request = pb.GetRetryMetadataRequest(order_id=order)
    session.print_response(session.reprocessing.GetRetryMetadata(request, **session.call_options))


@retries.command("reset")
@change_command
def reset(session: CliSession, order: OrderId, etag: Etag = "") -> None:
    """Retry an order now, due or not: its status is received again, its failures stay counted."""
    request = pb.ResetOrderRequest(order_id=order, etag=etag, request_id=session.request_id)
    session.print_response(session.reprocessing.ResetOrder(request, **session.call_options), "order")


@retries.command("fail")
@change_command
def fail(
    session: CliSession,
    order: OrderId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="The reason of the failure.")],
    workflow: Annotated[str, typer.Option(metavar="ID", help="The workflow that failed.")] = "",
    etag: Etag = "",
) -> None:
    """Count a failure of an order: it is retried later, or becomes a dead letter after the last retry."""
    request = pb.IncrementRetryCountRequest(
        order_id=order,
        failure_reason=reason,
        workflow_id=workflow,
        etag=etag,
        request_id=session.request_id,
    )
    session.print_response(session.reprocessing.IncrementRetryCount(request, **session.call_options), "retry")

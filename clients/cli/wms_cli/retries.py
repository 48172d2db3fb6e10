"""`wms-orders retries`: failures that are counted, and what is tried again."""

from typing import Annotated

import typer

from wms.orders.v1 import reprocessing_pb2 as pb
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import LIMIT, Etag, OrderId, Statuses
from wms_cli.printing import write_line

retries = typer.Typer(
    help="See the orders that failed and wait for their next try; put one back at once; count a failure.",
    epilog=TOLD,
    no_args_is_help=True,
)


@retries.command("list")
@operation
def list_(
    session: Session,
    status: Statuses = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many at most.")] = LIMIT,
) -> None:
    """List the orders that will be tried again, longest waiting first; --status is what they failed in."""
    request = pb.ListEligibleOrdersRequest(limit=limit, statuses=status or ())
    answer = session.reprocessing.ListEligibleOrders(request, **session.told)
    columns = (
        "order_id",
        "failed in=status",
        "failures=retry_count",
        "reason=last_failure_reason",
        "next try=next_retry_at",
        "customer_id",
    )
    session.show_list(answer, "orders", *columns)
    if answer.total > len(answer.orders):
        write_line(f"There are {answer.total}: --limit N shows so many.", err=True)


@retries.command("show")
@operation
def show(session: Session, order: OrderId) -> None:
    """Show the failures of an order that are counted, and when it is tried again."""
    request = pb.GetRetryMetadataRequest(order_id=order)
    session.show(session.reprocessing.GetRetryMetadata(request, **session.told))


@retries.command("reset")
@change
def reset(session: Session, order: OrderId, etag: Etag = "") -> None:
    """Put an order back to received now, due or not; the count of its failures stays."""
    request = pb.ResetOrderRequest(order_id=order, etag=etag, request_id=session.request_id)
    session.show(session.reprocessing.ResetOrder(request, **session.told), "order")


@retries.command("fail")
@change
def fail(
    session: Session,
    order: OrderId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="What went wrong.")],
    workflow: Annotated[str, typer.Option(metavar="ID", help="The workflow that failed.")] = "",
    etag: Etag = "",
) -> None:
    """Count a failure of an order: it is tried again later, or is a dead letter when it was the last."""
    request = pb.IncrementRetryCountRequest(
        order_id=order,
        failure_reason=reason,
        workflow_id=workflow,
        etag=etag,
        request_id=session.request_id,
    )
    session.show(session.reprocessing.IncrementRetryCount(request, **session.told), "retry")

"""`wms-orders runs`: the cycles of the worker."""

from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import Limit, Warehouse, choice, words

runs = typer.Typer(
    help="See what the worker's cycles did and what went wrong; ask for a cycle now.",
    epilog=TOLD,
    no_args_is_help=True,
)


@runs.command("list")
@operation
def list_(
    session: Session,
    status: Annotated[
        list[pb.FulfillmentRunStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **choice(pb.FulfillmentRunStatus.DESCRIPTOR),
            help=f"Only these: {words(pb.FulfillmentRunStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    requested: Annotated[bool, typer.Option("--requested", help="Only those somebody asked for.")] = False,
    warehouse: Warehouse = "",
    limit: Limit = 20,
) -> None:
    """List runs, newest first."""
    request = pb.ListFulfillmentRunsRequest(
        statuses=status or (), requested_only=requested, warehouse_id=warehouse
    )
    answer = session.all_of(session.fulfillment.ListFulfillmentRuns, request, "runs", limit)
    columns = (
        "run_id",
        "status",
        "started_at",
        "worker_id",
        "epoch",
        "warehouse_id",
        "asked by=requested_by",
        "errors",
    )
    session.show_list(answer, "runs", *columns)


@runs.command("show")
@operation
def show(session: Session, run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]) -> None:
    """Show what a run did, step by step."""
    request = pb.GetFulfillmentRunRequest(run_id=run)
    session.show(session.fulfillment.GetFulfillmentRun(request, **session.told), "run")


@runs.command("start")
@change
def start(session: Session, warehouse: Warehouse = "") -> None:
    """Ask the active worker for a cycle now; `runs show RUN` tells how it went."""
    request = pb.StartFulfillmentRequest(warehouse_id=warehouse, request_id=session.request_id)
    session.show(session.fulfillment.StartFulfillment(request, **session.told), "run")

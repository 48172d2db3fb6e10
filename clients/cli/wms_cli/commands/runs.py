"""`wms-orders runs`: the fulfillment cycles of the worker."""

from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.framework.command import (
    CliSession,
    Limit,
    Warehouse,
    change_command,
    enum_option,
    enum_words,
    read_command,
)
from wms_cli.framework.exit_codes import EXIT_CODE_HELP

runs = typer.Typer(
    help="Show the results and errors of fulfillment cycles; start a cycle now.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@runs.command("list")
@read_command
def list_(
    session: CliSession,
    status: Annotated[
        list[pb.FulfillmentRunStatus.ValueType] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            **enum_option(pb.FulfillmentRunStatus.DESCRIPTOR),
            help=f"Only these: {enum_words(pb.FulfillmentRunStatus.DESCRIPTOR)}.",
        ),
    ] = None,
    requested: Annotated[
        bool, typer.Option("--requested", help="Only runs that were requested by a call.")
    ] = False,
    warehouse: Warehouse = "",
    limit: Limit = 20,
) -> None:
    """List runs, newest first."""
    request = pb.ListFulfillmentRunsRequest(
        statuses=status or (), requested_only=requested, warehouse_id=warehouse
    )
    response = session.fetch_pages(session.fulfillment.ListFulfillmentRuns, request, "runs", limit)
    columns = (
        "run_id",
        "status",
        "started_at",
        "worker_id",
        "epoch",
        "warehouse_id",
        "requested by=requested_by",
        "errors",
    )
    session.print_list(response, "runs", *columns)


@runs.command("show")
@read_command
def show(
    session: CliSession, run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]
) -> None:
    """Show the results of a run, step by step."""
    request = pb.GetFulfillmentRunRequest(run_id=run)
    session.print_response(session.fulfillment.GetFulfillmentRun(request, **session.call_options), "run")


@runs.command("start")
@change_command
def start(session: CliSession, warehouse: Warehouse = "") -> None:
    """Ask the active worker for a cycle now; `runs show RUN` shows its result."""
    request = pb.StartFulfillmentRequest(warehouse_id=warehouse, request_id=session.request_id)
    session.print_response(session.fulfillment.StartFulfillment(request, **session.call_options), "run")

"""`wms-orders workers`: who acts, who is to, and whether anything is done at all."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.output import Output, show_pauses, show_workers
from wms_cli.service import fulfillment, new_request_id, told_by

Server = Annotated[
    str, typer.Option("--server", "-s", envvar="SERVER_ADDR", help="The server: host:port, or :port.")
]
Form = Annotated[Output, typer.Option("--output", "-o", help="A table for people, or JSON.")]
Warehouse = Annotated[str, typer.Option("--warehouse", "-w", help="Only this warehouse; else everywhere.")]
LOCAL = ":8001"

workers = typer.Typer(
    help="See the worker's replicas, say who acts, pause and resume fulfillment. "
    "Exit codes: 0 done, 1 refused, 2 not understood, 3 not there, 4 no answer from the server.",
    no_args_is_help=True,
)


class Mode(StrEnum):
    """Whether a replica takes part in elections."""

    AUTO = "auto"
    PASSIVE = "passive"


@workers.command("list")
def list_(server: Server = LOCAL, output: Form = Output.TABLE) -> None:
    """Show every replica with its roles and epochs."""
    found: list[pb.Worker] = []
    request = pb.ListWorkersRequest(page_size=200)
    with fulfillment(server) as service:
        while True:
            page = service.ListWorkers(request, **told_by())
            found += page.workers
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    show_workers(found, output)


@workers.command("step-down")
def step_down(
    worker: Annotated[str, typer.Argument(help="The replica; else whoever holds the role.")] = "",
    role: Annotated[str, typer.Option("--role", "-r", help="fulfillment or relay.")] = "fulfillment",
    server: Server = LOCAL,
    output: Form = Output.TABLE,
) -> None:
    """Ask for a role to be handed over; the replica abstains until another one has it."""
    request = pb.StepDownRequest(worker_id=worker, role=role, request_id=new_request_id())
    with fulfillment(server) as service:
        answer = service.StepDown(request, **told_by())
    show_workers([answer.worker], output)


@workers.command("mode")
def mode(
    worker: Annotated[str, typer.Argument(help="The replica.")],
    mode: Annotated[Mode, typer.Argument(help="auto: it takes a role when it can; passive: it takes none.")],
    server: Server = LOCAL,
    output: Form = Output.TABLE,
) -> None:
    """Tell a replica whether to take part in elections, also after a restart."""
    value = pb.WORKER_MODE_AUTO if mode is Mode.AUTO else pb.WORKER_MODE_PASSIVE
    request = pb.SetWorkerModeRequest(worker_id=worker, mode=value, request_id=new_request_id())
    with fulfillment(server) as service:
        answer = service.SetWorkerMode(request, **told_by())
    show_workers([answer.worker], output)


@workers.command("pause")
def pause(
    reason: Annotated[str, typer.Argument(help="Why; everybody who looks is told.")],
    warehouse: Warehouse = "",
    minutes: Annotated[
        int | None, typer.Option(min=1, max=525_600, help="End it after so long; else somebody has to.")
    ] = None,
    server: Server = LOCAL,
    output: Form = Output.TABLE,
) -> None:
    """Stop new work, in one warehouse or everywhere; orders are still taken in."""
    request = pb.PauseFulfillmentRequest(warehouse_id=warehouse, reason=reason, request_id=new_request_id())
    if minutes:
        request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=minutes))
    with fulfillment(server) as service:
        answer = service.PauseFulfillment(request, **told_by())
    show_pauses([answer.pause], output)


@workers.command("resume")
def resume(
    warehouse: Warehouse = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    server: Server = LOCAL,
    output: Form = Output.TABLE,
) -> None:
    """End a pause; prints those that are still in force."""
    request = pb.ResumeFulfillmentRequest(warehouse_id=warehouse, reason=reason, request_id=new_request_id())
    with fulfillment(server) as service:
        answer = service.ResumeFulfillment(request, **told_by())
    show_pauses(list(answer.pauses), output)

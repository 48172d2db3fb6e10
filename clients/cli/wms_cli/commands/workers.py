"""`wms-orders workers`: replicas of the worker, their roles and modes, and pauses of the fulfillment."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.framework.command import CliSession, Limit, change_command, read_command
from wms_cli.framework.exit_codes import EXIT_CODE_HELP
from wms_cli.framework.formatting import format_age, format_duration, format_enum
from wms_cli.framework.output import OutputFormat, print_json, print_rows

_TITLES = (
    "worker",
    "mode",
    "role",
    "state",
    "epoch",
    "lease age",
    "last cycle",
    "heartbeat",
    "host",
    "version",
)
_Warehouse = Annotated[
    str, typer.Option("--warehouse", "-w", metavar="ID", help="Only this warehouse; default: all.")
]

workers = typer.Typer(
    help="List the replicas of the worker, move their roles, pause and resume fulfillment.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


class Mode(StrEnum):
    """Whether a replica takes part in elections."""

    AUTO = "auto"
    PASSIVE = "passive"


@workers.command("list")
@read_command
def list_(session: CliSession, limit: Limit = 0) -> None:
    """Show every replica with its roles and epochs."""
    request = pb.ListWorkersRequest()
    response = session.fetch_pages(session.fulfillment.ListWorkers, request, "workers", limit)
    if session.output is not OutputFormat.TABLE:
        session.print_list(response, "workers", "worker_id")
    else:
        print_rows("workers", _TITLES, [_build_row(worker) for worker in response.workers])


@workers.command("step-down")
@change_command
def step_down(
    session: CliSession,
    worker: Annotated[
        str, typer.Argument(metavar="[WORKER]", help="The replica; default: the holder of the role.")
    ] = "",
    role: Annotated[str, typer.Option("--role", "-r", help="fulfillment or relay.")] = "fulfillment",
) -> None:
    """Hand over a role: the replica releases it and declines it until another one has it."""
    request = pb.StepDownRequest(worker_id=worker, role=role, request_id=session.request_id)
    session.print_response(session.fulfillment.StepDown(request, **session.call_options), "worker")


@workers.command("mode")
@change_command
def mode(
    session: CliSession,
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="The replica.")],
    mode: Annotated[Mode, typer.Argument(help="auto: takes a role if it can; passive: takes no role.")],
) -> None:
    """Set whether a replica takes part in elections; the mode outlasts a restart."""
    value = pb.WORKER_MODE_AUTO if mode is Mode.AUTO else pb.WORKER_MODE_PASSIVE
    request = pb.SetWorkerModeRequest(worker_id=worker, mode=value, request_id=session.request_id)
    session.print_response(session.fulfillment.SetWorkerMode(request, **session.call_options), "worker")


@workers.command("pause")
@change_command
def pause(
    session: CliSession,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="The reason; shown to all operators.")],
    warehouse: _Warehouse = "",
    minutes: Annotated[
        int | None,
        typer.Option(min=1, max=525_600, help="End the pause by itself; default: `workers resume` ends it."),
    ] = None,
) -> None:
    """Pause fulfillment in one warehouse or everywhere; orders are still accepted."""
    request = pb.PauseFulfillmentRequest(warehouse_id=warehouse, reason=reason, request_id=session.request_id)
    if minutes:
        request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=minutes))
    response = session.fulfillment.PauseFulfillment(request, **session.call_options)
    _print_pauses(session, response, [response.pause])


@workers.command("resume")
@change_command
def resume(
    session: CliSession,
    warehouse: _Warehouse = "",
    reason: Annotated[str, typer.Option(help="The reason.")] = "",
) -> None:
    """End a pause, and print the remaining ones."""
    request = pb.ResumeFulfillmentRequest(
        warehouse_id=warehouse, reason=reason, request_id=session.request_id
    )
    response = session.fulfillment.ResumeFulfillment(request, **session.call_options)
    _print_pauses(session, response, list(response.pauses))


def _print_pauses(
    session: CliSession,
    response: pb.PauseFulfillmentResponse | pb.ResumeFulfillmentResponse,
    pauses: list[pb.FulfillmentPause],
) -> None:
    if session.output is OutputFormat.JSON:
        print_json(response)
        return
    rows = [
        (
            fulfillment_pause.warehouse_id or "everywhere",
            fulfillment_pause.reason,
            fulfillment_pause.paused_by,
            _format_pause_end(fulfillment_pause),
        )
        for fulfillment_pause in pauses
    ]
    print_rows("pauses", ("warehouse", "reason", "by", "until"), rows)


def _format_pause_end(pause: pb.FulfillmentPause) -> str:
    return format_age(pause.expires_at) if pause.HasField("expires_at") else "resumed"


def _build_row(worker: pb.Worker) -> tuple[str, ...]:
    roles = worker.roles
    return (
        worker.worker_id,
        format_enum(pb.WorkerMode.DESCRIPTOR, worker.mode),
        "\n".join(role.role for role in roles),
        "\n".join(_format_role_state(role) for role in roles),
        "\n".join(str(role.epoch) for role in roles),
        "\n".join(format_duration(role.lease_age.ToTimedelta()) if role.active else "-" for role in roles),
        format_age(worker.last_cycle_at) if worker.HasField("last_cycle_at") else "never",
        format_age(worker.heartbeat_at),
        worker.host,
        worker.version,
    )


def _format_role_state(role: pb.WorkerRole) -> str:
    return f"active for {format_duration(role.held_for.ToTimedelta())}" if role.active else "passive"

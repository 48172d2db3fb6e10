"""`wms-orders workers`: who acts, who is to, and whether anything is done at all."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import Limit
from wms_cli.printing import Output, print_json, print_rows
from wms_cli.texts import age, ago, word

_TITLES = (
    "worker",
    "mode",
    "role",
    "standing",
    "epoch",
    "lease age",
    "last cycle",
    "heartbeat",
    "host",
    "version",
)
_Warehouse = Annotated[
    str, typer.Option("--warehouse", "-w", metavar="ID", help="Only this warehouse; else everywhere.")
]

workers = typer.Typer(
    help="See the worker's replicas, say who acts, pause and resume fulfillment.",
    epilog=TOLD,
    no_args_is_help=True,
)


class Mode(StrEnum):
    """Whether a replica takes part in elections."""

    AUTO = "auto"
    PASSIVE = "passive"


@workers.command("list")
@operation
def list_(session: Session, limit: Limit = 0) -> None:
    """Show every replica with its roles and epochs."""
    request = pb.ListWorkersRequest()
    answer = session.all_of(session.fulfillment.ListWorkers, request, "workers", limit)
    if session.output is not Output.TABLE:
        session.show_list(answer, "workers", "worker_id")
    else:
        print_rows("workers", _TITLES, [_row(worker) for worker in answer.workers])


@workers.command("step-down")
@change
def step_down(
    session: Session,
    worker: Annotated[
        str, typer.Argument(metavar="[WORKER]", help="The replica; else whoever holds the role.")
    ] = "",
    role: Annotated[str, typer.Option("--role", "-r", help="fulfillment or relay.")] = "fulfillment",
) -> None:
    """Ask for a role to be handed over; the replica abstains until another one has it."""
    request = pb.StepDownRequest(worker_id=worker, role=role, request_id=session.request_id)
    session.show(session.fulfillment.StepDown(request, **session.told), "worker")


@workers.command("mode")
@change
def mode(
    session: Session,
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="The replica.")],
    mode: Annotated[Mode, typer.Argument(help="auto: it takes a role when it can; passive: it takes none.")],
) -> None:
    """Tell a replica whether to take part in elections, also after a restart."""
    value = pb.WORKER_MODE_AUTO if mode is Mode.AUTO else pb.WORKER_MODE_PASSIVE
    request = pb.SetWorkerModeRequest(worker_id=worker, mode=value, request_id=session.request_id)
    session.show(session.fulfillment.SetWorkerMode(request, **session.told), "worker")


@workers.command("pause")
@change
def pause(
    session: Session,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why; everybody who looks is told.")],
    warehouse: _Warehouse = "",
    minutes: Annotated[
        int | None, typer.Option(min=1, max=525_600, help="End it after so long; else somebody has to.")
    ] = None,
) -> None:
    """Stop new work, in one warehouse or everywhere; orders are still taken in."""
    request = pb.PauseFulfillmentRequest(warehouse_id=warehouse, reason=reason, request_id=session.request_id)
    if minutes:
        request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=minutes))
    answer = session.fulfillment.PauseFulfillment(request, **session.told)
    _show_pauses(session, answer, [answer.pause])


@workers.command("resume")
@change
def resume(
    session: Session,
    warehouse: _Warehouse = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End a pause; prints those that are still in force."""
    request = pb.ResumeFulfillmentRequest(
        warehouse_id=warehouse, reason=reason, request_id=session.request_id
    )
    answer = session.fulfillment.ResumeFulfillment(request, **session.told)
    _show_pauses(session, answer, list(answer.pauses))


def _show_pauses(
    session: Session,
    answer: pb.PauseFulfillmentResponse | pb.ResumeFulfillmentResponse,
    pauses: list[pb.FulfillmentPause],
) -> None:
    if session.output is Output.JSON:
        print_json(answer)
        return
    rows = [(one.warehouse_id or "everywhere", one.reason, one.paused_by, _until(one)) for one in pauses]
    print_rows("pauses", ("warehouse", "reason", "by", "until"), rows)


def _until(pause: pb.FulfillmentPause) -> str:
    return ago(pause.expires_at) if pause.HasField("expires_at") else "somebody resumes"


def _row(worker: pb.Worker) -> tuple[str, ...]:
    roles = worker.roles
    return (
        worker.worker_id,
        word(pb.WorkerMode.DESCRIPTOR, worker.mode),
        "\n".join(role.role for role in roles),
        "\n".join(_standing(role) for role in roles),
        "\n".join(str(role.epoch) for role in roles),
        "\n".join(age(role.lease_age.ToTimedelta()) if role.active else "-" for role in roles),
        ago(worker.last_cycle_at) if worker.HasField("last_cycle_at") else "never",
        ago(worker.heartbeat_at),
        worker.host,
        worker.version,
    )


def _standing(role: pb.WorkerRole) -> str:
    return f"active for {age(role.held_for.ToTimedelta())}" if role.active else "passive"

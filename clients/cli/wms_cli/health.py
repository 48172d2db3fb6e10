"""`wms-orders health`: whether servers and workers are well, why one can't be reached, and who acts."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.diagnosis import Diagnosis
from wms_cli.exits import NO_ANSWER, REFUSED
from wms_cli.failures import problem_of
from wms_cli.operation import Session, operation
from wms_cli.printing import Output, print_rows, write_line
from wms_cli.texts import age

#: What is asked for, and the name that the health service has for it. A process knows some of them.
_CHECKS = {
    "ready": "",
    "alive": "liveness",
    "acts as fulfillment": "wms.orders.worker.fulfillment",
    "acts as relay": "wms.orders.worker.relay",
}
_DEPENDENCIES = ("database", "kafka", "clock")
_ROLES = ("fulfillment", "relay")
#: The trailing metadata of each health check that has the body of the page `/ready`.
_READINESS = "wms-readiness-bin"


@dataclass(frozen=True, slots=True)
class _Report:
    """How a process is; who holds each role, None when it can't tell, as a worker can't; what is wrong.

    `readiness` is the body of its page `/ready`.
    """

    address: str
    reachable: bool
    checks: dict[str, str] = field(default_factory=dict)
    readiness: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] | None = None
    problem: Diagnosis | None = None

    @property
    def is_well(self) -> bool:
        """Whether it is alive and ready, as far as it knows of these."""
        return all(self.checks.get(title, "SERVING") == "SERVING" for title in ("ready", "alive"))


@operation
def health(
    session: Session,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOST:PORT]...", help="Servers and workers; else the one at --address."),
    ] = None,
) -> None:
    """Say whether servers and workers are alive and ready, and who acts.

    Exit code 1 when one is not ready or not alive, 4 when one can't be reached, with why and what to do.
    A worker need not act to be well: one of many does.
    """
    reports = []
    for address in targets or [session.connection.address]:
        with session.at(address) as there:
            reports.append(_ask(there))
    if session.output is Output.JSON:
        targets_json = [asdict(report) for report in reports]
        write_line(json.dumps({"targets": targets_json}, indent=2, ensure_ascii=False))
    else:
        rows = [row for report in reports for row in _rows(report, named=len(reports) > 1)]
        print_rows("checks", ("target", "check", "state", "for", "detail"), rows)
    for report in reports:
        if report.problem:
            what = "can't tell who acts" if report.reachable else "does not answer"
            write_line(f"{report.address} {what}. {report.problem.sentence}", err=True)
    if not all(report.reachable for report in reports):
        raise typer.Exit(NO_ANSWER)
    if not all(report.is_well for report in reports):
        raise typer.Exit(REFUSED)


def _ask(session: Session) -> _Report:
    """Ask one process for all that it knows."""
    connection = session.connection
    checks: dict[str, str] = {}
    readiness: dict[str, Any] = {}
    try:
        for title, service in _CHECKS.items():
            if status := state_of(session, service):
                checks[title] = status
        readiness = _readiness(session)
        return _Report(connection.target, True, checks, readiness, _holders(session))
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        if checks and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            # A worker does not know the call.
            return _Report(connection.target, True, checks, readiness)
        problem = problem_of(error, connection)
        return _Report(connection.target, bool(checks), checks, readiness, problem=problem)


def _rows(report: _Report, *, named: bool) -> list[tuple[str, ...]]:
    """Return the rows of a process, with its address where there are several."""
    readiness, why = report.readiness, {"ready": str(report.readiness.get("reason", ""))}
    rows = [(title, status.lower(), "", why.get(title, "")) for title, status in report.checks.items()]
    rows += [
        _dependency(name, readiness[name]) for name in ("database", "kafka", "clock") if name in readiness
    ]
    if report.problem:
        check, state = ("roles", "unknown") if report.reachable else ("reachable", "no")
        rows.append((check, state, "", report.problem.kind))
    for role in _ROLES if report.roles is not None else ():
        held = (report.roles or {}).get(role)
        rows.append((role, held["workerId"], held["text"], "") if held else (role, "nobody", "", ""))
    return [(report.address if named else "", *row) for row in rows]


def state_of(session: Session, service: str) -> str:
    """Give the name of a state; empty when the process knows nothing of that service."""
    try:
        answer, _ = _check(session, service)
    except grpc.RpcError as error:
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
            return ""
        raise
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def _check(session: Session, service: str) -> tuple[health_pb2.HealthCheckResponse, grpc.Call]:
    # The stubs of this package do not know the methods of a stub.
    stub: Any = health_pb2_grpc.HealthStub(session.channel)
    request = health_pb2.HealthCheckRequest(service=service)
    return stub.Check.with_call(request, timeout=session.connection.deadline)  # type: ignore[no-any-return]


def _readiness(session: Session) -> dict[str, Any]:
    """Return what the page `/ready` of the process says."""
    _, call = _check(session, "")
    metadata: Any = call.trailing_metadata() or ()
    return next((json.loads(value) for name, value in metadata if name == _READINESS), {})


def _dependency(name: str, report: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the row of what the process depends on."""
    since = report.get("since")
    held = _age_of(since) if since else ""
    backlog = f"backlog {report['backlog']}" if "backlog" in report else ""
    return name, report["state"], held, ", ".join(filter(None, (report.get("reason"), backlog)))


def _age_of(time: str) -> str:
    # The clocks of two machines may differ a little.
    return age(max(datetime.now(UTC) - datetime.fromisoformat(time), timedelta(0)))


def _holders(session: Session) -> dict[str, dict[str, Any]]:
    """Return who holds each role."""
    workers = session.fulfillment.ListWorkers(pb.ListWorkersRequest(page_size=200), **session.told).workers
    return {
        role.role: {
            "workerId": worker.worker_id,
            "epoch": role.epoch,
            "heldFor": role.held_for.ToJsonString(),
            "text": age(role.held_for.ToTimedelta()),
        }
        for worker in workers
        for role in worker.roles
        if role.active
    }

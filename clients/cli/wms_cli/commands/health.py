"""`wms-orders health`: state of servers and workers, cause of failed connections, and holders of roles."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.framework.command import CliSession, read_command
from wms_cli.framework.connection_diagnostics import Diagnosis
from wms_cli.framework.errors import diagnose_failure
from wms_cli.framework.exit_codes import NO_ANSWER, REFUSED
from wms_cli.framework.formatting import format_duration
from wms_cli.framework.output import OutputFormat, print_rows, write_line

#: The title of each check and its service name in the health service. A process knows some of them.
_HEALTH_CHECKS = {
    "ready": "",
    "alive": "liveness",
    "acts as fulfillment": "wms.orders.worker.fulfillment",
    "acts as relay": "wms.orders.worker.relay",
}
_DEPENDENCIES = ("database", "kafka", "clock")
_ROLES = ("fulfillment", "relay")
#: The trailing metadata of each health check with the body of the page `/ready`.
_READINESS_KEY = "wms-readiness-bin"


@dataclass(frozen=True, slots=True)
class _ProcessReport:
    """State of a process, and the problem if there is one.

    `readiness` is the body of its page `/ready`. `roles` has the holder of each role; None if the process
    does not know them, as a worker does not.
    """

    address: str
    reachable: bool
    checks: dict[str, str] = field(default_factory=dict)
    readiness: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] | None = None
    problem: Diagnosis | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether all known checks of liveness and readiness succeed."""
        return all(self.checks.get(title, "SERVING") == "SERVING" for title in ("ready", "alive"))


@read_command
def health(
    session: CliSession,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOST:PORT]...", help="Servers and workers; default: --address."),
    ] = None,
) -> None:
    """Show whether servers and workers are alive and ready, and the holders of the roles.

    Exit code 1 if one is not ready or not alive, 4 if one is unreachable, with the cause and the remedy.
    A healthy worker may be passive: only one of many has a role.
    """
    reports = []
    for address in targets or [session.connection.address]:
        with session.with_address(address) as process_session:
            reports.append(_check_process(process_session))
    if session.output is OutputFormat.JSON:
        targets_json = [asdict(report) for report in reports]
        write_line(json.dumps({"targets": targets_json}, indent=2, ensure_ascii=False))
    else:
        rows = [row for report in reports for row in _build_rows(report, with_address=len(reports) > 1)]
        print_rows("checks", ("target", "check", "state", "for", "detail"), rows)
    for report in reports:
        if report.problem:
            problem_text = "can't list the holders of the roles" if report.reachable else "does not answer"
            write_line(f"{report.address} {problem_text}. {report.problem.sentence}", err=True)
    if not all(report.reachable for report in reports):
        raise typer.Exit(NO_ANSWER)
    if not all(report.is_healthy for report in reports):
        raise typer.Exit(REFUSED)


def _check_process(session: CliSession) -> _ProcessReport:
    """Return the report of one process."""
    connection = session.connection
    checks: dict[str, str] = {}
    readiness: dict[str, Any] = {}
    try:
        for title, service in _HEALTH_CHECKS.items():
            if status := read_serving_status(session, service):
                checks[title] = status
        readiness = _read_readiness(session)
        return _ProcessReport(connection.target, True, checks, readiness, _read_role_holders(session))
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        if checks and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            # A worker does not have the call ListWorkers.
            return _ProcessReport(connection.target, True, checks, readiness)
        problem = diagnose_failure(error, connection)
        return _ProcessReport(connection.target, bool(checks), checks, readiness, problem=problem)


def _build_rows(report: _ProcessReport, *, with_address: bool) -> list[tuple[str, ...]]:
    """Return the rows of a process, with its address if there are several processes."""
    readiness, reasons = report.readiness, {"ready": str(report.readiness.get("reason", ""))}
    rows = [(title, status.lower(), "", reasons.get(title, "")) for title, status in report.checks.items()]
    rows += [
        _dependency_row(name, readiness[name]) for name in ("database", "kafka", "clock") if name in readiness
    ]
    if report.problem:
        check, state = ("roles", "unknown") if report.reachable else ("reachable", "no")
        rows.append((check, state, "", report.problem.kind))
    for role in _ROLES if report.roles is not None else ():
        role_holder = (report.roles or {}).get(role)
        rows.append(
            (role, role_holder["workerId"], role_holder["text"], "")
            if role_holder
            else (role, "none", "", "")
        )
    return [(report.address if with_address else "", *row) for row in rows]


def read_serving_status(session: CliSession, service: str) -> str:
    """Return the name of a serving status; empty if the process does not know the service."""
    try:
        response, _ = _call_health_check(session, service)
    except grpc.RpcError as error:
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.NOT_FOUND:
            return ""
        raise
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))


def _call_health_check(session: CliSession, service: str) -> tuple[health_pb2.HealthCheckResponse, grpc.Call]:
    # The type stubs of this package lack the methods of the gRPC stub.
    stub: Any = health_pb2_grpc.HealthStub(session.channel)
    request = health_pb2.HealthCheckRequest(service=service)
    return stub.Check.with_call(request, timeout=session.connection.deadline)  # type: ignore[no-any-return]


def _read_readiness(session: CliSession) -> dict[str, Any]:
    """Return the body of the page `/ready` of the process."""
    _, call = _call_health_check(session, "")
    metadata: Any = call.trailing_metadata() or ()
    return next((json.loads(value) for name, value in metadata if name == _READINESS_KEY), {})


def _dependency_row(name: str, report: dict[str, Any]) -> tuple[str, str, str, str]:
    """Return the row of a dependency of the process."""
    since = report.get("since")
    age_text = _format_age(since) if since else ""
    backlog = f"backlog {report['backlog']}" if "backlog" in report else ""
    return name, report["state"], age_text, ", ".join(filter(None, (report.get("reason"), backlog)))


def _format_age(time: str) -> str:
    # The clocks of two machines may differ a little; an age is never negative.
    return format_duration(max(datetime.now(UTC) - datetime.fromisoformat(time), timedelta(0)))


def _read_role_holders(session: CliSession) -> dict[str, dict[str, Any]]:
    """Return the holder of each role."""
    workers = session.fulfillment.ListWorkers(
        pb.ListWorkersRequest(page_size=200), **session.call_options
    ).workers
    return {
        role.role: {
            "workerId": worker.worker_id,
            "epoch": role.epoch,
            "heldFor": role.held_for.ToJsonString(),
            "text": format_duration(role.held_for.ToTimedelta()),
        }
        for worker in workers
        for role in worker.roles
        if role.active
    }

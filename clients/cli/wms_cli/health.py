"""`wms-orders health`: whether a server or a worker is well, and who acts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.exits import REFUSED
from wms_cli.operation import Session, operation
from wms_cli.printing import Output, print_rows
from wms_cli.texts import age

#: What is asked for, and the name that the health service has for it. A process knows some of them.
_CHECKS = {
    "ready": "",
    "alive": "liveness",
    "acts as fulfillment": "wms.orders.worker.fulfillment",
    "acts as relay": "wms.orders.worker.relay",
}
_ROLES = ("fulfillment", "relay")
#: The trailing metadata of each health check that has the body of the page `/ready`.
_READINESS = "wms-readiness-bin"


@operation
def health(session: Session) -> None:
    """Say whether the process at the address, a server or a worker, is alive and ready, and who acts.

    Exit code 1 when it is not ready or not alive. A worker need not act to be well: one of many does.
    """
    checks = {title: state_of(session, service) for title, service in _CHECKS.items()}
    found = {title: status for title, status in checks.items() if status}
    readiness, holders = _readiness(session), _holders(session)
    if session.output is Output.JSON:
        report = {"checks": found, "readiness": readiness, "roles": holders}
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        why = {"ready": readiness.get("reason", "")}
        rows = [(title, status.lower(), "", why.get(title, "")) for title, status in found.items()]
        rows += [_dependency(name, readiness[name]) for name in ("database", "kafka") if name in readiness]
        rows += [(role, holder, since, "") for role, (holder, since) in _told(holders).items()]
        print_rows("checks", ("check", "state", "for", "detail"), rows)
    if any(found.get(title, "SERVING") != "SERVING" for title in ("ready", "alive")):
        raise typer.Exit(REFUSED)


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


def _holders(session: Session) -> dict[str, dict[str, Any]] | None:
    """Give who holds each role; None when the process can't tell: a worker, or a server without database."""
    try:
        workers = session.fulfillment.ListWorkers(
            pb.ListWorkersRequest(page_size=200), **session.told
        ).workers
    except grpc.RpcError:
        return None
    return {
        role.role: {
            "workerId": worker.worker_id,
            "epoch": role.epoch,
            "heldFor": role.held_for.ToJsonString(),
        }
        | {"text": age(role.held_for.ToTimedelta())}
        for worker in workers
        for role in worker.roles
        if role.active
    }


def _told(holders: dict[str, dict[str, Any]] | None) -> dict[str, tuple[str, str]]:
    if holders is None:
        return {}
    return {
        role: (holders[role]["workerId"], holders[role]["text"]) if role in holders else ("nobody", "")
        for role in _ROLES
    }

"""Errors of calls: hints for operators by reason, and exit codes; error.proto has the advice for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import grpc
import typer
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from wms_cli.framework.connection import Connection
from wms_cli.framework.connection_diagnostics import Diagnosis, diagnose_connection
from wms_cli.framework.exit_codes import INTERRUPTED, NO_ANSWER, NOT_FOUND, REFUSED
from wms_cli.framework.output import write_line

_LIST_ORDERS_HINT = "`wms-orders orders list` lists the orders."
_EXPLAIN_HINT = "`wms-orders orders explain ORDER` shows its status and the calls that are legal now."
_RETRY_LATER_HINT = "Try again later; with the same --request-id the change is made only once."
_CORRECT_REQUEST_HINT = "Correct the fields above; an unchanged repetition fails again."

ERROR_HINTS: Final = {
    "INVALID_REQUEST": _CORRECT_REQUEST_HINT,
    "MALFORMED_MESSAGE": "This command and the server may have different versions.",
    "TIME_IN_FUTURE": "Check the clock of this machine.",
    "MESSAGE_TOO_LARGE": "Send less at once.",
    "RESPONSE_TOO_LARGE": "Nothing was changed. Ask for fewer orders at once.",
    "REQUEST_ID_REUSED": "Nothing was changed. Leave out --request-id to get a new one.",
    "ETAG_MISMATCH": "Another call changed the order. `wms-orders orders get ORDER` shows it; decide again.",
    "ORDER_NOT_FOUND": _LIST_ORDERS_HINT,
    "ORDER_ALREADY_EXISTS": "`wms-orders orders get ORDER` shows the order; it may be the intended one.",
    "ORDER_STATUS_CONFLICT": _EXPLAIN_HINT,
    "NOTHING_TO_SHIP": "`wms-orders backorders list --order ORDER` lists the missing units.",
    "BACKORDER_OPEN": "Wait for the goods, or cancel it with `wms-orders backorders cancel BACKORDER`.",
    "UNITS_NOT_SHIPPED": "Ship them first with `wms-orders orders ship ORDER`.",
    "BACKORDER_NOT_FOUND": "`wms-orders backorders list` lists the backorders.",
    "BACKORDER_STATUS_CONFLICT": "Nothing to do: the backorder is fulfilled.",
    "DEAD_LETTER_ENTRY_NOT_FOUND": "`wms-orders dlq list` lists the entries.",
    "DEAD_LETTER_ALREADY_RESOLVED": "Another call resolved it first: `wms-orders dlq show ORDER`.",
    "RUN_NOT_FOUND": "`wms-orders runs list` lists the stored runs.",
    "NO_ACTIVE_WORKER": "Start a worker, or let one take roles: `wms-orders workers mode WORKER auto`.",
    "FULFILLMENT_PAUSED": "`wms-orders workers resume` ends the pause; ask the operator who made it first.",
    "WORKER_NOT_FOUND": "`wms-orders workers list` lists the replicas.",
    "ROLE_NOT_FOUND": "The roles are fulfillment and relay; `wms-orders workers list` shows their holders.",
    "WAREHOUSE_NOT_FOUND": "`wms-orders lanes` and `wms-orders destinations` show the warehouses.",
    "PARKED_EVENT_NOT_FOUND": "`wms-orders events parked` lists the parked events; it may be released.",
    "POSITION_NOT_KEPT": "Watch from --position 0 (the oldest stored event), or from now without --position.",
    "EVENT_TOO_LARGE": "Nothing was changed. Send fewer items or shorter texts.",
    "CONCURRENT_CHANGE": "Nothing was changed. Try again.",
    "DATABASE_UNAVAILABLE": f"The server runs, but its database is not available. {_RETRY_LATER_HINT}",
    "OVERLOADED": f"Nothing was changed. {_RETRY_LATER_HINT}",
    "DEADLINE_EXCEEDED": "Allow more time with --deadline SECONDS, and use the same --request-id.",
    "SHUTTING_DOWN": f"The server is shutting down; another one may answer. {_RETRY_LATER_HINT}",
    "NOT_IMPLEMENTED": "The server may be older, or its reflection may be off (REFLECTION_ENABLED).",
    "UNAUTHENTICATED": "Give a client certificate that the server trusts with --cert and --key.",
    "PERMISSION_DENIED": "Ask the operators of the service for the permission.",
    "INTERNAL": "Report the id above: it is in the server's log.",
}


_STATUS_DETAILS_KEY = "grpc-status-details-bin"
# `orders watch` cancels a silent stream itself, hence CANCELLED.
_UNREACHABLE_STATUS_CODES = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)
# The codes that a channel itself reports if the other side does not speak gRPC.
_NOT_GRPC_STATUS_CODES = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
_OUTCOME_UNKNOWN_MESSAGE = (
    "It is unknown whether the change was made. To repeat it safely, add --request-id {}"
)
_OTHER_SERVER_HINT = "To use another server, set --address or SERVER_ADDR."


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A failed call, with the words of the contract."""

    code: str
    message: str
    reason: str = ""  # a value of ErrorReason without its prefix; empty when the service did not answer
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()  # field and description

    def format_lines(self) -> list[str]:
        """Return the error, each invalid field, and the hint, one a line."""
        summary = "these fields are invalid" if self.violations else self.message
        output_lines = [f"{self.reason or self.code}: {summary}"]
        output_lines += [f"  {name}: {description}" for name, description in self.violations]
        if error_hint := ERROR_HINTS.get(self.reason):
            output_lines.append(error_hint)
        return output_lines


def parse_failure(error: grpc.Call) -> CallFailure:
    """Parse the error of a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_DETAILS_KEY and isinstance(value, bytes):
            return parse_status(Status.FromString(value))
    return CallFailure(error.code().name, error.details() or "")


def parse_status(status: Status) -> CallFailure:
    """Parse an error in a message, such as that of a single order of a batch."""
    info, bad_request = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    return CallFailure(
        _STATUS_CODE_NAMES.get(status.code, str(status.code)),
        status.message,
        info.reason,
        dict(info.metadata),
        tuple((violation.field, violation.description) for violation in bad_request.field_violations),
    )


def exit_code_of(code: grpc.StatusCode) -> int:
    """Return the exit code for a gRPC status code."""
    if code in _UNREACHABLE_STATUS_CODES:
        return NO_ANSWER
    return NOT_FOUND if code is grpc.StatusCode.NOT_FOUND else REFUSED


@contextmanager
def exit_on_failure(connection: Connection, request_id: str = "") -> Iterator[None]:
    """Print a failed call with a hint, and exit with its code.

    Ctrl-C during a change prints the request id: a repetition without it would make the change twice.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not request_id:
            raise
        write_line(_OUTCOME_UNKNOWN_MESSAGE.format(request_id), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        raise typer.Exit(print_failure(error, connection, request_id)) from None


def diagnose_failure(error: grpc.Call, connection: Connection) -> Diagnosis:
    """Return the diagnosis of a failed health check."""
    failure = parse_failure(error)
    if failure.reason:
        return Diagnosis(failure.reason, " ".join(failure.format_lines()))
    if error.code() in (*_UNREACHABLE_STATUS_CODES, *_NOT_GRPC_STATUS_CODES):
        return diagnose_connection(connection)
    return Diagnosis(failure.code, f"{failure.message}: check that this is a server or a worker.")


def print_failure(error: grpc.Call, connection: Connection, request_id: str = "") -> int:
    """Print a failed call to standard error. Return the exit code."""
    failure, code = parse_failure(error), exit_code_of(error.code())
    if failure.reason:
        lines = failure.format_lines()
    elif error.code() is grpc.StatusCode.UNIMPLEMENTED:
        lines = [
            f"{connection.target} does not have this call: it may be an older server, or a worker.",
            _OTHER_SERVER_HINT,
        ]
    elif error.code() in (*_UNREACHABLE_STATUS_CODES, *_NOT_GRPC_STATUS_CODES):
        code = NO_ANSWER
        lines = [
            f"{connection.target} does not answer. {diagnose_connection(connection).sentence}",
            _OTHER_SERVER_HINT,
        ]
        lines.append(f"({failure.code}: {failure.message})")
    else:
        lines = failure.format_lines()
    if code == NO_ANSWER and request_id:
        lines.append(_OUTCOME_UNKNOWN_MESSAGE.format(request_id))
    write_line("\n".join(lines), err=True)
    return code


_STATUS_CODE_NAMES = {number: code.name for code in grpc.StatusCode for number in [code.value[0]]}

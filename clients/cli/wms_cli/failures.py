"""What to say, and how to exit, when a call fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import typer
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from wms_cli.advice import NEXT
from wms_cli.connection import Connection
from wms_cli.diagnosis import Diagnosis, diagnose
from wms_cli.exits import INTERRUPTED, NO_ANSWER, NOT_THERE, REFUSED
from wms_cli.printing import write_line

_DETAILS = "grpc-status-details-bin"
# The last one is ours: a stream on which nothing was heard is given up.
_SILENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
# What a channel says by itself when the server is none that it understands.
_FOREIGN = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
_UNKNOWN = "Whether it was done is not known. Again, safely: --request-id {}"
_OTHER = "Another server is named by --address or SERVER_ADDR."


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call in the terms of the contract."""

    code: str
    message: str
    reason: str = ""  # a value of ErrorReason without its prefix; empty when the service did not answer
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()  # field and fault

    def lines(self) -> list[str]:
        """Say what failed, each field that is at fault, and what to do next."""
        what = "these fields are at fault" if self.violations else self.message
        told = [f"{self.reason or self.code}: {what}"]
        told += [f"  {name}: {fault}" for name, fault in self.violations]
        if advice := NEXT.get(self.reason):
            told.append(advice)
        return told


def failure_of(error: grpc.Call) -> Failure:
    """Read a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            return failure_of_status(Status.FromString(value))
    return Failure(error.code().name, error.details() or "")


def failure_of_status(status: Status) -> Failure:
    """Read a failure that came as a message, as those of single orders of a batch do."""
    info, faults = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(faults)
    return Failure(
        _NAMES.get(status.code, str(status.code)),
        status.message,
        info.reason,
        dict(info.metadata),
        tuple((one.field, one.description) for one in faults.field_violations),
    )


def exit_code(code: grpc.StatusCode) -> int:
    """Give the exit code for a code of gRPC."""
    if code in _SILENT:
        return NO_ANSWER
    return NOT_THERE if code is grpc.StatusCode.NOT_FOUND else REFUSED


@contextmanager
def failures_told(connection: Connection, request_id: str = "") -> Iterator[None]:
    """Turn a failed call into sentences with what to do next, and an exit code.

    Ctrl-C ends a change with its request id, without which a repetition would make the change twice.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not request_id:
            raise
        write_line(_UNKNOWN.format(request_id), err=True)
        raise typer.Exit(INTERRUPTED) from None
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        raise typer.Exit(tell(error, connection, request_id)) from None


def problem_of(error: grpc.Call, connection: Connection) -> Diagnosis:
    """Say why a process did not say how it is."""
    failure = failure_of(error)
    if failure.reason:
        return Diagnosis(failure.reason, " ".join(failure.lines()))
    if error.code() in (*_SILENT, *_FOREIGN):
        return diagnose(connection)
    return Diagnosis(failure.code, f"{failure.message}: see that this is a server or a worker.")


def tell(error: grpc.Call, connection: Connection, request_id: str = "") -> int:
    """Say on standard error what failed; gives the exit code."""
    failure, code = failure_of(error), exit_code(error.code())
    if failure.reason:
        lines = failure.lines()
    elif error.code() is grpc.StatusCode.UNIMPLEMENTED:
        lines = [f"{connection.target} does not know this call: is it an older server, or a worker?", _OTHER]
    elif error.code() in (*_SILENT, *_FOREIGN):
        code = NO_ANSWER
        lines = [f"{connection.target} does not answer. {diagnose(connection).sentence}", _OTHER]
        lines.append(f"({failure.code}: {failure.message})")
    else:
        lines = failure.lines()
    if code == NO_ANSWER and request_id:
        lines.append(_UNKNOWN.format(request_id))
    write_line("\n".join(lines), err=True)
    return code


_NAMES = {number: code.name for code in grpc.StatusCode for number in [code.value[0]]}

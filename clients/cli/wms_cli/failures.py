"""What to say, and how to exit, when a call fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import typer
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

#: Exit codes: 2 is typer's own, for a command line that can't be read.
REFUSED, NOT_THERE, UNREACHABLE = 1, 3, 4

_STATUS = "grpc-status-details-bin"
_NEXT = {
    "WORKER_NOT_FOUND": "`wms-orders workers list` shows who is there.",
    "ROLE_NOT_FOUND": "The roles are fulfillment and relay; `wms-orders workers list` shows who holds which.",
    "NO_ACTIVE_WORKER": "Nobody holds it: start a worker, or `wms-orders workers mode ID auto` for one.",
    "WAREHOUSE_NOT_FOUND": "See that the id of the warehouse is written as in its lanes and destinations.",
}
_CODES = {
    grpc.StatusCode.UNAVAILABLE: UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: UNREACHABLE,
    grpc.StatusCode.NOT_FOUND: NOT_THERE,
}


@contextmanager
def failures_told(target: str) -> Iterator[None]:
    """Turn a failed call into a sentence with what to do next, and an exit code."""
    try:
        yield
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        code = error.code()
        exit_code = _CODES.get(code, REFUSED)
        if exit_code == UNREACHABLE:
            typer.echo(f"The server at {target} does not answer ({code.name}): {error.details()}", err=True)
            typer.echo("See that it runs, or name another one by --server or SERVER_ADDR.", err=True)
        else:
            typer.echo(f"{code.name}: {error.details()}", err=True)
            if advice := _NEXT.get(_reason(error)):
                typer.echo(advice, err=True)
        raise typer.Exit(exit_code) from None


def _reason(error: grpc.Call) -> str:
    """Give the reason for machines; empty when the answer has none."""
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS and isinstance(value, bytes):
            info = ErrorInfo()
            for detail in Status.FromString(value).details:
                if detail.Unpack(info):
                    return str(info.reason)
    return ""

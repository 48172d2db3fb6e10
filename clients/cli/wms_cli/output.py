"""What is printed: a table for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wms.orders.v1 import fulfillment_pb2 as pb

#: What stands in a table.
Cell: TypeAlias = str | Text
_WORKER = (
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


class Output(StrEnum):
    """The form of what is printed."""

    TABLE = "table"  # for people
    JSON = "json"  # the messages as the protos' JSON, for programs


def show_workers(workers: Sequence[pb.Worker], output: Output) -> None:
    """Print replicas with their part in each role."""
    now = datetime.now(UTC)
    rows = [_worker(worker, now) for worker in workers]
    _show("workers", workers, _WORKER, rows, output)


def show_pauses(pauses: Sequence[pb.FulfillmentPause], output: Output) -> None:
    """Print pauses."""
    rows = [
        (pause.warehouse_id or "everywhere", pause.reason, pause.paused_by, _until(pause)) for pause in pauses
    ]
    _show("pauses", pauses, ("warehouse", "reason", "by", "until"), rows, output)


def _worker(worker: pb.Worker, now: datetime) -> tuple[Cell, ...]:
    roles = worker.roles
    return (
        worker.worker_id,
        pb.WorkerMode.Name(worker.mode).removeprefix("WORKER_MODE_").lower(),
        Text("\n").join(Text(role.role, "bold green" if role.active else "") for role in roles),
        Text("\n").join(_standing(role) for role in roles),
        "\n".join(str(role.epoch) for role in roles),
        "\n".join(_age(role.lease_age.ToTimedelta()) if role.active else "" for role in roles),
        _ago(worker.last_cycle_at, now) if worker.HasField("last_cycle_at") else "never",
        _ago(worker.heartbeat_at, now),
        worker.host,
        worker.version,
    )


def _standing(role: pb.WorkerRole) -> Text:
    if not role.active:
        return Text("passive")
    return Text(f"active for {_age(role.held_for.ToTimedelta())}", "bold green")


def _ago(moment: Timestamp, now: datetime) -> str:
    """Tell how long ago by this machine's clock, which may be a little behind the server's."""
    return _age(max(now - moment.ToDatetime(tzinfo=UTC), timedelta())) + " ago"


def _age(length: timedelta) -> str:
    """Give a length in one unit that people can take in."""
    seconds = length.total_seconds()
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _until(pause: pb.FulfillmentPause) -> str:
    return pause.expires_at.ToJsonString() if pause.HasField("expires_at") else "somebody resumes"


def _show(
    name: str,
    messages: Iterable[Message],
    titles: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    output: Output,
) -> None:
    if output is Output.JSON:
        found = [MessageToDict(one, always_print_fields_with_no_presence=True) for one in messages]
        typer.echo(json.dumps({name: found}, indent=2))
    elif not rows:
        typer.echo(f"No {name}.")
    else:
        table = Table(*titles)
        for row in rows:
            table.add_row(*row)
        # What is read by a program or goes to a file is not broken to the width of no window.
        console = Console(markup=False, emoji=False)
        Console(markup=False, emoji=False, width=None if console.is_terminal else 200).print(table)

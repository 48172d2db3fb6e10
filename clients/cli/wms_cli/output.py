"""What is printed: a table for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

from wms.orders.v1 import fulfillment_pb2 as pb


class Output(StrEnum):
    """The form of what is printed."""

    TABLE = "table"  # for people
    JSON = "json"  # the messages as the protos' JSON, for programs


def show_workers(workers: Sequence[pb.Worker], output: Output) -> None:
    """Print replicas with their part in each role."""
    rows = [_worker(worker) for worker in workers]
    _show("workers", workers, ("worker", "mode", "roles", "heartbeat", "host", "version"), rows, output)


def show_pauses(pauses: Sequence[pb.FulfillmentPause], output: Output) -> None:
    """Print pauses."""
    rows = [
        (pause.warehouse_id or "everywhere", pause.reason, pause.paused_by, _until(pause)) for pause in pauses
    ]
    _show("pauses", pauses, ("warehouse", "reason", "by", "until"), rows, output)


def _worker(worker: pb.Worker) -> tuple[str, ...]:
    roles = "\n".join(
        f"{role.role}: {'active' if role.active else 'passive'}, epoch {role.epoch}" for role in worker.roles
    )
    mode = pb.WorkerMode.Name(worker.mode).removeprefix("WORKER_MODE_").lower()
    heartbeat = worker.heartbeat_at.ToJsonString()
    return worker.worker_id, mode, roles, heartbeat, worker.host, worker.version


def _until(pause: pb.FulfillmentPause) -> str:
    return pause.expires_at.ToJsonString() if pause.HasField("expires_at") else "somebody resumes"


def _show(
    name: str,
    messages: Iterable[Message],
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
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

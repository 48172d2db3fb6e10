"""`wms-orders import FILE`."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import grpc
import typer

from wms_cli.exits import IN_PART, INTERRUPTED, NO_ANSWER, REFUSED
from wms_cli.failures import tell
from wms_cli.imports.lines import lines_of
from wms_cli.imports.meter import Meter
from wms_cli.imports.progress import CannotGoOn, Journal, Progress
from wms_cli.imports.reading import Batch, batches_of
from wms_cli.imports.sending import Fate, GaveUp, Outcome, Sender
from wms_cli.operation import Session, operation
from wms_cli.printing import Output, print_rows, write_line


@dataclass(frozen=True, slots=True)
class _Terms:
    """How the command was asked to import."""

    currency: str
    batch_size: int
    patience: float


@operation
def import_(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, help="JSON lines, an order each."
        ),
    ],
    currency: Annotated[str, typer.Option(help="The currency of plain prices (ISO 4217).")] = "USD",
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, max=500, metavar="N", help="Orders that are sent at once.")
    ] = 100,
    patience: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long to wait for a server that is away or busy."),
    ] = 60.0,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Where progress and rejects go; else beside FILE.",
        ),
    ] = None,
) -> None:
    """Create the orders of a file, each once: after an end of any kind, the same command goes on.

    A line is an order as `orders create --file` takes it. FILE.progress.json tells how far it has come,
    FILE.rejects.jsonl has each line that was refused, with its number and the reason: exit code 5.
    """
    try:
        with file.open("rb") as opened, Journal(file, state_dir or file.parent) as journal:
            progress = journal.begin(hashlib.file_digest(opened, "sha256").hexdigest())
            if progress.done:
                write_line("Nothing is left to do: all of this file was imported before.", err=True)
            else:
                _go_on(session, opened, journal, progress, _Terms(currency, batch_size, patience))
    except CannotGoOn as error:
        write_line(str(error), err=True)
        raise typer.Exit(REFUSED) from None
    except OSError as error:
        write_line(f"{error.filename or file}: {error.strerror}", err=True)
        raise typer.Exit(REFUSED) from None
    _show(session.output, progress, journal)
    if progress.rejected:
        raise typer.Exit(IN_PART)


def _go_on(session: Session, file: BinaryIO, journal: Journal, progress: Progress, terms: _Terms) -> None:
    """Import what is left. Leaves the command when it can't be done to the end."""
    size, code = file.seek(0, 2), NO_ANSWER
    file.seek(progress.offset)
    try:
        with Meter(size, progress) as meter:
            sender = Sender(session, terms.patience, meter.waiting)
            lines = lines_of(file, progress.line)
            for batch in batches_of(lines, progress.digest, terms.currency, terms.batch_size):
                outcomes = [*batch.broken, *sender.send(batch.asked)]
                _count(progress, batch, outcomes)
                journal.keep(progress, _rejects(outcomes))
                meter.at(progress)
        progress.done = True
        journal.keep(progress, ())
    except KeyboardInterrupt:
        code = INTERRUPTED
    except GaveUp as error:
        write_line(str(error), err=True)
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        code = tell(error, session.connection)
    if not progress.done:
        # What was counted last may not be written down.
        write_line(f"{journal.lines} lines are done; the same command goes on from there.", err=True)
        raise typer.Exit(code)


def _count(progress: Progress, batch: Batch, outcomes: Iterable[Outcome]) -> None:
    """Note that all lines of a batch are done."""
    assert batch.last is not None
    fates = [outcome.fate for outcome in outcomes]
    progress.offset, progress.line = batch.last.end, batch.last.number
    progress.blank += batch.blank
    progress.created += fates.count(Fate.CREATED)
    progress.already_there += fates.count(Fate.ALREADY_THERE)
    progress.rejected += fates.count(Fate.REJECTED)


def _rejects(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Give what is kept of each rejected line, in the order of the lines."""
    return [
        {
            "line": outcome.line.number,
            "reason": outcome.failure.reason or outcome.failure.code,
            "message": outcome.failure.message,
            "violations": dict(outcome.failure.violations),
            "original": outcome.line.readable,
        }
        for outcome in sorted(outcomes, key=lambda one: one.line.number)
        if outcome.failure is not None
    ]


def _show(output: Output, progress: Progress, journal: Journal) -> None:
    """Print what became of the file."""
    rejects = str(journal.rejects_file) if progress.rejected else ""
    if output is Output.JSON:
        facts = {
            name: value for name, value in asdict(progress).items() if name not in ("offset", "rejects_size")
        }
        write_line(json.dumps({**facts, "rejects": rejects}, indent=2))
        return
    counts = (progress.line, progress.created, progress.already_there, progress.rejected, progress.blank)
    titles = ("lines", "created", "already there", "rejected", "blank")
    print_rows("lines", titles, [[str(count) for count in counts]])
    if rejects:
        write_line(f"The rejected lines, each with its reason: {rejects}", err=True)

"""`wms-orders import FILE`."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import grpc
import typer

from wms_cli.bulk_import.checkpoint import Checkpoint, CheckpointStore, ImportNotResumable
from wms_cli.bulk_import.lines import read_lines
from wms_cli.bulk_import.progress_bar import ImportProgressBar
from wms_cli.bulk_import.reader import ImportBatch, build_batches
from wms_cli.bulk_import.sender import BatchSender, LineOutcome, LineStatus, RetryTimeoutExceeded
from wms_cli.framework.command import CliSession, read_command
from wms_cli.framework.errors import print_failure
from wms_cli.framework.exit_codes import INTERRUPTED, NO_ANSWER, PARTLY_DONE, REFUSED
from wms_cli.framework.output import OutputFormat, print_rows, write_line


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options of the command; prices without a currency are in `currency`."""

    currency: str
    batch_size: int
    retry_timeout_seconds: float


@read_command
def import_(
    session: CliSession,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, help="JSON lines, one order a line."
        ),
    ],
    currency: Annotated[str, typer.Option(help="The currency of plain prices (ISO 4217).")] = "USD",
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, max=500, metavar="N", help="Orders in one call.")
    ] = 100,
    patience: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="How long to wait for an unavailable or overloaded server."
        ),
    ] = 60.0,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of the checkpoint and the rejects; default: beside FILE.",
        ),
    ] = None,
) -> None:
    """Create the orders of a file, each exactly once; after an interruption the same command resumes.

    A line is an order in the format of `orders create --file`. FILE.progress.json is the checkpoint.
    FILE.rejects.jsonl has each rejected line with its number and the reason; the exit code is 5 then.
    """
    try:
        with (
            file.open("rb") as import_file,
            CheckpointStore(file, state_dir or file.parent) as checkpoint_store,
        ):
            checkpoint = checkpoint_store.load_checkpoint(
                hashlib.file_digest(import_file, "sha256").hexdigest()
            )
            if checkpoint.done:
                write_line("Nothing to do: this file was imported completely before.", err=True)
            else:
                _import_remaining(
                    session,
                    import_file,
                    checkpoint_store,
                    checkpoint,
                    ImportOptions(currency, batch_size, patience),
                )
    except ImportNotResumable as error:
        write_line(str(error), err=True)
        raise typer.Exit(REFUSED) from None
    except OSError as error:
        write_line(f"{error.filename or file}: {error.strerror}", err=True)
        raise typer.Exit(REFUSED) from None
    _print_summary(session.output, checkpoint, checkpoint_store)
    if checkpoint.rejected:
        raise typer.Exit(PARTLY_DONE)


def _import_remaining(
    session: CliSession,
    file: BinaryIO,
    checkpoint_store: CheckpointStore,
    checkpoint: Checkpoint,
    import_options: ImportOptions,
) -> None:
    """Import the remaining lines. Raises typer.Exit when it can't complete them."""
    size, exit_code = file.seek(0, 2), NO_ANSWER
    file.seek(checkpoint.offset)
    try:
        with ImportProgressBar(size, checkpoint) as progress_bar:
            sender = BatchSender(session, import_options.retry_timeout_seconds, progress_bar.show_waiting)
            lines = read_lines(file, checkpoint.line)
            for batch in build_batches(
                lines, checkpoint.digest, import_options.currency, import_options.batch_size
            ):
                outcomes = [*batch.rejected_lines, *sender.send(batch.import_items)]
                _update_checkpoint(checkpoint, batch, outcomes)
                checkpoint_store.save_checkpoint(checkpoint, _format_rejects(outcomes))
                progress_bar.show_progress(checkpoint)
        checkpoint.done = True
        checkpoint_store.save_checkpoint(checkpoint, ())
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except RetryTimeoutExceeded as error:
        write_line(str(error), err=True)
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        exit_code = print_failure(error, session.connection)
    if not checkpoint.done:
        # The counts in memory may be ahead of the saved checkpoint.
        write_line(
            f"{checkpoint_store.completed_lines} lines are done; the same command resumes after them.",
            err=True,
        )
        raise typer.Exit(exit_code)


def _update_checkpoint(checkpoint: Checkpoint, batch: ImportBatch, outcomes: Iterable[LineOutcome]) -> None:
    """Count all lines of a batch as done."""
    assert batch.last_line is not None
    line_statuses = [outcome.status for outcome in outcomes]
    checkpoint.offset, checkpoint.line = batch.last_line.end_offset, batch.last_line.number
    checkpoint.blank += batch.blank_lines
    checkpoint.created += line_statuses.count(LineStatus.CREATED)
    checkpoint.already_there += line_statuses.count(LineStatus.ALREADY_THERE)
    checkpoint.rejected += line_statuses.count(LineStatus.REJECTED)


def _format_rejects(outcomes: Iterable[LineOutcome]) -> list[dict[str, Any]]:
    """Return the record of each rejected line, in the order of the lines."""
    return [
        {
            "line": outcome.line.number,
            "reason": outcome.failure.reason or outcome.failure.code,
            "message": outcome.failure.message,
            "violations": dict(outcome.failure.violations),
            "original": outcome.line.readable_text,
        }
        for outcome in sorted(outcomes, key=lambda line_outcome: line_outcome.line.number)
        if outcome.failure is not None
    ]


def _print_summary(output: OutputFormat, checkpoint: Checkpoint, checkpoint_store: CheckpointStore) -> None:
    """Print the counts of the import and the path of the rejects."""
    rejects = str(checkpoint_store.rejects_file) if checkpoint.rejected else ""
    if output is OutputFormat.JSON:
        json_fields = {
            name: value
            for name, value in asdict(checkpoint).items()
            if name not in ("offset", "rejects_size")
        }
        write_line(json.dumps({**json_fields, "rejects": rejects}, indent=2))
        return
    counts = (
        checkpoint.line,
        checkpoint.created,
        checkpoint.already_there,
        checkpoint.rejected,
        checkpoint.blank,
    )
    titles = ("lines", "created", "already there", "rejected", "blank")
    print_rows("lines", titles, [[str(count) for count in counts]])
    if rejects:
        write_line(f"Rejected lines with their reasons: {rejects}", err=True)

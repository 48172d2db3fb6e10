"""Progress of an import on standard error: a bar on a terminal, otherwise a line every 10 s."""

import time
from typing import Self

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from wms_cli.bulk_import.checkpoint import Checkpoint
from wms_cli.framework.output import create_console, write_line

_LINE_INTERVAL_SECONDS = 10.0


class ImportProgressBar:
    """Shows completed lines, the rate of this run and the remaining time; `size` is in bytes of the file."""

    def __init__(self, size: int, checkpoint: Checkpoint) -> None:
        self._console = create_console(stderr=True)
        self._first_line, self._started_at, self._last_printed_at = (
            checkpoint.line,
            time.monotonic(),
            time.monotonic(),
        )
        self._bar = Bar(
            TaskProgressColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=max(size, 1), completed=checkpoint.offset)
        if checkpoint.line:
            write_line(f"Resuming after line {checkpoint.line}.", err=True)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._bar.stop()

    def show_progress(self, checkpoint: Checkpoint) -> None:
        """Show the progress up to a checkpoint."""
        text = f"line {checkpoint.line}, {self._lines_per_second(checkpoint)}/s"
        self._bar.update(self._task, completed=checkpoint.offset, description=text)
        if (
            not self._console.is_terminal
            and time.monotonic() - self._last_printed_at > _LINE_INTERVAL_SECONDS
        ):
            self._last_printed_at = time.monotonic()
            write_line(text, err=True)

    def show_waiting(self, cause: str) -> None:
        """Show that the import waits, and why."""
        self._bar.update(self._task, description=f"waiting: {cause}")
        if not self._console.is_terminal:
            write_line(f"Waiting: {cause}", err=True)

    def _lines_per_second(self, checkpoint: Checkpoint) -> int:
        return round((checkpoint.line - self._first_line) / max(time.monotonic() - self._started_at, 0.001))

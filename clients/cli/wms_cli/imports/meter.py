"""How an import goes, on standard error: a bar on a terminal, else a line now and then."""

import time
from typing import Self

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from wms_cli.imports.progress import Progress
from wms_cli.printing import new_console, write_line

_EVERY = 10.0


class Meter:
    """Shows lines done, the rate of those of this run, and the time that is left."""

    def __init__(self, size: int, progress: Progress) -> None:
        """Begin at what has been done; `size` is the file's, in bytes."""
        self._console = new_console(stderr=True)
        self._first, self._began, self._told = progress.line, time.monotonic(), time.monotonic()
        self._bar = Bar(
            TaskProgressColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=max(size, 1), completed=progress.offset)
        if progress.line:
            write_line(f"Going on after line {progress.line}.", err=True)

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._bar.stop()

    def at(self, progress: Progress) -> None:
        """Show how far it has come."""
        text = f"line {progress.line}, {self._rate(progress)}/s"
        self._bar.update(self._task, completed=progress.offset, description=text)
        if not self._console.is_terminal and time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            write_line(text, err=True)

    def waiting(self, cause: str) -> None:
        """Say that nothing goes on at the moment."""
        self._bar.update(self._task, description=f"waits: {cause}")
        if not self._console.is_terminal:
            write_line(f"Waiting: {cause}", err=True)

    def _rate(self, progress: Progress) -> int:
        return round((progress.line - self._first) / max(time.monotonic() - self._began, 0.001))

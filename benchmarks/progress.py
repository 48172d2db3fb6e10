"""Progress of a benchmark on the console."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class PhaseProgress:
    """Shows a bar for each phase; without a terminal, a line at the end of each."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress

    @contextmanager
    def show_phase(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a phase with a total. Yield a function that advances the count."""
        task = self._progress.add_task(name, total=total)
        yield lambda count: self._progress.advance(task, count)
        self._progress.update(task, completed=total)
        if not self._console.is_terminal:
            self._console.print(f"{name}: {total:,}")


@contextmanager
def open_phase_progress(console: Console) -> Iterator[PhaseProgress]:
    """Show the progress during the block."""
    columns = (
        TextColumn("{task.description:<42}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield PhaseProgress(console, progress)

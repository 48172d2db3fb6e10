"""What one sees while the orders are on their way: a live picture in a terminal, else a line now and then."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from wms.orders.v1 import order_pb2
from wms_dev.demo.snapshot import STATUSES, Snapshot

LINE_SECONDS = 2.0
RATE_SECONDS = 5.0
BAR_WIDTH = 30
STYLES = {"completed": "green", "waiting for retry": "yellow", "dead letter": "red"}


class View(Protocol):
    """Where snapshots are shown, while entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        """Show how the orders stand."""


def new_view(console: Console, title: str) -> View:
    """The view for this console."""
    return LiveView(console, title) if console.is_terminal else LineView(console)


class Rate:
    """Orders that leave the house a second, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def after(self, snapshot: Snapshot) -> float:
        """The rate, with this snapshot taken in."""
        self._seen.append((snapshot.taken_at, snapshot.shipped))
        while snapshot.taken_at - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (snapshot.shipped - before) / (snapshot.taken_at - since) if len(self._seen) > 1 else 0.0


class LineView:
    """A line of plain text every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rate = Rate()
        self._began = time.monotonic()
        self._last_line = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        """Print it, unless the line before is fresh and there is more to come."""
        rate = self._rate.after(snapshot)
        if snapshot.taken_at - self._last_line < LINE_SECONDS and not snapshot.is_settled:
            return
        self._last_line = snapshot.taken_at
        counts = ", ".join(f"{STATUSES[status]} {count}" for status, count in _sorted(snapshot))
        elapsed = snapshot.taken_at - self._began
        line = f"{elapsed:6.1f} s  {counts or 'no orders yet'} ({rate:.1f} shipped/s)"
        self._console.print(line, soft_wrap=True)


class LiveView:
    """A table of the statuses, what is waited for, and a progress bar with rate and time."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._rate = Rate()
        self._progress = Progress(
            TextColumn("done or decided"),
            BarColumn(BAR_WIDTH),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.1f} shipped/s"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("orders", rate=0.0)
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Draw it in place of the one before."""
        self._progress.update(
            self._task,
            completed=snapshot.settled,
            total=snapshot.expected,
            rate=self._rate.after(snapshot),
        )
        self._live.update(Group(self._table(snapshot), self._progress, _notes(snapshot)), refresh=True)

    def _table(self, snapshot: Snapshot) -> Table:
        table = Table(title=self._title, title_justify="left")
        table.add_column("status")
        table.add_column("orders", justify="right")
        table.add_column("", width=BAR_WIDTH)
        counts = snapshot.by_status
        for status, word in STATUSES.items():
            bar = "█" * round(BAR_WIDTH * counts[status] / max(snapshot.expected, 1))
            table.add_row(
                word, str(counts[status]), bar, style=STYLES.get(word, "") if counts[status] else "dim"
            )
        return table


def _notes(snapshot: Snapshot) -> str:
    waiting = ", ".join(f"{reason} {count}" for reason, count in snapshot.waiting.most_common(3))
    return f"failures counted {snapshot.failures}   waiting for: {waiting or 'nothing'}"


def _sorted(snapshot: Snapshot) -> list[tuple[order_pb2.OrderStatus.ValueType, int]]:
    counts = snapshot.by_status
    return [(status, counts[status]) for status in STATUSES if counts[status]]

"""Progress of the orders: a live table in a terminal, otherwise a line every two seconds."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from wms.orders.v1 import order_pb2
from wms_dev.demo.snapshot import STATUSES, OrdersSnapshot

LINE_SECONDS = 2.0
RATE_SECONDS = 5.0
BAR_WIDTH = 30
STYLES = {"completed": "green", "waiting for retry": "yellow", "dead letter": "red"}


class ProgressView(Protocol):
    """A view of snapshots, as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, snapshot: OrdersSnapshot) -> None:
        """Show the current state of the orders."""


def create_view(console: Console, title: str) -> ProgressView:
    """Create the view for this console."""
    return LiveView(console, title) if console.is_terminal else LineView(console)


class ShipmentRate:
    """Rate of shipped orders per second, over the last five seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, snapshot: OrdersSnapshot) -> float:
        """Add a snapshot and return the current rate."""
        self._samples.append((snapshot.taken_at, snapshot.shipped_count))
        while snapshot.taken_at - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()
        oldest_at, oldest_count = self._samples[0]
        return (
            (snapshot.shipped_count - oldest_count) / (snapshot.taken_at - oldest_at)
            if len(self._samples) > 1
            else 0.0
        )


class LineView:
    """A line of plain text every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rate = ShipmentRate()
        self._started_at = time.monotonic()
        self._last_line = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, snapshot: OrdersSnapshot) -> None:
        """Print a line, unless the last one is less than two seconds old and orders are still unsettled."""
        rate = self._rate.update(snapshot)
        if snapshot.taken_at - self._last_line < LINE_SECONDS and not snapshot.is_settled:
            return
        self._last_line = snapshot.taken_at
        counts = ", ".join(f"{STATUSES[status]} {count}" for status, count in _sort_counts(snapshot))
        elapsed = snapshot.taken_at - self._started_at
        line = f"{elapsed:6.1f} s  {counts or 'no orders yet'} ({rate:.1f} shipped/s)"
        self._console.print(line, soft_wrap=True)


class LiveView:
    """A table of the statuses, the waiting reasons, and a progress bar with rate and time."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._rate = ShipmentRate()
        self._progress = Progress(
            TextColumn("settled"),
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

    def show(self, snapshot: OrdersSnapshot) -> None:
        """Replace the previous table."""
        self._progress.update(
            self._task,
            completed=snapshot.settled_count,
            total=snapshot.expected,
            rate=self._rate.update(snapshot),
        )
        self._live.update(Group(self._table(snapshot), self._progress, _format_notes(snapshot)), refresh=True)

    def _table(self, snapshot: OrdersSnapshot) -> Table:
        table = Table(title=self._title, title_justify="left")
        table.add_column("status")
        table.add_column("orders", justify="right")
        table.add_column("", width=BAR_WIDTH)
        counts = snapshot.by_status
        for status, label in STATUSES.items():
            bar = "█" * round(BAR_WIDTH * counts[status] / max(snapshot.expected, 1))
            table.add_row(
                label, str(counts[status]), bar, style=STYLES.get(label, "") if counts[status] else "dim"
            )
        return table


def _format_notes(snapshot: OrdersSnapshot) -> str:
    waiting = ", ".join(f"{reason} {count}" for reason, count in snapshot.waiting_reasons.most_common(3))
    return f"failures {snapshot.failure_count}   waiting for: {waiting or 'none'}"


def _sort_counts(snapshot: OrdersSnapshot) -> list[tuple[order_pb2.OrderStatus.ValueType, int]]:
    counts = snapshot.by_status
    return [(status, counts[status]) for status in STATUSES if counts[status]]

"""Metrics of several processes, summed by whichever is asked (docs/adr/0018).

Each process writes its numbers into files that all of them read, by the multiprocess mode of Prometheus's
client. A process that is started again goes on with the files of the one before it, so no counter ever falls.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client import Counter, disable_created_metrics, values
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from wms_core.clock import CLOCK_SKEW

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for it
_PERIOD = 1.0  # seconds between two moments at which a process tells its gauges
# Gauges of which the sum says nothing.
_MODES = {
    "process_start_time_seconds": "livemax",
    "process_max_fds": "livemin",
    # The clock of their machine, which all of them have.
    CLOCK_SKEW: "livemax",
}


class NoMetricsFolder(Exception):
    """There is nowhere to put the files."""


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Make the folder for the metrics of this process's children, and of its own; remove it at the end.

    Raises NoMetricsFolder.
    """
    try:
        made = TemporaryDirectory(prefix="wms-orders-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        needed = "more SERVER_PROCESSES than 1 need a folder for temporary files, which TMPDIR may name"
        raise NoMetricsFolder(f"{needed} ({error})") from None
    with made as folder:
        os.environ[_FOLDER] = folder
        share_metrics("supervisor")
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def shared_folder() -> str:
    """Give the folder that the supervisor has made."""
    return os.environ[_FOLDER]


def share_metrics(name: str) -> None:
    """Keep the values of all metrics that are made from now on where the others find them, under a name.

    No two processes may have the same name at the same time.
    """
    values.ValueClass = values.MultiProcessValue(lambda: name)


def restarts() -> Counter:
    """Give the counter of processes that were started again; 0 where a process is alone."""
    disable_created_metrics()
    return Counter(
        "wms_server_process_restarts", "Processes that ended and were started again", registry=None
    )


def forget_gauges(name: str) -> None:
    """Forget what a process that has ended was just doing; what it has counted stays."""
    mark_process_dead(name, shared_folder())


class SharedMetrics(Collector):
    """The metrics of all processes. What this one only knows by looking is written down when it `tell`s."""

    def __init__(self, looked_at: Sequence[Collector]) -> None:
        """Tell of what these collectors find in this process."""
        self._looked_at = looked_at
        self._all = MultiProcessCollector(None, shared_folder())
        self._kept: dict[tuple[str, ...], Any] = {}
        self._counted: dict[tuple[str, ...], float] = {}

    def collect(self) -> Iterator[Metric]:
        """Give the sum of all processes, as new as a second."""
        self.tell()
        yield from self._all.collect()

    async def keep_telling(self) -> None:
        """Tell the others again and again, until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(_PERIOD)

    def tell(self) -> None:
        """Write down what the collectors find."""
        for collector in self._looked_at:
            for family in collector.collect():
                for sample in _apart(family):
                    self._write(family, sample)

    def _write(self, family: Metric, sample: Sample) -> None:
        key = (sample.name, *sample.labels.values())
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _kept(family, sample)
        if family.type == "gauge":
            kept.set(sample.value)
        elif more := sample.value - self._counted.get(key, 0):
            # What a process of this name has counted before is there already.
            kept.inc(more)
            self._counted[key] = sample.value


def _kept(family: Metric, sample: Sample) -> Any:
    """Make what keeps the value of a sample for all processes, where their collector looks for it."""
    names, contents = tuple(sample.labels), tuple(sample.labels.values())
    mode = _MODES.get(family.name, "livesum") if family.type == "gauge" else ""
    return values.ValueClass(
        family.type, family.name, sample.name, names, contents, family.documentation, multiprocess_mode=mode
    )


def _apart(family: Metric) -> Iterator[Sample]:
    """Give the samples of a family as processes share them: each bucket of a histogram by itself."""
    below = 0.0
    for sample in family.samples:
        if family.type != "histogram" or sample.name.endswith("_sum"):
            yield sample
        elif sample.name.endswith("_bucket"):
            yield sample._replace(value=sample.value - below)
            below = 0.0 if sample.labels["le"] == "+Inf" else sample.value

"""Metrics of several processes, summed by the process that is asked (docs/adr/0018).

Each process writes its values to files that all of them read, by the multiprocess mode of the Prometheus
client. A restarted process continues the files of its predecessor, so counters never decrease.
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

from wms_core.runtime.clock import CLOCK_SKEW_METRIC

_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for it
_WRITE_INTERVAL_SECONDS = 1.0  # seconds between two moments at which a process tells its gauges
# Gauges whose sum has no meaning.
_MODES_BY_METRIC = {
    "process_start_time_seconds": "livemax",
    "process_max_fds": "livemin",
    # All processes have the clock of their machine.
    CLOCK_SKEW_METRIC: "livemax",
}


class NoMetricsFolder(Exception):
    """The folder for shared metrics cannot be created."""


@contextmanager
def open_metrics_folder() -> Iterator[None]:
    """Create the folder for the metrics of this process and its children; remove it at the end.

    Raises:
        NoMetricsFolder: the folder cannot be created.
    """
    try:
        temporary_folder = TemporaryDirectory(prefix="wms-orders-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        requirement_text = "SERVER_PROCESSES above 1 requires a folder for temporary files; set TMPDIR to one"
        raise NoMetricsFolder(f"{requirement_text} ({error})") from None
    with temporary_folder as folder_path:
        os.environ[_FOLDER_VARIABLE] = folder_path
        share_metrics("supervisor")
        try:
            yield
        finally:
            del os.environ[_FOLDER_VARIABLE]


def get_shared_folder() -> str:
    """Return the folder that the supervisor has created."""
    return os.environ[_FOLDER_VARIABLE]


def share_metrics(name: str) -> None:
    """Store the values of all metrics created from now on in the shared folder, under a name.

    No two processes may use the same name at the same time.
    """
    values.ValueClass = values.MultiProcessValue(lambda: name)


def create_restart_counter() -> Counter:
    """Return the counter of process restarts; it stays 0 in a server with one process."""
    disable_created_metrics()
    return Counter("wms_server_process_restarts", "Restarts of server processes", registry=None)


def clear_gauges(name: str) -> None:
    """Remove the gauges of a process that has ended; its counters stay."""
    mark_process_dead(name, get_shared_folder())


class SharedMetrics(Collector):
    """The metrics of all processes. `write_samples` shares the values of this one."""

    def __init__(self, process_collectors: Sequence[Collector]) -> None:
        self._process_collectors = process_collectors
        self._multiprocess_collector = MultiProcessCollector(None, get_shared_folder())
        self._samples_by_key: dict[tuple[str, ...], Any] = {}
        self._counted_by_key: dict[tuple[str, ...], float] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the sums over all processes, at most a second old."""
        self.write_samples()
        yield from self._multiprocess_collector.collect()

    async def write_periodically(self) -> None:
        """Share the values of this process periodically until cancelled."""
        while True:
            self.write_samples()
            await asyncio.sleep(_WRITE_INTERVAL_SECONDS)

    def write_samples(self) -> None:
        """Write the values of the collectors to the shared files."""
        for process_collector in self._process_collectors:
            for metric_family in process_collector.collect():
                for metric_sample in _split_samples(metric_family):
                    self._write_sample(metric_family, metric_sample)

    def _write_sample(self, metric_family: Metric, metric_sample: Sample) -> None:
        key = (metric_sample.name, *metric_sample.labels.values())
        shared_sample = self._samples_by_key.get(key)
        if shared_sample is None:
            shared_sample = self._samples_by_key[key] = _create_shared_sample(metric_family, metric_sample)
        if metric_family.type == "gauge":
            shared_sample.set(metric_sample.value)
        elif counter_increase := metric_sample.value - self._counted_by_key.get(key, 0):
            # Counts of the previous process of this name are already included.
            shared_sample.inc(counter_increase)
            self._counted_by_key[key] = metric_sample.value


def _create_shared_sample(metric_family: Metric, metric_sample: Sample) -> Any:
    """Return the shared value of a sample, in the form that `MultiProcessCollector` reads."""
    label_names, label_values = tuple(metric_sample.labels), tuple(metric_sample.labels.values())
    mode = _MODES_BY_METRIC.get(metric_family.name, "livesum") if metric_family.type == "gauge" else ""
    return values.ValueClass(
        metric_family.type,
        metric_family.name,
        metric_sample.name,
        label_names,
        label_values,
        metric_family.documentation,
        multiprocess_mode=mode,
    )


def _split_samples(metric_family: Metric) -> Iterator[Sample]:
    """Yield the samples of a family as they are shared: histogram buckets are not cumulative."""
    previous_count = 0.0
    for metric_sample in metric_family.samples:
        if metric_family.type != "histogram" or metric_sample.name.endswith("_sum"):
            yield metric_sample
        elif metric_sample.name.endswith("_bucket"):
            yield metric_sample._replace(value=metric_sample.value - previous_count)
            previous_count = 0.0 if metric_sample.labels["le"] == "+Inf" else metric_sample.value

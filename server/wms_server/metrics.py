"""What the server counts: read when somebody asks."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wms_core.application.workloads import Workload
from wms_core.clock import CLOCK, CLOCK_SKEW
from wms_core.postgres.bulkheads import Bulkhead
from wms_server.pipeline import Pipeline


class Watchable(Protocol):
    """Something that clients watch."""

    @property
    def count(self) -> int:
        """How many watch."""
        ...


class ServerGauges(Collector):
    """Calls, streams, watchers, connections and the clock of this process, and that it is one."""

    def __init__(
        self, pipeline: Pipeline, watches: Mapping[str, Watchable], bulkheads: Mapping[Workload, Bulkhead]
    ) -> None:
        """Tell of the calls of a pipeline, of who watches by the name of the stream, and of connections."""
        self._pipeline = pipeline
        self._watches = watches
        self._bulkheads = bulkheads

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this moment."""
        yield GaugeMetricFamily("wms_server_processes", "Processes that serve", 1)
        yield GaugeMetricFamily("wms_server_calls", "Calls at work", self._pipeline.at_work)
        yield GaugeMetricFamily("wms_server_streams", "Streams open", self._pipeline.streams)
        yield GaugeMetricFamily(
            "wms_server_bytes_in_flight",
            "Bytes that requests and answers hold, of MAX_BYTES_IN_FLIGHT",
            self._pipeline.memory.held_bytes,
        )
        yield GaugeMetricFamily(
            "wms_server_unfinished_requests",
            "Requests over gRPC that wait for their rest",
            self._pipeline.incoming.count,
        )
        watchers = GaugeMetricFamily("wms_server_watchers", "Who watches at the end of it", labels=["stream"])
        for stream, watch in self._watches.items():
            watchers.add_metric([stream], watch.count)
        yield watchers
        if CLOCK.skew_seconds is not None:
            yield GaugeMetricFamily(
                CLOCK_SKEW, "How far the wall clock is ahead of Postgres's", CLOCK.skew_seconds
            )
        yield from self._of_connections()

    def _of_connections(self) -> Iterator[Metric]:
        used = GaugeMetricFamily("wms_server_connections", "Connections in use", labels=["workload"])
        waiting = GaugeMetricFamily("wms_server_connection_waiters", "Who waits for one", labels=["workload"])
        for workload, bulkhead in self._bulkheads.items():
            used.add_metric([workload.name.lower()], bulkhead.taken)
            waiting.add_metric([workload.name.lower()], bulkhead.waiting)
        yield used
        yield waiting


def collectors(
    pipeline: Pipeline, watches: Mapping[str, Watchable], bulkheads: Mapping[Workload, Bulkhead]
) -> list[Collector]:
    """Give what looks at one process of the server."""
    return [ProcessCollector(registry=None), ServerGauges(pipeline, watches, bulkheads), pipeline.requests]


def registry(*collectors: Collector) -> CollectorRegistry:
    """Give a registry of some collectors."""
    made = CollectorRegistry()
    for collector in collectors:
        made.register(collector)
    return made

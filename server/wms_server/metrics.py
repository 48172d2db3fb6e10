"""What the server counts: read when somebody asks."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wms_server.pipeline import Pipeline


class Watchable(Protocol):
    """Something that clients watch."""

    @property
    def count(self) -> int:
        """How many watch."""
        ...


class ServerGauges(Collector):
    """Calls, streams and watchers of this process, and that it is one."""

    def __init__(self, pipeline: Pipeline, watches: Mapping[str, Watchable]) -> None:
        """Tell of the calls of a pipeline, and of who watches, by the name of the stream."""
        self._pipeline = pipeline
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this moment."""
        yield GaugeMetricFamily("wms_server_processes", "Processes that serve", 1)
        yield GaugeMetricFamily("wms_server_calls", "Calls at work", self._pipeline.at_work)
        yield GaugeMetricFamily("wms_server_streams", "Streams open", self._pipeline.streams)
        watchers = GaugeMetricFamily("wms_server_watchers", "Who watches at the end of it", labels=["stream"])
        for stream, watch in self._watches.items():
            watchers.add_metric([stream], watch.count)
        yield watchers


def collectors(pipeline: Pipeline, watches: Mapping[str, Watchable]) -> list[Collector]:
    """Give what looks at one process of the server."""
    return [ProcessCollector(registry=None), ServerGauges(pipeline, watches), pipeline.requests]


def registry(*collectors: Collector) -> CollectorRegistry:
    """Give a registry of some collectors."""
    made = CollectorRegistry()
    for collector in collectors:
        made.register(collector)
    return made

"""Metrics of one server process, read when they are collected."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wms_core.application.workloads import WorkloadType
from wms_core.postgres.bulkheads import WorkloadBulkhead
from wms_core.runtime.clock import CLOCK_SKEW_METRIC, DATABASE_CLOCK
from wms_server.calls.pipeline import CallPipeline


class SubscriberSource(Protocol):
    """A source of a stream with subscribers."""

    @property
    def count(self) -> int:
        """The number of subscribers."""
        ...


class ServerGauges(Collector):
    """Gauges of this process: calls, streams, subscribers, connections, memory and clock skew."""

    def __init__(
        self,
        call_pipeline: CallPipeline,
        subscriber_sources: Mapping[str, SubscriberSource],
        bulkheads_by_workload: Mapping[WorkloadType, WorkloadBulkhead],
    ) -> None:
        self._call_pipeline = call_pipeline
        self._subscriber_sources = subscriber_sources
        self._bulkheads_by_workload = bulkheads_by_workload

    def collect(self) -> Iterator[Metric]:
        """Yield the current values."""
        yield GaugeMetricFamily("wms_server_processes", "Server processes", 1)
        yield GaugeMetricFamily("wms_server_calls", "In-flight calls", self._call_pipeline.in_flight)
        yield GaugeMetricFamily("wms_server_streams", "Open streams", self._call_pipeline.open_stream_count)
        yield GaugeMetricFamily(
            "wms_server_bytes_in_flight",
            "Bytes of requests and responses in memory, limited by MAX_BYTES_IN_FLIGHT",
            self._call_pipeline.memory_budget.held_bytes,
        )
        yield GaugeMetricFamily(
            "wms_server_unfinished_requests",
            "Incomplete requests over gRPC",
            self._call_pipeline.incoming_requests.count,
        )
        subscriber_gauge = GaugeMetricFamily(
            "wms_server_watchers", "Active subscribers at the end of the stream", labels=["stream"]
        )
        for stream, subscriber_source in self._subscriber_sources.items():
            subscriber_gauge.add_metric([stream], subscriber_source.count)
        yield subscriber_gauge
        if DATABASE_CLOCK.skew_seconds is not None:
            yield GaugeMetricFamily(
                CLOCK_SKEW_METRIC,
                "Seconds by which the wall clock is ahead of the clock of Postgres",
                DATABASE_CLOCK.skew_seconds,
            )
        yield from self._collect_connections()

    def _collect_connections(self) -> Iterator[Metric]:
        used_gauge = GaugeMetricFamily(
            "wms_server_connections", "Postgres connections in use", labels=["workload"]
        )
        waiting_gauge = GaugeMetricFamily(
            "wms_server_connection_waiters",
            "Operations that wait for a Postgres connection",
            labels=["workload"],
        )
        for workload_type, workload_bulkhead in self._bulkheads_by_workload.items():
            used_gauge.add_metric([workload_type.name.lower()], workload_bulkhead.admitted_count)
            waiting_gauge.add_metric([workload_type.name.lower()], workload_bulkhead.waiting_count)
        yield used_gauge
        yield waiting_gauge


def create_collectors(
    call_pipeline: CallPipeline,
    subscriber_sources: Mapping[str, SubscriberSource],
    bulkheads_by_workload: Mapping[WorkloadType, WorkloadBulkhead],
) -> list[Collector]:
    """Return the collectors of one server process."""
    return [
        ProcessCollector(registry=None),
        ServerGauges(call_pipeline, subscriber_sources, bulkheads_by_workload),
        call_pipeline.request_metrics,
    ]


def create_registry(*metric_collectors: Collector) -> CollectorRegistry:
    """Return a registry of these collectors."""
    collector_registry = CollectorRegistry()
    for metric_collector in metric_collectors:
        collector_registry.register(metric_collector)
    return collector_registry

"""Metrics of finished calls: number and duration by method and code.

They are counted in plain Python, because every call is counted; metric families are built when they are
collected.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

#: Upper bounds of the histogram buckets in seconds.
DURATION_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BUCKET_LABELS = [*map(floatToGoString, DURATION_BUCKETS_SECONDS), "+Inf"]


class RequestMetrics(Collector):
    """Counts finished calls. Methods and codes are those of the contract, so there are few label values."""

    def __init__(self) -> None:
        self._counts_by_key: dict[tuple[str, str], int] = {}
        self._durations_by_key: dict[tuple[str, str], _CallDurations] = {}

    def register_method(self, method: str) -> None:
        """Report a method from the start, so that its first call and its first error show as an increase."""
        for code in ("OK", "INTERNAL"):
            self._counts_by_key.setdefault((method, code), 0)

    def record_call(self, method: str, code: str, duration_seconds: float | None = None) -> None:
        """Count a call; without a duration (streams) it is only counted."""
        key = (method, code)
        self._counts_by_key[key] = self._counts_by_key.get(key, 0) + 1
        if duration_seconds is not None:
            call_durations = self._durations_by_key.get(key)
            if call_durations is None:
                call_durations = self._durations_by_key[key] = _CallDurations()
            call_durations.bucket_counts[bisect_left(DURATION_BUCKETS_SECONDS, duration_seconds)] += 1
            call_durations.total_seconds += duration_seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the counts since the start."""
        label_names = ["method", "code"]
        request_counter = CounterMetricFamily("wms_server_requests", "Finished calls", labels=label_names)
        for key, count in self._counts_by_key.items():
            request_counter.add_metric(key, count)
        yield request_counter
        duration_histogram = HistogramMetricFamily(
            "wms_server_request_seconds", "Duration of unary calls in seconds", labels=label_names
        )
        for key, call_durations in self._durations_by_key.items():
            duration_histogram.add_metric(key, call_durations.build_buckets(), call_durations.total_seconds)
        yield duration_histogram


class _CallDurations:
    __slots__ = ("bucket_counts", "total_seconds")

    def __init__(self) -> None:
        self.bucket_counts = [0] * len(_BUCKET_LABELS)
        self.total_seconds = 0.0

    def build_buckets(self) -> list[tuple[str, float]]:
        """Return the cumulative buckets of the histogram."""
        cumulative_count, cumulative_buckets = 0, []
        for bucket_label, count in zip(_BUCKET_LABELS, self.bucket_counts, strict=True):
            cumulative_count += count
            cumulative_buckets.append((bucket_label, float(cumulative_count)))
        return cumulative_buckets

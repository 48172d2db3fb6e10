"""How many calls there were, how they ended and how long they took, by method and code.

Counted in plain Python, as this is done for every call; a page of metrics is made of it when somebody looks.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

#: Upper ends of what is counted together, in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ENDS = [*map(floatToGoString, BUCKETS), "+Inf"]


class Requests(Collector):
    """Counts calls that are over. Methods and codes are those of the contract: there are few of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._ended: dict[tuple[str, str], int] = {}
        self._times: dict[tuple[str, str], _Times] = {}

    def expect(self, method: str) -> None:
        """Tell of a method from the beginning, so that the first call and the first fault are an increase."""
        for code in ("OK", "INTERNAL"):
            self._ended.setdefault((method, code), 0)

    def ended(self, method: str, code: str, seconds: float | None = None) -> None:
        """Count a call; without seconds it is one that lasts for as long as its caller likes."""
        key = (method, code)
        self._ended[key] = self._ended.get(key, 0) + 1
        if seconds is not None:
            times = self._times.get(key)
            if times is None:
                times = self._times[key] = _Times()
            times.counts[bisect_left(BUCKETS, seconds)] += 1
            times.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Give the counts up to now."""
        labels = ["method", "code"]
        ended = CounterMetricFamily("wms_server_requests", "Calls that are over", labels=labels)
        for key, count in self._ended.items():
            ended.add_metric(key, count)
        yield ended
        took = HistogramMetricFamily("wms_server_request_seconds", "How long unary calls took", labels=labels)
        for key, times in self._times.items():
            took.add_metric(key, times.buckets(), times.seconds)
        yield took


class _Times:
    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(_ENDS)
        self.seconds = 0.0

    def buckets(self) -> list[tuple[str, float]]:
        """Give how many took no longer than each of the ends."""
        below, found = 0, []
        for end, count in zip(_ENDS, self.counts, strict=True):
            below += count
            found.append((end, float(below)))
        return found

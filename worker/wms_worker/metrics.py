"""What this replica counts of its own work and of the events it follows; docs/operations.md lists it all.

Labels come from small fixed sets: no order, customer or SKU ever becomes one.
"""

from datetime import datetime
from math import nan

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
    disable_created_metrics,
)

from wms_core.clock import CLOCK, CLOCK_SKEW
from wms_core.domain.events import OrderEvent
from wms_core.domain.levels import EventTally
from wms_core.domain.orders import Priority
from wms_core.domain.runs import Run, Step
from wms_worker.order_counters import OrderCounters

#: How a cycle may end: all steps done, some steps broken, the fence refused it, the database was away or
#: busy, or a fault that nobody expected.
OUTCOMES = ("completed", "failed", "refused", "interrupted", "broke")
EVENTS = tuple(sorted({kind.type.removeprefix("wms.order.") for kind in OrderEvent.__subclasses__()}))

_MINUTE, _HOUR = 60, 3600
_CYCLE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELAY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 2 * _MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR)
_FULFILLMENT_SECONDS = (
    *(1, 5, 15, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 16 * _HOUR, 24 * _HOUR, 48 * _HOUR, 72 * _HOUR, 168 * _HOUR),
)


class Metrics:
    """The counters and gauges of one replica, in a registry of their own."""

    def __init__(self, *roles: str) -> None:
        """Start every series at 0, so that the first increase is seen."""
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        skew = Gauge(CLOCK_SKEW, "How far the wall clock is ahead of Postgres's", registry=self.registry)
        skew.set_function(lambda: nan if CLOCK.skew_seconds is None else CLOCK.skew_seconds)
        self._make_role_metrics(self.registry, roles)
        self._make_cycle_metrics(self.registry)
        self._make_event_metrics(self.registry)
        self._orders = OrderCounters(self.registry)
        self._make_relay_metrics(self.registry)

    def _make_role_metrics(self, registry: CollectorRegistry, roles: tuple[str, ...]) -> None:
        role = ["role"]
        self._active = Gauge("wms_worker_active", "1 while this replica acts", role, registry=registry)
        self._epoch = Gauge("wms_worker_epoch", "Its latest epoch, 0 before", role, registry=registry)
        self._refused = Counter(
            "wms_worker_stale_writes_refused", "Writes that the fence refused", role, registry=registry
        )
        self._changes = Counter(
            "wms_worker_role_changes", "Times the role was won or lost", ["role", "cause"], registry=registry
        )
        for one in roles:
            for metric in (self._active, self._epoch, self._refused):
                metric.labels(one)
            self._changes.labels(one, "won")

    def _make_cycle_metrics(self, registry: CollectorRegistry) -> None:
        self._cycles = Counter(
            "wms_fulfillment_cycles", "Cycles by how they ended", ["outcome"], registry=registry
        )
        self._cycle_seconds = Histogram(
            "wms_fulfillment_cycle_seconds", "How long cycles took", registry=registry, buckets=_CYCLE_SECONDS
        )
        step = ["step"]
        self._step_seconds = Summary(
            "wms_fulfillment_step_seconds", "How long steps took", step, registry=registry
        )
        self._step_items = Counter(
            "wms_fulfillment_step_items", "Orders or moves dealt with", step, registry=registry
        )
        self._step_errors = Counter(
            "wms_fulfillment_step_errors", "Steps that broke", step, registry=registry
        )
        for outcome in OUTCOMES:
            self._cycles.labels(outcome)
        for metric in (self._step_seconds, self._step_items, self._step_errors):
            for name in Step:
                metric.labels(name.value)

    def _make_event_metrics(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "wms_order_events", "Events of orders while this replica was active", ["type"], registry=registry
        )
        self._fulfillment_seconds = Histogram(
            "wms_fulfillment_seconds",
            "From an order's creation to its first shipment",
            ["priority"],
            registry=registry,
            buckets=_FULFILLMENT_SECONDS,
        )
        for event in EVENTS:
            self._events.labels(event)
        for priority in Priority:
            self._fulfillment_seconds.labels(priority.value)

    def _make_relay_metrics(self, registry: CollectorRegistry) -> None:
        self._published = Counter(
            "wms_relay_events_published", "Events that Kafka has acknowledged", registry=registry
        )
        self._failed = Counter(
            "wms_relay_failures", "Times that publishing broke off and began anew", registry=registry
        )
        self._parked = Counter(
            "wms_relay_events_parked", "Events that Kafka refused for good", registry=registry
        )
        self._delay = Histogram(
            "wms_relay_delay_seconds",
            "From when an event happened to Kafka's acknowledgement, of the oldest of each round",
            registry=registry,
            buckets=_DELAY_SECONDS,
        )

    def acts(self, role: str, *, active: bool, epoch: int) -> None:
        """Say whether this replica acts in a role, and by which epoch."""
        self._active.labels(role).set(active)
        if epoch:
            self._epoch.labels(role).set(epoch)

    def role_changed(self, role: str, cause: str) -> None:
        """Count that a role was `won`, or lost for one of a few causes."""
        self._changes.labels(role, cause).inc()

    def write_refused(self, role: str) -> None:
        """Count a write that the fence refused."""
        self._refused.labels(role).inc()

    def cycle_ended(self, outcome: str, seconds: float) -> None:
        """Count a cycle."""
        self._cycles.labels(outcome).inc()
        self._cycle_seconds.observe(seconds)

    def steps_done(self, run: Run) -> None:
        """Count what the steps of a cycle did."""
        for result in run.steps:
            self._step_seconds.labels(result.step.value).observe(result.seconds)
            self._step_items.labels(result.step.value).inc(result.count)
        for error in run.errors:
            self._step_errors.labels(error.partition(":")[0]).inc()

    def events_told(self, tally: EventTally) -> None:
        """Count events."""
        for group in tally.groups:
            self._events.labels(group.type.removeprefix("wms.order.")).inc(group.events)
            self._orders.told(group)
        for priority, seconds in tally.times:
            self._fulfillment_seconds.labels(priority.value).observe(seconds)

    def published(self, events: int, oldest: str = "") -> None:
        """Count events that were acknowledged; `oldest` is when the oldest of them happened."""
        self._published.inc(events)
        if events and oldest:
            delay = CLOCK.now() - datetime.fromisoformat(oldest)
            self._delay.observe(max(delay.total_seconds(), 0))

    def publishing_failed(self) -> None:
        """Count that publishing broke off."""
        self._failed.inc()

    def parked(self, events: int) -> None:
        """Count events that were refused for good."""
        self._parked.inc(events)

"""Gauges of the backlog in the database, read when Prometheus scrapes them.

Every replica exports them, active or not, because they matter most when no replica is active. They count the
whole database: queries must take the maximum over the replicas, not the sum.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wms_core.application.database import Database
from wms_core.domain.backlog_metrics import BacklogSnapshot
from wms_core.domain.orders.orders import Priority
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_core.runtime.logging_setup import describe_error

_READ_TIMEOUT_SECONDS = 8.0  # less than the scrape timeout of Prometheus
_IDLE_TO_READ_RATIO = 20  # a read takes at most about 1/20 of the time
_log = structlog.get_logger(__name__)

_QUEUE_GAUGES = {
    "wms_dead_letters_unresolved": ("dead_letters", "Dead letter entries without a resolution"),
    "wms_dead_letters_oldest_seconds": (
        "dead_letters_oldest",
        "Age in seconds of the oldest unresolved dead letter",
    ),
    "wms_outbox_events": ("outbox", "Events without a position, counted up to 100,000"),
    "wms_outbox_oldest_seconds": ("outbox_oldest", "Age in seconds of the oldest event without a position"),
    "wms_backorders": ("backorders", "Backorders that are open or in progress"),
    "wms_backordered_units": ("backordered_units", "Units of open backorders"),
    "wms_backorders_oldest_seconds": ("backorders_oldest", "Age in seconds of the oldest open backorder"),
    "wms_moves_live": ("moves", "Moves that are requested or claimed"),
    "wms_moves_oldest_seconds": ("moves_oldest", "Age in seconds of the oldest requested or claimed move"),
    "wms_fulfillment_pauses": ("pauses", "Pauses in force"),
}
_LOG_GAUGES = {
    "wms_log_position": ("log_position", "Position of the newest event in the log"),
    "wms_parked_events": ("parked", "Parked events, which Kafka rejected"),
    "wms_parked_events_oldest_seconds": ("parked_oldest", "Seconds since the oldest parked event was parked"),
}
_RELAY_GAUGES = {
    "wms_relay_position": ("position", "Position up to which Kafka has acknowledged the log"),
    "wms_relay_lag_events": ("lag", "Events in the log after the relay's position"),
    "wms_relay_lag_seconds": ("lag_seconds", "Age in seconds of the oldest event after the relay's position"),
}
_ROLE_GAUGES = {
    "wms_role_epoch": ("epoch", "Current epoch of a role"),
    "wms_role_without_holder_seconds": ("without_holder", "Seconds since a role last had a holder"),
}
_URGENCY_GAUGES = {
    "wms_orders_unshipped": ("order_count", "Orders that are not shipped yet"),
    "wms_orders_unfulfilled_too_long": (
        "late_count",
        "Unshipped orders older than UNFULFILLED_AFTER_<PRIORITY>",
    ),
    "wms_orders_overdue": ("overdue_count", "Unshipped orders whose promised time has passed"),
    "wms_orders_oldest_seconds": ("oldest_seconds", "Age in seconds of the oldest unshipped order"),
}


class BacklogGauges(Collector):
    """Collect the last backlog snapshot; without a snapshot only `wms_database_up` is exported.

    A snapshot is read again after `refresh_interval`, or later if the read takes long.
    """

    def __init__(
        self, database: Database, age_limits: Mapping[Priority, timedelta], refresh_interval: timedelta
    ) -> None:
        self._database = database
        self._age_limits = age_limits
        self._refresh_interval_seconds = refresh_interval.total_seconds()
        self._due_at = 0.0
        self._read_lock = asyncio.Lock()
        self.backlog_snapshot: BacklogSnapshot | None = None

    async def refresh_snapshot(self) -> None:
        """Read a new snapshot if it is due. An unavailable database is not an error."""
        async with self._read_lock:
            started_at = time.monotonic()
            if started_at < self._due_at:
                return
            self.backlog_snapshot = await self._read_snapshot()
            now = time.monotonic()
            self._due_at = now + max(self._refresh_interval_seconds, _IDLE_TO_READ_RATIO * (now - started_at))

    async def _read_snapshot(self) -> BacklogSnapshot | None:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_SECONDS):
                return await self._database.read(
                    lambda transaction: transaction.backlog_metrics.read_backlog(
                        self._age_limits, DATABASE_CLOCK.now()
                    )
                )
        except Exception as error:
            # No error here may hide the other metrics; before the migrations the schema is missing.
            _log.warning("backlog_read_failed", error=describe_error(error))
            return None

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        yield GaugeMetricFamily(
            "wms_database_up",
            "1 if the backlog could be read from the database",
            self.backlog_snapshot is not None,
        )
        if self.backlog_snapshot is not None:
            yield _build_waiting_gauge(self.backlog_snapshot)
            yield from _build_urgency_gauges(self.backlog_snapshot)
            yield from _build_role_gauges(self.backlog_snapshot)
            yield from _build_relay_gauges(self.backlog_snapshot)
            for name, (field, text) in (_QUEUE_GAUGES | _LOG_GAUGES).items():
                yield GaugeMetricFamily(name, text, getattr(self.backlog_snapshot, field))


def _build_waiting_gauge(backlog_snapshot: BacklogSnapshot) -> Metric:
    gauge_family = GaugeMetricFamily(
        "wms_waiting_orders", "Orders by status and waiting reason", labels=["status", "reason"]
    )
    for waiting_backlog in backlog_snapshot.waiting_orders:
        gauge_family.add_metric(
            [waiting_backlog.status.value, waiting_backlog.reason], waiting_backlog.order_count
        )
    return gauge_family


def _build_urgency_gauges(backlog_snapshot: BacklogSnapshot) -> Iterator[Metric]:
    backlogs_by_priority = {
        priority_backlog.priority: priority_backlog
        for priority_backlog in backlog_snapshot.orders_by_priority
    }
    for name, (field, text) in _URGENCY_GAUGES.items():
        gauge_family = GaugeMetricFamily(name, text, labels=["priority"])
        for priority in Priority:
            gauge_family.add_metric([priority.value], getattr(backlogs_by_priority.get(priority), field, 0))
        yield gauge_family


def _build_role_gauges(backlog_snapshot: BacklogSnapshot) -> Iterator[Metric]:
    for name, (field, text) in _ROLE_GAUGES.items():
        gauge_family = GaugeMetricFamily(name, text, labels=["role"])
        for role_vacancy in backlog_snapshot.role_vacancies:
            gauge_family.add_metric([role_vacancy.role], getattr(role_vacancy, field))
        yield gauge_family


def _build_relay_gauges(backlog_snapshot: BacklogSnapshot) -> Iterator[Metric]:
    for name, (field, text) in _RELAY_GAUGES.items():
        # No value if a relay has never run.
        yield GaugeMetricFamily(
            name, text, getattr(backlog_snapshot.relay_lag, field) if backlog_snapshot.relay_lag else None
        )

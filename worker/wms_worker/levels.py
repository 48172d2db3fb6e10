"""Gauges of what waits in the database, read when somebody looks at them.

Every replica tells them, active or not: when nobody acts is when they are wanted most. They count the whole
database, so take the maximum over replicas, never the sum.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wms_core.application.ports import Database
from wms_core.clock import CLOCK
from wms_core.domain.levels import Levels
from wms_core.domain.orders import Priority
from wms_core.logs import in_words

_PATIENCE = 8.0  # seconds, less than Prometheus waits for an answer
_SHARE = 20  # looking takes at most one part of so many of the time
_log = structlog.get_logger(__name__)

_QUEUES = {
    "wms_dead_letters_unresolved": ("dead_letters", "Dead letter entries without a resolution"),
    "wms_dead_letters_oldest_seconds": ("dead_letters_oldest", "Age of the oldest unresolved one"),
    "wms_outbox_events": ("outbox", "Events that have no position yet, counted up to 100,000"),
    "wms_outbox_oldest_seconds": ("outbox_oldest", "Age of the oldest of them"),
    "wms_backorders": ("backorders", "Backorders that are open or in progress"),
    "wms_backordered_units": ("backordered_units", "Units owed to orders"),
    "wms_backorders_oldest_seconds": ("backorders_oldest", "Age of the oldest live backorder"),
    "wms_moves_live": ("moves", "Moves that are requested or claimed"),
    "wms_moves_oldest_seconds": ("moves_oldest", "Age of the oldest of them"),
    "wms_fulfillment_pauses": ("pauses", "Pauses in force"),
}
_LOG = {
    "wms_log_position": ("log_position", "The position at which the event log ends"),
    "wms_parked_events": ("parked", "Events that Kafka refused and nobody has cured yet"),
    "wms_parked_events_oldest_seconds": ("parked_oldest", "Time since the first of them was parked"),
}
_RELAY = {
    "wms_relay_position": ("position", "The position up to which Kafka has acknowledged the log"),
    "wms_relay_lag_events": ("lag", "Events of the log behind that position"),
    "wms_relay_lag_seconds": ("lag_seconds", "Age of the oldest of them"),
}
_ROLES = {
    "wms_role_epoch": ("epoch", "The epoch a role is at"),
    "wms_role_without_holder_seconds": ("without_holder", "For how long nobody has held a role"),
}
_URGENCY = {
    "wms_orders_unshipped": ("orders", "Orders that wait to be shipped"),
    "wms_orders_unfulfilled_too_long": ("too_long", "Those older than UNFULFILLED_AFTER_<PRIORITY>"),
    "wms_orders_overdue": ("overdue", "Those whose promised time has passed"),
    "wms_orders_oldest_seconds": ("oldest", "Age of the oldest of them"),
}


class LevelGauges(Collector):
    """Collects the levels that were read last; none at all when they could not be read."""

    def __init__(
        self, database: Database, limits_of_age: Mapping[Priority, timedelta], pause: timedelta
    ) -> None:
        """Read again after `pause` at the earliest, later when reading takes long."""
        self._database = database
        self._limits = limits_of_age
        self._pause = pause.total_seconds()
        self._due = 0.0
        self._reading = asyncio.Lock()
        self.levels: Levels | None = None

    async def refresh(self) -> None:
        """Read the levels if that is due. Raises nothing for a database that is away."""
        async with self._reading:
            began = time.monotonic()
            if began < self._due:
                return
            self.levels = await self._read()
            now = time.monotonic()
            self._due = now + max(self._pause, _SHARE * (now - began))

    async def _read(self) -> Levels | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._database.read(
                    lambda transaction: transaction.metrics.levels(self._limits, CLOCK.now())
                )
        except Exception as error:
            # Whatever it is, the other metrics are told; early on, the schema may be missing.
            _log.warning("levels_not_read", error=in_words(error))
            return None

    def collect(self) -> Iterator[Metric]:
        """Give the gauges."""
        yield GaugeMetricFamily("wms_database_up", "1 when the levels could be read", self.levels is not None)
        if self.levels is not None:
            yield _waiting(self.levels)
            yield from _by_priority(self.levels)
            yield from _by_role(self.levels)
            yield from _of_relay(self.levels)
            for name, (field, text) in (_QUEUES | _LOG).items():
                yield GaugeMetricFamily(name, text, getattr(self.levels, field))


def _waiting(levels: Levels) -> Metric:
    family = GaugeMetricFamily("wms_waiting_orders", "Orders by why they wait", labels=["status", "reason"])
    for one in levels.waiting:
        family.add_metric([one.status.value, one.reason], one.orders)
    return family


def _by_priority(levels: Levels) -> Iterator[Metric]:
    found = {one.priority: one for one in levels.urgency}
    for name, (field, text) in _URGENCY.items():
        family = GaugeMetricFamily(name, text, labels=["priority"])
        for priority in Priority:
            family.add_metric([priority.value], getattr(found.get(priority), field, 0))
        yield family


def _by_role(levels: Levels) -> Iterator[Metric]:
    for name, (field, text) in _ROLES.items():
        family = GaugeMetricFamily(name, text, labels=["role"])
        for one in levels.roles:
            family.add_metric([one.role], getattr(one, field))
        yield family


def _of_relay(levels: Levels) -> Iterator[Metric]:
    for name, (field, text) in _RELAY.items():
        # Without a value where there was never a relay.
        yield GaugeMetricFamily(name, text, getattr(levels.relay, field) if levels.relay else None)

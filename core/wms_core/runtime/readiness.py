"""Readiness of a process: the single source of gRPC health, `/ready` and `wms-orders health`."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from wms_core.postgres.availability import (
    AvailabilityProbe,
    DatabaseState,
    DependencyAvailability,
    KafkaReport,
)
from wms_core.runtime.clock import DATABASE_CLOCK

_DRAINING_REASON = "this process is shutting down"
_log = structlog.get_logger(__name__)


class ReadinessMonitor:
    """The readiness of one process: not ready before the first check, and never again after `stop`."""

    def __init__(
        self, *, requires_kafka: bool, describe_process: Callable[[], dict[str, object]] = dict
    ) -> None:
        """Start not ready; `describe_process` returns the process's own fields of `build_report`."""
        self._requires_kafka = requires_kafka
        self._describe_process = describe_process
        self._reason = "the database has not been checked yet"
        self._last_availability = DependencyAvailability(DatabaseState.UNKNOWN)
        self._state_since = DATABASE_CLOCK.now()
        self._is_stopped = False
        #: Called with each change of `is_ready`.
        self.on_change: Callable[[bool], None] = lambda _is_ready: None

    @property
    def is_ready(self) -> bool:
        """True if this process can do its work."""
        return not self._reason

    @property
    def is_database_writable(self) -> bool:
        """True if the database accepted writes at the last check."""
        return self._last_availability.database_state is DatabaseState.WRITABLE

    def build_report(self) -> dict[str, object]:
        """Return the state as a JSON object."""
        last_availability = self._last_availability
        reason = {"reason": self._reason} if self._reason else {}
        database_report = {
            "state": last_availability.database_state.value,
            "since": _format_time(self._state_since),
            "reason": last_availability.reason,
        }
        return {
            "status": "ready" if self.is_ready else "not ready",
            **reason,
            "database": _drop_empty(database_report),
            "kafka": _format_kafka(last_availability.kafka_report),
            "clock": _format_clock(),
            **self._describe_process(),
        }

    def encode_report(self) -> bytes:
        """Return the report as JSON bytes."""
        return json.dumps(self.build_report(), ensure_ascii=False).encode()

    async def run(self, availability_probe: AvailabilityProbe, interval_seconds: float) -> None:
        """Check the dependencies at each interval, until cancelled."""
        while True:
            self._update_availability(await availability_probe.check())
            await asyncio.sleep(interval_seconds)

    def stop(self) -> None:
        """Set the process to not ready permanently, because it drains."""
        self._is_stopped = True
        self._set_reason(_DRAINING_REASON)

    def _update_availability(self, new_availability: DependencyAvailability) -> None:
        if new_availability.database_state is not self._last_availability.database_state:
            self._state_since = DATABASE_CLOCK.now()
        self._last_availability = new_availability
        if not self._is_stopped:
            self._set_reason(self._find_reason(new_availability))

    def _find_reason(self, new_availability: DependencyAvailability) -> str:
        """Return why the process cannot do its work; empty when it can."""
        if new_availability.database_state is not DatabaseState.WRITABLE:
            return f"the database can't be written to: {new_availability.reason}"
        if self._requires_kafka and new_availability.kafka_report.state != "publishing":
            return f"events do not reach Kafka: its state is {new_availability.kafka_report.state}"
        return ""

    def _set_reason(self, reason: str) -> None:
        was_ready, self._reason = self.is_ready, reason
        if was_ready is not self.is_ready:
            _log.warning(
                "readiness_changed", ready=self.is_ready, cause=reason, error=self._last_availability.error
            )
            self.on_change(self.is_ready)


def _format_kafka(kafka_report: KafkaReport) -> dict[str, object]:
    since_text = _format_time(kafka_report.state_since) if kafka_report.state_since else ""
    report_fields = _drop_empty({"state": kafka_report.state, "since": since_text})
    return (
        report_fields
        if kafka_report.backlog_events is None
        else {**report_fields, "backlog": kafka_report.backlog_events}
    )


def _format_clock() -> dict[str, object]:
    skew_seconds = DATABASE_CLOCK.skew_seconds
    if skew_seconds is None:
        return {"state": "unknown"}
    state = (
        {"state": "wrong", "reason": DATABASE_CLOCK.skew_error}
        if DATABASE_CLOCK.skew_error
        else {"state": "right"}
    )
    return {**state, "skew_seconds": round(skew_seconds, 3)}


def _drop_empty(report_fields: dict[str, str]) -> dict[str, object]:
    return {name: value for name, value in report_fields.items() if value}


def _format_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Whether a process can do its work: the one source of gRPC health, `/ready` and `wms-orders health`."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from wms_core.clock import CLOCK
from wms_core.postgres.availability import Availability, AvailabilityProbe, DatabaseState, KafkaReport

_DRAINING = "this process is shutting down"
_log = structlog.get_logger(__name__)


class Readiness:
    """The readiness of one process: not ready before the first check, and never again after `stop`."""

    def __init__(self, *, requires_kafka: bool, describe: Callable[[], dict[str, object]] = dict) -> None:
        """Start not ready; `describe` returns what the process has to add to `report`."""
        self._requires_kafka = requires_kafka
        self._describe = describe
        self._reason = "the database was not asked yet"
        self._availability = Availability(DatabaseState.UNKNOWN)
        self._since = CLOCK.now()
        self._stopped = False
        #: Called with each change of `is_ready`.
        self.on_change: Callable[[bool], None] = lambda _ready: None

    @property
    def is_ready(self) -> bool:
        """Whether this process can do its work."""
        return not self._reason

    @property
    def is_database_writable(self) -> bool:
        """Whether the database took writes when it was asked last."""
        return self._availability.database is DatabaseState.WRITABLE

    def report(self) -> dict[str, object]:
        """Return the state as JSON has it."""
        availability = self._availability
        reason = {"reason": self._reason} if self._reason else {}
        database = {
            "state": availability.database.value,
            "since": _format_time(self._since),
            "reason": availability.reason,
        }
        return {
            "status": "ready" if self.is_ready else "not ready",
            **reason,
            "database": _drop_empty(database),
            "kafka": _format_kafka(availability.kafka),
            "clock": _format_clock(),
            **self._describe(),
        }

    def report_json(self) -> bytes:
        """Return the report as bytes."""
        return json.dumps(self.report(), ensure_ascii=False).encode()

    async def run(self, probe: AvailabilityProbe, interval_seconds: float) -> None:
        """Check again and again, until cancelled."""
        while True:
            self._update(await probe.check())
            await asyncio.sleep(interval_seconds)

    def stop(self) -> None:
        """Be not ready for good: the process drains."""
        self._stopped = True
        self._set_reason(_DRAINING)

    def _update(self, availability: Availability) -> None:
        if availability.database is not self._availability.database:
            self._since = CLOCK.now()
        self._availability = availability
        if not self._stopped:
            self._set_reason(self._reason_of(availability))

    def _reason_of(self, availability: Availability) -> str:
        """Return why the process can't do its work; empty when it can."""
        if availability.database is not DatabaseState.WRITABLE:
            return f"the database can't be written to: {availability.reason}"
        if self._requires_kafka and availability.kafka.state != "publishing":
            return f"events do not reach Kafka: its state is {availability.kafka.state}"
        return ""

    def _set_reason(self, reason: str) -> None:
        was_ready, self._reason = self.is_ready, reason
        if was_ready is not self.is_ready:
            _log.warning(
                "readiness_changed", ready=self.is_ready, cause=reason, error=self._availability.error
            )
            self.on_change(self.is_ready)


def _format_kafka(report: KafkaReport) -> dict[str, object]:
    since = _format_time(report.since) if report.since else ""
    shown = _drop_empty({"state": report.state, "since": since})
    return shown if report.backlog is None else {**shown, "backlog": report.backlog}


def _format_clock() -> dict[str, object]:
    skew = CLOCK.skew_seconds
    if skew is None:
        return {"state": "unknown"}
    state = {"state": "wrong", "reason": CLOCK.fault} if CLOCK.fault else {"state": "right"}
    return {**state, "skew_seconds": round(skew, 3)}


def _drop_empty(facts: dict[str, str]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value}


def _format_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

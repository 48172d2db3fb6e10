"""The relay role: publish the event log to Kafka in order (docs/adr/0014)."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from wms_core.application.database import Database, Fence
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.domain.events.kafka import RelayState
from wms_core.domain.workers import Role
from wms_core.runtime.background_tasks import AbandonableTasks, background_task
from wms_core.runtime.tracing import SpanTracing
from wms_worker.observability.metrics import WorkerMetrics
from wms_worker.relay.kafka_producer import open_kafka_producer
from wms_worker.relay.kafka_settings import KafkaConfig, PublishingUnavailable
from wms_worker.relay.publisher import EventPublisher
from wms_worker.relay.tracing import PublicationSpans

#: Time for the current publish batch at the end of a tenure.
_STOP_GRACE_SECONDS = 1.5
_MIN_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.1, 5.0
#: Interval of the state reports. Readers consider a report stale after 10 s.
_REPORT_INTERVAL_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class RelayRole:
    """Implement `wms_worker.leadership.role_runner.RoleHandler`.

    `report_reason` receives the reason why publishing fails, or an empty string.
    """

    role = Role.RELAY

    def __init__(
        self,
        kafka_config: KafkaConfig,
        database: Database,
        worker_id: str,
        report_reason: Callable[[str], None],
        worker_metrics: WorkerMetrics,
        span_tracing: SpanTracing,
    ) -> None:
        self._worker_id = worker_id
        self._kafka_config = kafka_config
        self._database = database
        self._report_reason = report_reason
        self._worker_metrics = worker_metrics
        self._publication_spans = PublicationSpans(span_tracing, kafka_config.topic.name)
        self._abandonable_tasks = AbandonableTasks()

    async def open_tenure(self, fence: Fence) -> "RelayTenure":
        """Return a new tenure."""
        return RelayTenure(
            self._kafka_config,
            self._database,
            fence,
            self._worker_id,
            self._report_reason,
            self._worker_metrics,
            self._publication_spans,
            self._abandonable_tasks,
        )


class RelayTenure:
    """Publish during one tenure; implement `wms_worker.leadership.role_runner.Tenure`."""

    def __init__(
        self,
        kafka_config: KafkaConfig,
        database: Database,
        fence: Fence,
        worker_id: str,
        report_reason: Callable[[str], None],
        worker_metrics: WorkerMetrics,
        publication_spans: PublicationSpans,
        abandonable_tasks: AbandonableTasks,
    ) -> None:
        self.fenced_off = asyncio.Event()
        #: Never set: while Kafka is unavailable another replica would make no progress either.
        self.stall_detected = asyncio.Event()
        self._stop_event = asyncio.Event()
        self._kafka_config = kafka_config
        self._database = database
        self._fence = fence
        self._worker_id = worker_id
        self._report_reason = report_reason
        self._worker_metrics = worker_metrics
        self._publication_spans = publication_spans
        self._abandonable_tasks = abandonable_tasks
        #: Why publishing fails; empty if it succeeds, None before the first result.
        self._reason: str | None = None
        self._state_changed = asyncio.Event()
        self._failure_count = 0

    def stop(self) -> None:
        """Start no further publish batch."""
        self._stop_event.set()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Publish; on exit the current publish batch has a short time to be acknowledged."""
        async with (
            background_task(self._report_state()),
            background_task(self._publish_until_stopped()) as task,
        ):
            try:
                yield
            finally:
                self.stop()
                await asyncio.wait({task}, timeout=_STOP_GRACE_SECONDS)
                self._report_reason("")

    async def _publish_until_stopped(self) -> None:
        """Publish until the end of the tenure; after an error reconnect with backoff."""
        while not self._stop_event.is_set():
            try:
                await self._publish_log()
            except StaleEpoch as error:
                _log.warning("stale_write_refused", error=str(error))
                self._worker_metrics.count_refused_write(Role.RELAY)
                self.fenced_off.set()
                return
            except PublishingUnavailable as error:
                self._worker_metrics.count_publishing_failure()
                self._set_reason(str(error))
            except WmsError as error:
                self._set_reason(f"the database: {error}")
            except Exception as error:
                self._report_unexpected_error(f"unexpected error: {type(error).__name__}: {error}")
            await self._wait_before_retry()

    async def _publish_log(self) -> None:
        async with open_kafka_producer(self._kafka_config, self._abandonable_tasks) as kafka_producer:
            event_publisher = EventPublisher(
                kafka_producer,
                self._database,
                self._fence,
                self._worker_metrics,
                self._publication_spans,
                self._stop_event,
            )
            await event_publisher.run(self._on_success)

    def _on_success(self) -> None:
        self._failure_count = 0
        self._set_reason("")

    async def _wait_before_retry(self) -> None:
        delay_seconds = min(_MIN_RETRY_SECONDS * 2**self._failure_count, _MAX_RETRY_SECONDS)
        self._failure_count += 1
        try:
            async with asyncio.timeout(delay_seconds * random.uniform(0.5, 1)):  # noqa: S311 # jitter, no secret
                await self._stop_event.wait()
        except TimeoutError:
            return

    def _report_unexpected_error(self, reason: str) -> None:
        if reason != self._reason:
            _log.exception("relay_failed")
        self._worker_metrics.count_publishing_failure()
        self._set_reason(reason)

    async def _report_state(self) -> None:
        """Report the relay's state to Postgres every 2 s, for the readiness of all processes."""
        while True:
            if self._reason is not None:
                await self._write_state(RelayState.FAILING if self._reason else RelayState.PUBLISHING)
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_INTERVAL_SECONDS):
                    await self._state_changed.wait()
            self._state_changed.clear()

    async def _write_state(self, state: RelayState) -> None:
        try:
            await self._database.run_in_transaction(
                lambda transaction: transaction.relay_progress.report_state(self._worker_id, state),
                fence=self._fence,
            )
        except WmsError as error:
            _log.debug("relay_state_write_failed", error=str(error))

    def _set_reason(self, reason: str) -> None:
        """Report why publishing fails; log a new reason and the recovery."""
        if reason != self._reason:
            self._state_changed.set()
        if reason and reason != self._reason:
            _log.warning("publishing_unavailable", role=Role.RELAY, reason=reason)
        if self._reason and not reason:
            _log.info("publishing_resumed", role=Role.RELAY)
        self._reason = reason
        self._report_reason(reason)

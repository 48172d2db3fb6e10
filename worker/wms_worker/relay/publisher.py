"""Publish the event log to Kafka in the order of its positions, and park rejected events."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from wms_core.application.database import Database, Fence, Transaction
from wms_core.domain.events.kafka import LogEvent, RejectedEvent, ReleasedEvent
from wms_core.runtime.background_tasks import AbandonableTasks
from wms_worker.observability.metrics import WorkerMetrics
from wms_worker.relay.kafka_producer import MAX_BATCH_BYTES, KafkaProducer, PartitionBatch
from wms_worker.relay.tracing import PublicationSpans

#: Characters of payload in one publish batch; brokers accept 100 MB in one request.
_MAX_PUBLISH_BATCH_CHARACTERS = 8_000_000


@dataclass(slots=True)
class PublishBatch:
    """Consecutive events of the log, published together in one batch per partition.

    `position` is that of the last event, `oldest_occurred_at` the time of the first.
    """

    position: int
    oldest_occurred_at: str
    payload_characters: int = 0
    batches_by_partition: dict[int, PartitionBatch] = field(default_factory=dict)


def build_publish_batches(
    kafka_producer: KafkaProducer,
    log_events: Iterable[LogEvent],
    blocked_order_ids: Container[str],
    max_batch_bytes: int,
) -> Iterator[PublishBatch]:
    """Yield events as publish batches; one ends where a partition's batch is full.

    Events of blocked orders are skipped.
    """
    publish_batch: PublishBatch | None = None
    for event in log_events:
        if publish_batch is None:
            publish_batch = PublishBatch(event.position, event.occurred_at)
        if event.order_id not in blocked_order_ids and not _add_event(
            kafka_producer, publish_batch, event, max_batch_bytes
        ):
            yield publish_batch
            publish_batch = PublishBatch(event.position, event.occurred_at)
            _add_event(kafka_producer, publish_batch, event, max_batch_bytes)
        publish_batch.position = event.position
    if publish_batch is not None:
        yield publish_batch


def _add_event(
    kafka_producer: KafkaProducer, publish_batch: PublishBatch, event: LogEvent, max_batch_bytes: int
) -> bool:
    """Add an event; return False if its partition's batch is full. An empty batch accepts any event."""
    publish_batch.payload_characters += len(event.payload)
    partition = kafka_producer.get_partition(event.order_id)
    batch = publish_batch.batches_by_partition.get(partition)
    if batch is None:
        batch = publish_batch.batches_by_partition[partition] = kafka_producer.create_batch()
        return batch.add_event(event)
    return (
        batch.size_bytes < max_batch_bytes
        and publish_batch.payload_characters < _MAX_PUBLISH_BATCH_CHARACTERS
        and batch.add_event(event)
    )


_log = structlog.get_logger(__name__)


async def publish_by_bisection(
    kafka_producer: KafkaProducer, partition: int, log_events: Sequence[LogEvent], error: str
) -> list[RejectedEvent]:
    """Publish the valid events of a rejected batch, and return the rejected ones.

    The batch is bisected until each rejected event is alone. Later events of the same order are skipped.

    Raises:
        PublishingUnavailable: a retry may succeed.
    """
    if len(log_events) == 1:
        _log.error(
            "event_parked", event_id=log_events[0].event_id, order_id=log_events[0].order_id, error=error
        )
        return [RejectedEvent(log_events[0], error)]
    middle_index = len(log_events) // 2
    rejected_events = await publish_in_order(kafka_producer, partition, log_events[:middle_index])
    blocked_order_ids = {rejected_event.event.order_id for rejected_event in rejected_events}
    remaining_events = [
        event for event in log_events[middle_index:] if event.order_id not in blocked_order_ids
    ]
    return rejected_events + await publish_in_order(kafka_producer, partition, remaining_events)


async def publish_in_order(
    kafka_producer: KafkaProducer, partition: int, log_events: Sequence[LogEvent]
) -> list[RejectedEvent]:
    """Publish events of one partition, one batch after the other; see `publish_by_bisection`."""
    rejected_events: list[RejectedEvent] = []
    blocked_order_ids: set[str] = set()
    remaining_events = list(log_events)
    while remaining_events:
        batch = kafka_producer.create_batch()
        event_count = 0
        while event_count < len(remaining_events) and batch.add_event(remaining_events[event_count]):
            event_count += 1
        errors_by_partition = await kafka_producer.publish({partition: batch})
        if errors_by_partition:
            rejected_events += await publish_by_bisection(
                kafka_producer, partition, batch.log_events, errors_by_partition[partition]
            )
            blocked_order_ids.update(rejected_event.event.order_id for rejected_event in rejected_events)
        remaining_events = [
            event for event in remaining_events[event_count:] if event.order_id not in blocked_order_ids
        ]
    return rejected_events


#: Limits of one read of the log.
_MAX_READ_EVENTS, _MAX_READ_BYTES = 4_000, 2_000_000
#: The batch size is halved after a rejection down to this size, for a topic with a small limit.
_MIN_BATCH_BYTES = 1_000
#: Events in one read of a released order.
ORDER_READ_LIMIT = 50
#: A smaller read is followed by a delay: many small batches load Postgres more than they reduce the lag.
SMALL_READ_EVENTS, SMALL_READ_DELAY_SECONDS = 500, 0.1
#: Interval of the poll for released events.
_RELEASE_POLL_SECONDS = 0.5
#: Time without events after which the connection to Kafka is checked.
_IDLE_CHECK_SECONDS = 5.0


class EventPublisher:
    """Publish until `stop_event` is set or an error occurs.

    After an error a new publisher starts from the position in Postgres.
    """

    def __init__(
        self,
        kafka_producer: KafkaProducer,
        database: Database,
        fence: Fence,
        worker_metrics: WorkerMetrics,
        publication_spans: PublicationSpans,
        stop_event: asyncio.Event,
    ) -> None:
        self._kafka_producer = kafka_producer
        self._database = database
        self._fence = fence
        self._worker_metrics = worker_metrics
        self._publication_spans = publication_spans
        self._stop_event = stop_event
        self._abandonable_tasks = AbandonableTasks()
        self._position = 0
        self._blocked_order_ids: set[str] = set()
        self._max_batch_bytes = MAX_BATCH_BYTES
        self._released_read_at = 0.0
        self._last_response_at = time.monotonic()
        self._read_ahead_task: asyncio.Task[list[PublishBatch]] | None = None

    async def run(self, on_success: Callable[[], None]) -> None:
        """Publish the events of the log and call `on_success` after each publish batch and each poll.

        Raises:
            PublishingUnavailable: Kafka is unavailable.
            StaleEpoch: another replica has the role.
            StorageUnavailable: the database is unavailable.
        """
        await self._write_fenced(self._load_position)
        try:
            while not self._stop_event.is_set():
                await self._retry_released_events()
                publish_batches = await self._take_next_batches()
                await self._publish_all(publish_batches, on_success)
                if time.monotonic() - self._last_response_at > _IDLE_CHECK_SECONDS:
                    await self._kafka_producer.check_connection()
                    self._last_response_at = time.monotonic()
                on_success()
                if _is_small_read(publish_batches):
                    await self._wait_small_read_delay()
        finally:
            self._cancel_read_ahead()

    async def _load_position(self, transaction: Transaction) -> None:
        self._position = await transaction.relay_progress.start_reading()
        self._blocked_order_ids = await transaction.relay_progress.list_blocked_orders()

    async def _publish_all(self, publish_batches: list[PublishBatch], on_success: Callable[[], None]) -> None:
        """Publish the batches one after the other while the next ones are read."""
        if not _is_small_read(publish_batches):
            self._read_ahead_task = self._abandonable_tasks.start_task(
                self._read_batches(publish_batches[-1].position)
            )
        for publish_batch in publish_batches:
            if self._stop_event.is_set():
                return
            rejected_events = await self._publish_batch(publish_batch)
            on_success()
            if rejected_events:
                # The batches that were read ahead may contain events of orders that are blocked now.
                self._cancel_read_ahead()
                return

    async def _take_next_batches(self) -> list[PublishBatch]:
        read_ahead_task, self._read_ahead_task = self._read_ahead_task, None
        return await (read_ahead_task or self._read_batches(self._position))

    async def _read_batches(self, position: int) -> list[PublishBatch]:
        log_events = await self._database.read(
            lambda transaction: transaction.relay_progress.list_after(
                position, _MAX_READ_EVENTS, _MAX_READ_BYTES
            )
        )
        return list(
            build_publish_batches(
                self._kafka_producer, log_events, self._blocked_order_ids, self._max_batch_bytes
            )
        )

    def _cancel_read_ahead(self) -> None:
        if self._read_ahead_task is not None:
            self._read_ahead_task.cancel()
            self._read_ahead_task = None

    async def _publish_batch(self, publish_batch: PublishBatch) -> list[RejectedEvent]:
        """Publish a batch, park its rejected events, and save its position; return the rejected events."""
        acknowledged_before, started_at_ns = self._kafka_producer.acknowledged_count, time.time_ns()
        rejected_events: list[RejectedEvent] = []
        for partition, error in (
            await self._kafka_producer.publish(publish_batch.batches_by_partition)
        ).items():
            log_events = publish_batch.batches_by_partition[partition].log_events
            if len(log_events) > 1:
                # A topic with a smaller limit would reject the next batches, too.
                self._max_batch_bytes = max(self._max_batch_bytes // 2, _MIN_BATCH_BYTES)
            rejected_events += await publish_by_bisection(self._kafka_producer, partition, log_events, error)
        self._last_response_at = time.monotonic()

        async def save_position(transaction: Transaction) -> None:
            # This process remembers blocked orders, so Postgres must not lose their parked events.
            await transaction.relay_progress.save(publish_batch.position, is_durable=bool(rejected_events))
            if rejected_events:
                await transaction.relay_progress.park_events(rejected_events)

        await self._write_fenced(save_position)
        self._position = publish_batch.position
        self._blocked_order_ids.update(rejected_event.event.order_id for rejected_event in rejected_events)
        self._worker_metrics.record_published(
            self._kafka_producer.acknowledged_count - acknowledged_before, publish_batch.oldest_occurred_at
        )
        self._worker_metrics.record_parked(len(rejected_events))
        published_events = (
            event for batch in publish_batch.batches_by_partition.values() for event in batch.log_events
        )
        self._publication_spans.record_published(
            published_events,
            [rejected_event.event.event_id for rejected_event in rejected_events],
            started_at_ns,
        )
        return rejected_events

    async def _retry_released_events(self) -> None:
        """Publish released events with the later events of their orders."""
        if not self._blocked_order_ids or time.monotonic() - self._released_read_at < _RELEASE_POLL_SECONDS:
            return
        self._released_read_at = time.monotonic()
        for released_event in await self._database.read(
            lambda transaction: transaction.relay_progress.list_released(100)
        ):
            self._cancel_read_ahead()
            await self._retry_order(released_event)

    async def _retry_order(self, released_event: ReleasedEvent) -> None:
        partition = self._kafka_producer.get_partition(released_event.order_id)
        next_sequence = released_event.sequence
        while log_events := await self._read_order_events(released_event.order_id, next_sequence):
            acknowledged_before = self._kafka_producer.acknowledged_count
            rejected_events = await publish_in_order(self._kafka_producer, partition, log_events)
            self._worker_metrics.record_published(
                self._kafka_producer.acknowledged_count - acknowledged_before
            )
            if rejected_events:
                await self._park_again(released_event, rejected_events[0])
                return
            next_sequence = log_events[-1].sequence + 1
        await self._write_fenced(
            lambda transaction: transaction.relay_progress.delete_parked(released_event.position)
        )
        self._blocked_order_ids.discard(released_event.order_id)

    async def _read_order_events(self, order_id: str, first_sequence: int) -> list[LogEvent]:
        last_position = self._position
        return await self._database.read(
            lambda transaction: transaction.relay_progress.list_of_order(
                order_id, first_sequence, last_position, ORDER_READ_LIMIT
            )
        )

    async def _park_again(self, released_event: ReleasedEvent, rejected_event: RejectedEvent) -> None:
        await self._write_fenced(
            lambda transaction: transaction.relay_progress.park_again(released_event.position, rejected_event)
        )
        self._worker_metrics.record_parked(1)

    async def _write_fenced(self, operation: Callable[[Transaction], Awaitable[None]]) -> None:
        await self._database.run_in_transaction(operation, fence=self._fence)

    async def _wait_small_read_delay(self) -> None:
        try:
            async with asyncio.timeout(SMALL_READ_DELAY_SECONDS):
                await self._stop_event.wait()
        except TimeoutError:
            return


def _is_small_read(publish_batches: list[PublishBatch]) -> bool:
    event_count = sum(
        len(batch.log_events)
        for publish_batch in publish_batches
        for batch in publish_batch.batches_by_partition.values()
    )
    return (
        event_count < SMALL_READ_EVENTS
        and sum(publish_batch.payload_characters for publish_batch in publish_batches) < _MAX_READ_BYTES // 4
    )

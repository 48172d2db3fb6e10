"""A round: events that follow each other in the log, in one batch for each partition."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from wms_core.domain.publishing import LogEvent
from wms_worker.kafka import Batch, Kafka

_ROUND = 8_000_000  # characters of payload; brokers take a hundred million bytes in one request


@dataclass(slots=True)
class Round:
    """What is published at once; then all up to `position` has been. It begins at the time `oldest`."""

    position: int
    oldest: str
    size: int = 0
    batches: dict[int, Batch] = field(default_factory=dict)


def rounds(kafka: Kafka, events: Iterable[LogEvent], held: Container[str], limit: int) -> Iterator[Round]:
    """Lay events out as rounds; one ends where a batch is full or has so many bytes.

    Events of orders that are held are passed over.
    """
    current: Round | None = None
    for event in events:
        if current is None:
            current = Round(event.position, event.occurred_at)
        if event.order_id not in held and not _add(kafka, current, event, limit):
            yield current
            current = Round(event.position, event.occurred_at)
            _add(kafka, current, event, limit)
        current.position = event.position
    if current is not None:
        yield current


def _add(kafka: Kafka, one: Round, event: LogEvent, limit: int) -> bool:
    """Add an event; False when the batch that it belongs in is full. An empty one takes anything."""
    one.size += len(event.payload)
    partition = kafka.partition(event.order_id)
    batch = one.batches.get(partition)
    if batch is None:
        batch = one.batches[partition] = kafka.batch()
        return batch.add(event)
    return batch.size < limit and one.size < _ROUND and batch.add(event)

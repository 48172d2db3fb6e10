"""Events that Kafka refuses: the one at fault is parked, and the later ones of its order wait behind it."""

from collections.abc import Sequence

import structlog

from wms_core.domain.publishing import LogEvent, Refusal
from wms_worker.kafka import Kafka

_log = structlog.get_logger(__name__)


async def publish_halves(
    kafka: Kafka, partition: int, events: Sequence[LogEvent], error: str
) -> list[Refusal]:
    """Publish events of one partition, which were refused together, without those that are at fault.

    Halves them until those are alone. The later events of an order that one is of are left out. Gives the
    refusals. Raises KafkaTrouble.
    """
    if len(events) == 1:
        _log.error("event_parked", event_id=events[0].event_id, order_id=events[0].order_id, error=error)
        return [Refusal(events[0], error)]
    middle = len(events) // 2
    refusals = await publish_in_order(kafka, partition, events[:middle])
    held = {refusal.event.order_id for refusal in refusals}
    rest = [event for event in events[middle:] if event.order_id not in held]
    return refusals + await publish_in_order(kafka, partition, rest)


async def publish_in_order(kafka: Kafka, partition: int, events: Sequence[LogEvent]) -> list[Refusal]:
    """Publish events of one partition one batch after the other; see `publish_halves`."""
    refusals: list[Refusal] = []
    held: set[str] = set()
    left = list(events)
    while left:
        batch = kafka.batch()
        taken = 0
        while taken < len(left) and batch.add(left[taken]):
            taken += 1
        refused = await kafka.publish({partition: batch})
        if refused:
            refusals += await publish_halves(kafka, partition, batch.events, refused[partition])
            held.update(refusal.event.order_id for refusal in refusals)
        left = [event for event in left[taken:] if event.order_id not in held]
    return refusals

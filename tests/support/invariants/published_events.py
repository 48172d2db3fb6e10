"""Check the invariants I5 to I7 (docs/concepts/invariants.md) of the events in a topic.

A trigger of the test records the committed events, and Kafka's own consumer reads the topic, independent of
the service's queries and its relay.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.support.external.kafka import Record
from tests.support.invariants.database import SqlConnection

_INSTALL_EVENT_RECORDER = """
    CREATE TABLE recorded_events (event_id uuid PRIMARY KEY);
    CREATE FUNCTION record_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO recorded_events VALUES (NEW.event_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER recorded_event AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION record_event();
    -- The first event of an order may be written to the log directly, without the outbox.
    CREATE FUNCTION record_first_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO recorded_events SELECT NEW.event_id FROM orders
         WHERE order_id = NEW.order_id AND xmin = pg_current_xact_id()::xid;
        RETURN NULL;
    END $$;
    CREATE TRIGGER recorded_first_event AFTER INSERT ON order_events FOR EACH ROW WHEN (NEW.sequence = 1)
        EXECUTE FUNCTION record_first_event();
"""
_SELECT_LOG = "SELECT event_id::text, order_id, sequence, payload::text FROM order_events ORDER BY position"
_SELECT_COMMITTED = "SELECT event_id::text FROM recorded_events"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event in the log."""

    event_id: str
    order_id: str
    sequence: int
    payload: str


async def record_events(sql: SqlConnection) -> None:
    """Record every committed event from now on."""
    await sql.execute(_INSTALL_EVENT_RECORDER)


async def find_publishing_violations(sql: SqlConnection, records: Sequence[Record]) -> list[str]:
    """Return all violations of I5, I6 and I7 by the records of a topic."""
    committed_ids = {row["event_id"] for row in await sql.fetch(_SELECT_COMMITTED)}
    log = [LoggedEvent(*row) for row in await sql.fetch(_SELECT_LOG)]
    return list(compare_topic_with_log(committed_ids, log, records))


def compare_topic_with_log(
    committed_ids: set[str], log: Sequence[LoggedEvent], records: Sequence[Record]
) -> Iterator[str]:
    """Yield all violations by the committed events, the log and the records of the topic."""
    events_by_id = {logged_event.event_id: logged_event for logged_event in log}
    topic_ids = {_event_id_of(record) for record in records}
    yield from _report_missing("committed, not in the log", committed_ids - events_by_id.keys())
    yield from _report_missing("in the log, never committed", events_by_id.keys() - committed_ids)
    yield from _report_missing("in the log, not in the topic", events_by_id.keys() - topic_ids)
    yield from _report_missing("in the topic, not in the log", topic_ids - events_by_id.keys())
    if len(events_by_id) < len(log):
        yield f"I5 the log has {len(log) - len(events_by_id)} duplicate events"
    if not log:
        yield "I5 the log is empty, so nothing was checked"
    yield from _find_order_violations(records, events_by_id)
    yield from _find_content_violations(records, events_by_id)


def _report_missing(violation_text: str, event_ids: Iterable[str]) -> Iterator[str]:
    return (f"I5 {violation_text}: {event_id}" for event_id in sorted(event_ids))


def _find_order_violations(
    records: Sequence[Record], events_by_id: Mapping[str, LoggedEvent]
) -> Iterator[str]:
    """Check the order of first occurrences; a repeated event may come after later ones."""
    partitions_by_key = defaultdict(set)
    newest_by_order: dict[str, int] = defaultdict(int)
    seen_ids: set[str] = set()
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        partitions_by_key[record.key].add(record.partition)
        logged_event = events_by_id.get(_event_id_of(record))
        if logged_event is None or logged_event.event_id in seen_ids:
            continue
        seen_ids.add(logged_event.event_id)
        if logged_event.sequence <= newest_by_order[logged_event.order_id]:
            yield (
                f"I6 {logged_event.order_id}: number {logged_event.sequence} "
                f"came after {newest_by_order[logged_event.order_id]}"
            )
        newest_by_order[logged_event.order_id] = max(
            logged_event.sequence, newest_by_order[logged_event.order_id]
        )
    yield from (
        f"I6 {key} is in partitions {key_partitions}"
        for key, key_partitions in partitions_by_key.items()
        if len(key_partitions) > 1
    )


def _find_content_violations(
    records: Sequence[Record], events_by_id: Mapping[str, LoggedEvent]
) -> Iterator[str]:
    """Check that key and value are those of the log, and that repeated records are identical."""
    first_content: dict[str, tuple[str, Mapping[str, str], bytes]] = {}
    for record in records:
        record_content = (record.key, record.headers, record.value)
        if first_content.setdefault(_event_id_of(record), record_content) != record_content:
            yield f"I7 {_event_id_of(record)} has different bytes at {record.partition}/{record.offset}"
        logged_event = events_by_id.get(_event_id_of(record))
        if logged_event and (record.key, record.value) != (
            logged_event.order_id,
            logged_event.payload.encode(),
        ):
            yield f"I7 {logged_event.event_id} differs from the log"


def _event_id_of(record: Record) -> str:
    return record.headers.get("ce_id", "none")

"""The promises of design 5 about what consumers of the topic read: I5 to I7.

What was committed is noted by a trigger of the test's own, what the topic holds is read by Kafka's own
consumer: nothing here uses the service's queries or its relay.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.support.invariants import Sql
from tests.support.kafka import Record

_RECORD = """
    CREATE TABLE recorded_events (event_id uuid PRIMARY KEY);
    CREATE FUNCTION record_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO recorded_events VALUES (NEW.event_id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER recorded_event AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION record_event();
    -- What comes into the log together with its order does not come from the outbox.
    CREATE FUNCTION record_first_event() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO recorded_events SELECT NEW.event_id FROM orders
         WHERE order_id = NEW.order_id AND xmin = pg_current_xact_id()::xid;
        RETURN NULL;
    END $$;
    CREATE TRIGGER recorded_first_event AFTER INSERT ON order_events FOR EACH ROW WHEN (NEW.sequence = 1)
        EXECUTE FUNCTION record_first_event();
"""
_LOG = "SELECT event_id::text, order_id, sequence, payload::text FROM order_events ORDER BY position"
_COMMITTED = "SELECT event_id::text FROM recorded_events"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the log has it."""

    event_id: str
    order_id: str
    sequence: int
    payload: str


async def record_events(sql: Sql) -> None:
    """From now on note every event that is committed."""
    await sql.execute(_RECORD)


async def breaches_of_events(sql: Sql, records: Sequence[Record]) -> list[str]:
    """Give every breach of I5, I6 and I7 by what the topic holds; nothing when all hold."""
    committed = {row["event_id"] for row in await sql.fetch(_COMMITTED)}
    log = [Told(*row) for row in await sql.fetch(_LOG)]
    return list(wrong(committed, log, records))


def wrong(committed: set[str], log: Sequence[Told], records: Sequence[Record]) -> Iterator[str]:
    """Give every breach by what was committed, what the log has and what the topic holds."""
    known = {told.event_id: told for told in log}
    in_topic = {_id(record) for record in records}
    yield from _missing("committed, not in the log", committed - known.keys())
    yield from _missing("in the log, never committed", known.keys() - committed)
    yield from _missing("in the log, not in the topic", known.keys() - in_topic)
    yield from _missing("in the topic, not in the log", in_topic - known.keys())
    if len(known) < len(log):
        yield f"I5 the log tells {len(log) - len(known)} events twice"
    if not log:
        yield "I5 nothing was told, so nothing was shown"
    yield from _out_of_order(records, known)
    yield from _dishonest(records, known)


def _missing(what: str, event_ids: Iterable[str]) -> Iterator[str]:
    return (f"I5 {what}: {event_id}" for event_id in sorted(event_ids))


def _out_of_order(records: Sequence[Record], known: Mapping[str, Told]) -> Iterator[str]:
    """Look at first occurrences: a repeated one may come after later ones."""
    places = defaultdict(set)
    newest: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        places[record.key].add(record.partition)
        told = known.get(_id(record))
        if told is None or told.event_id in seen:
            continue
        seen.add(told.event_id)
        if told.sequence <= newest[told.order_id]:
            yield f"I6 {told.order_id}: number {told.sequence} came after {newest[told.order_id]}"
        newest[told.order_id] = max(told.sequence, newest[told.order_id])
    yield from (f"I6 {key} is in partitions {found}" for key, found in places.items() if len(found) > 1)


def _dishonest(records: Sequence[Record], known: Mapping[str, Told]) -> Iterator[str]:
    """Look at all that a consumer gets: key, headers and value, which are those of the log."""
    first: dict[str, tuple[str, Mapping[str, str], bytes]] = {}
    for record in records:
        whole = (record.key, record.headers, record.value)
        if first.setdefault(_id(record), whole) != whole:
            yield f"I7 {_id(record)} has other bytes at {record.partition}/{record.offset}"
        told = known.get(_id(record))
        if told and (record.key, record.value) != (told.order_id, told.payload.encode()):
            yield f"I7 {told.event_id} is not what the log has"


def _id(record: Record) -> str:
    return record.headers.get("ce_id", "none")

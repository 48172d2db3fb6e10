"""The checker of what consumers read: it goes red on whatever it is there for."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.invariants_of_events import Told, wrong
from tests.support.kafka import Record

LOG = [Told(f"{order}-{number}", order, number, f'{{"n": {number}}}') for order in "AB" for number in (1, 2)]
TOPIC = [
    Record(partition, told.sequence - 1, told.order_id, {"ce_id": told.event_id}, told.payload.encode())
    for told in LOG
    for partition in ["AB".index(told.order_id)]
]
COMMITTED = {told.event_id for told in LOG}
Doctored = tuple[set[str], list[Told], list[Record]]


def _breaches(committed: set[str], log: list[Told], topic: list[Record]) -> list[str]:
    return list(wrong(committed, log, topic))


def test_a_topic_that_tells_the_log_is_right_even_twice() -> None:
    """At least once is what consumers are promised."""
    again = [replace(record, offset=record.offset + 2) for record in TOPIC]
    assert _breaches(COMMITTED, LOG, TOPIC) == []
    assert _breaches(COMMITTED, LOG, TOPIC + again) == []


DOCTORED: dict[str, Callable[[], Doctored]] = {
    "I5 committed, not in the log: C-1": lambda: ({*COMMITTED, "C-1"}, LOG, TOPIC),
    "I5 in the log, never committed: B-2": lambda: (COMMITTED - {"B-2"}, LOG, TOPIC),
    "I5 in the log, not in the topic: B-2": lambda: (COMMITTED, LOG, TOPIC[:3]),
    "I5 in the topic, not in the log: C-1": lambda: (
        COMMITTED,
        LOG,
        [*TOPIC, Record(0, 9, "C", {"ce_id": "C-1"}, b"{}")],
    ),
    "I5 the log tells 1 events twice": lambda: (COMMITTED, [*LOG, LOG[0]], TOPIC),
    "I6 A: number 1 came after 2": lambda: (
        COMMITTED,
        LOG,
        [replace(TOPIC[0], offset=1), replace(TOPIC[1], offset=0), *TOPIC[2:]],
    ),
    "I6 A is in partitions {0, 1}": lambda: (
        COMMITTED,
        LOG,
        [*TOPIC, replace(TOPIC[0], partition=1, offset=7)],
    ),
    "I7 A-1 has other bytes at 0/7": lambda: (
        COMMITTED,
        LOG,
        [*TOPIC, replace(TOPIC[0], offset=7, headers={**TOPIC[0].headers, "ce_time": "now"})],
    ),
    "I7 A-1 is not what the log has": lambda: (COMMITTED, LOG, [replace(TOPIC[0], value=b"{}"), *TOPIC[1:]]),
}


@pytest.mark.parametrize("breach", DOCTORED)
def test_each_breach_is_found(breach: str) -> None:
    """A checker that cannot fail proves nothing."""
    assert breach in _breaches(*DOCTORED[breach]())


def test_nothing_proves_nothing() -> None:
    """An empty topic beside an empty log is no success."""
    assert _breaches(set(), [], []) != []

"""The checker of published events reports every kind of violation."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.external.kafka import Record
from tests.support.invariants.published_events import LoggedEvent, compare_topic_with_log

LOG = [
    LoggedEvent(f"{order}-{number}", order, number, f'{{"n": {number}}}')
    for order in "AB"
    for number in (1, 2)
]
TOPIC = [
    Record(partition, event.sequence - 1, event.order_id, {"ce_id": event.event_id}, event.payload.encode())
    for event in LOG
    for partition in ["AB".index(event.order_id)]
]
COMMITTED = {event.event_id for event in LOG}
TamperedState = tuple[set[str], list[LoggedEvent], list[Record]]


def _find_violations(committed: set[str], log: list[LoggedEvent], topic: list[Record]) -> list[str]:
    return list(compare_topic_with_log(committed, log, topic))


def test_topic_matching_the_log_has_no_violation() -> None:
    """Consumers are promised at-least-once delivery, so repetitions are allowed."""
    repeated = [replace(record, offset=record.offset + 2) for record in TOPIC]
    assert _find_violations(COMMITTED, LOG, TOPIC) == []
    assert _find_violations(COMMITTED, LOG, TOPIC + repeated) == []


TAMPERED_STATES: dict[str, Callable[[], TamperedState]] = {
    "I5 committed, not in the log: C-1": lambda: ({*COMMITTED, "C-1"}, LOG, TOPIC),
    "I5 in the log, never committed: B-2": lambda: (COMMITTED - {"B-2"}, LOG, TOPIC),
    "I5 in the log, not in the topic: B-2": lambda: (COMMITTED, LOG, TOPIC[:3]),
    "I5 in the topic, not in the log: C-1": lambda: (
        COMMITTED,
        LOG,
        [*TOPIC, Record(0, 9, "C", {"ce_id": "C-1"}, b"{}")],
    ),
    "I5 the log has 1 duplicate events": lambda: (COMMITTED, [*LOG, LOG[0]], TOPIC),
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
    "I7 A-1 has different bytes at 0/7": lambda: (
        COMMITTED,
        LOG,
        [*TOPIC, replace(TOPIC[0], offset=7, headers={**TOPIC[0].headers, "ce_time": "now"})],
    ),
    "I7 A-1 differs from the log": lambda: (COMMITTED, LOG, [replace(TOPIC[0], value=b"{}"), *TOPIC[1:]]),
}


@pytest.mark.parametrize("violation", TAMPERED_STATES)
def test_each_violation_is_reported(violation: str) -> None:
    """Without this test, a checker that never fails would go unnoticed."""
    assert violation in _find_violations(*TAMPERED_STATES[violation]())


def test_empty_topic_and_log_are_a_violation() -> None:
    """An empty topic beside an empty log must not count as a success."""
    assert _find_violations(set(), [], []) != []

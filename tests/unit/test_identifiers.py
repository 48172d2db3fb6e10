"""Ids that sort by the time they were made."""

import time

from ulid import ULID

from wms_core.application.identifiers import new_id


def test_an_id_is_a_ulid_of_now() -> None:
    """A ULID's own library reads the time at which it was made."""
    before = time.time_ns() // 1_000_000
    made = new_id("ORD-")
    after = time.time_ns() // 1_000_000
    assert made.startswith("ORD-")
    assert before <= ULID.from_str(made.removeprefix("ORD-")).milliseconds <= after


def test_ids_of_one_moment_differ() -> None:
    """Eighty bits are left to chance, all of them."""
    numbers = [int(ULID.from_str(new_id(""))) for _ in range(1000)]
    seen, both = 0, (1 << 80) - 1
    for number in numbers:
        seen |= number
        both &= number
    assert len(set(numbers)) == 1000
    assert (seen & (1 << 80) - 1, both) == ((1 << 80) - 1, 0)

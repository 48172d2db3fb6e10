"""Generated ids sort by their creation time."""

import time

from ulid import ULID

from wms_core.runtime.ids import new_id


def test_id_is_a_ulid_of_the_present_time() -> None:
    """The reference library of ULIDs reads its creation time."""
    before = time.time_ns() // 1_000_000
    new_order_id = new_id("ORD-")
    after = time.time_ns() // 1_000_000
    assert new_order_id.startswith("ORD-")
    assert before <= ULID.from_str(new_order_id.removeprefix("ORD-")).milliseconds <= after


def test_ids_of_the_same_millisecond_differ() -> None:
    """All eighty random bits vary."""
    numbers = [int(ULID.from_str(new_id(""))) for _ in range(1000)]
    bits_set, bits_always_set = 0, (1 << 80) - 1
    for number in numbers:
        bits_set |= number
        bits_always_set &= number
    assert len(set(numbers)) == 1000
    assert (bits_set & (1 << 80) - 1, bits_always_set) == ((1 << 80) - 1, 0)

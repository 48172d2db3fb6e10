"""Ids that sort by the time they were made."""

from os import urandom

from wms_core.clock import CLOCK

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Two digits of five bits at a time: an id is made for every order.
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_SHIFTS = range(120, -1, -10)


def new_id(prefix: str) -> str:
    """Give the prefix followed by a fresh 26-character ULID: 48 bits of milliseconds, 80 of chance."""
    number = CLOCK.now_ns() // 1_000_000 << 80 | int.from_bytes(urandom(10), "big")
    return prefix + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])

"""Ids that sort by creation time."""

from os import urandom

from wms_core.runtime.clock import DATABASE_CLOCK

_BASE32_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Two digits of five bits at a time for speed: every order needs an id.
_DIGIT_PAIRS = [high_digit + low_digit for high_digit in _BASE32_DIGITS for low_digit in _BASE32_DIGITS]
_PAIR_SHIFTS = range(120, -1, -10)


def new_id(prefix: str) -> str:
    """Return the prefix with a new 26-character ULID: 48 bits of milliseconds, 80 random bits."""
    ulid_number = DATABASE_CLOCK.now_ns() // 1_000_000 << 80 | int.from_bytes(urandom(10), "big")
    return prefix + "".join([_DIGIT_PAIRS[ulid_number >> bit_shift & 1023] for bit_shift in _PAIR_SHIFTS])

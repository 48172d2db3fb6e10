"""Repeatable random numbers, which depend on the subject and not on time."""

import hashlib
import math
from dataclasses import dataclass

BITS = 53


def hash_to_share(*words: object) -> float:
    """Return a number from 0 to below 1 that depends only on these words."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return math.ldexp(int.from_bytes(digest[:8]) >> (64 - BITS), -BITS)


@dataclass(frozen=True)
class SeededRandom:
    """Random numbers by subject and kind, independent of the order of the calls."""

    seed: int

    def draw_share(self, kind: str, subject: str) -> float:
        """Return the number of this subject for this kind, from 0 to below 1."""
        return hash_to_share(self.seed, kind, subject)

    def is_hit(self, rate: float, kind: str, subject: str) -> bool:
        """Return whether this subject belongs to the share `rate` of all subjects."""
        return self.draw_share(kind, subject) < rate

    def draw_between(self, minimum: float, maximum: float, kind: str, subject: str) -> float:
        """Return a number in this range."""
        return minimum + (maximum - minimum) * self.draw_share(kind, subject)

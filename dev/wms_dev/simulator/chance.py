"""Chance that can be repeated: what befalls a carrier or an order line hangs on its name, not on the hour."""

import hashlib
import math
from dataclasses import dataclass

BITS = 53


def share(*words: object) -> float:
    """A number from 0 to below 1 that is always the same for these words, and like no other's."""
    mark = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return math.ldexp(int.from_bytes(mark[:8]) >> (64 - BITS), -BITS)


@dataclass(frozen=True)
class Chance:
    """Draws by subject and kind; the order in which they are made changes none of them."""

    seed: int

    def draw(self, kind: str, subject: str) -> float:
        """The number that this subject has for this kind of chance, from 0 to below 1."""
        return share(self.seed, kind, subject)

    def strikes(self, rate: float, kind: str, subject: str) -> bool:
        """Whether this subject is among the share `rate` of all subjects."""
        return self.draw(kind, subject) < rate

    def between(self, least: float, most: float, kind: str, subject: str) -> float:
        """A number in this range."""
        return least + (most - least) * self.draw(kind, subject)

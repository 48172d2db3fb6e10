"""How long things take in the simulated warehouse, in seconds."""

import random
from dataclasses import dataclass

IDLE_POLL = 0.25
BUSY_POLL = 0.1


@dataclass(frozen=True)
class Pace:
    """Times drawn from a seeded chance; `speed` 2 halves them all but the polls."""

    rng: random.Random
    speed: float = 1.0

    def drive(self) -> float:
        """One carrier's trip."""
        return self._between(0.3, 1.2)

    def pack(self) -> float:
        """Packing one order."""
        return self._between(0.1, 0.5)

    def deliver(self) -> float:
        """From the warehouse's door to the customer's."""
        return self._between(0.5, 2.0)

    def poll(self, *, busy: bool) -> float:
        """Until the service is asked again, with jitter so that callers don't march in step."""
        return (BUSY_POLL if busy else IDLE_POLL) * self.rng.uniform(0.8, 1.2)

    def _between(self, least: float, most: float) -> float:
        return self.rng.uniform(least, most) / self.speed

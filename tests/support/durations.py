"""How long the tests of failures take: short ones in `make test`, the full ones in `make soak`."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds; `replicas` is how many workers there are while one after the other is restarted."""

    session: float
    outage: float
    restarts: float
    replicas: int


SHORT = Durations(session=2.0, outage=15.0, restarts=0.0, replicas=2)
FULL = Durations(session=6.0, outage=60.0, restarts=120.0, replicas=4)
# Not an option of pytest's: tests are read, and their constants with them, before options are.
CHOSEN = FULL if os.environ.get("SOAK") == "1" else SHORT

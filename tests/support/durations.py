"""How long the tests of failures take: short ones in `make test`, the full ones in `make soak`."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds; `replicas` is how many workers there are while one after the other is restarted.

    `kafka_outage` is how long there is no broker, `transaction` how long one is left open beside the relay,
    `bounces` how often a broker is killed and started again.
    """

    session: float
    outage: float
    restarts: float
    replicas: int
    kafka_outage: float
    transaction: float
    bounces: int


SHORT = Durations(
    session=2.0, outage=15.0, restarts=0.0, replicas=2, kafka_outage=5.0, transaction=2.0, bounces=1
)
FULL = Durations(
    session=6.0, outage=60.0, restarts=120.0, replicas=4, kafka_outage=300.0, transaction=180.0, bounces=10
)
# Not an option of pytest's: tests are read, and their constants with them, before options are.
CHOSEN = FULL if os.environ.get("SOAK") == "1" else SHORT

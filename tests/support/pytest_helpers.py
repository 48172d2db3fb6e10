"""Durations of the failure tests: short ones in `make test`, full ones in `make soak`."""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class FaultDurations:
    """Durations in seconds, and counts.

    `replica_count` is the number of workers during a rolling restart, `open_transaction_seconds` the time for
    which a transaction stays open beside the relay, `broker_restarts` how often a broker is killed.
    """

    session_seconds: float
    outage_seconds: float
    restart_seconds: float
    replica_count: int
    kafka_outage_seconds: float
    open_transaction_seconds: float
    broker_restarts: int


SHORT_DURATIONS = FaultDurations(
    session_seconds=2.0,
    outage_seconds=15.0,
    restart_seconds=0.0,
    replica_count=2,
    kafka_outage_seconds=5.0,
    open_transaction_seconds=2.0,
    broker_restarts=1,
)
FULL_DURATIONS = FaultDurations(
    session_seconds=6.0,
    outage_seconds=60.0,
    restart_seconds=120.0,
    replica_count=4,
    kafka_outage_seconds=300.0,
    open_transaction_seconds=180.0,
    broker_restarts=10,
)
# Not a pytest option: test modules, and constants in them, are imported before options are parsed.
FAULT_DURATIONS = FULL_DURATIONS if os.environ.get("SOAK") == "1" else SHORT_DURATIONS


WITH_AND_WITHOUT_BATCHING = [
    pytest.mark.usefixtures("group_commit_calls"),
    pytest.mark.parametrize("group_commit_calls", [256, 1], indirect=True, ids=["joined", "alone"]),
]

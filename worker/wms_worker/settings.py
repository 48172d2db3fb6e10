"""What the worker takes from its environment; nothing else reads it."""

import os
import socket
from datetime import timedelta
from math import ceil
from typing import Self

from pydantic import Field, model_validator

from wms_core.application.fenced import CycleRules
from wms_core.domain.orders import Priority
from wms_core.domain.workers import Role
from wms_core.settings import NONE, Address, AddressOrNone, Duration
from wms_worker.ensemble_settings import EnsembleSettings
from wms_worker.kafka_settings import KafkaSettings

#: Orders that a step deals with in one cycle, and for which stock is planned together, at most.
_MOST, _PLANNED = 10_000, 5_000
#: Transactions of a step that run side by side. Small ones mostly wait for the disk, and share its answers.
_AT_ONCE, _SMALL_AT_ONCE = 2, 8
#: Orders from which on a transaction is not a small one.
_LARGE = 50


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class WorkerSettings(EnsembleSettings, KafkaSettings):
    """One replica of the worker."""

    worker_addr: Address = Field(
        ":8002", description="Where the worker answers for its health over gRPC: host:port, or :port."
    )
    worker_http_addr: AddressOrNone = Field(
        ":8082", description="Where the worker serves /health, /ready and /metrics over HTTP; empty: nowhere."
    )
    worker_id: str = Field(
        default_factory=_default_worker_id,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="The name of this replica; set it to keep it across restarts.",
    )
    worker_roles: str = Field(
        "fulfillment,relay",
        pattern=r"^(fulfillment|relay)(,(fulfillment|relay))*$",
        description="The roles that this replica stands for, each elected by itself; relay with Kafka only.",
    )
    fulfillment_interval: Duration = Field(
        timedelta(seconds=1), gt=NONE, description="The time between two cycles."
    )
    auto_validate: bool = Field(
        True, description="Whether the worker validates; else somebody calls ValidateOrder."
    )
    cycle_batch: int = Field(
        500, ge=1, le=5000, description="Orders that the worker changes in one transaction at most."
    )
    wave_size: int = Field(50, ge=1, le=500, description="Orders of a wave at most.")
    relocation_limit: int = Field(
        5,
        ge=0,
        le=1000,
        description="A carrier behind more others than that is used only when there is no other.",
    )
    runs_kept: Duration = Field(timedelta(days=1), description="How long records of cycles are kept.")
    move_timeout: Duration = Field(
        timedelta(minutes=10), gt=NONE, description="How long a move may take before it counts as failed."
    )
    standalone_lease: Duration = Field(
        timedelta(seconds=10),
        gt=NONE,
        # The view held_roles expects a heartbeat within 30 s; there are three in a lease.
        le=timedelta(seconds=30),
        description="How long the active replica's heartbeat stays fresh, without ZooKeeper.",
    )
    drain_grace: Duration = Field(
        timedelta(seconds=20), description="How long the running step may go on after SIGTERM."
    )
    unfulfilled_after_same_day: Duration = Field(
        timedelta(hours=4), description="How old a same-day order may get before it has waited too long."
    )
    unfulfilled_after_next_day: Duration = Field(
        timedelta(hours=24), description="How old a next-day order may get before it has waited too long."
    )
    unfulfilled_after_standard: Duration = Field(
        timedelta(hours=72), description="How old a standard order may get before it has waited too long."
    )
    metrics_refresh: Duration = Field(
        timedelta(seconds=5), description="The shortest time between two readings of what waits, for metrics."
    )

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        """Refuse a replica that stands for nothing."""
        if not self.roles:
            raise ValueError("WORKER_ROLES=relay needs KAFKA_BROKERS")
        return self

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles to stand for."""
        return tuple(role for role in self.named_roles if role != Role.RELAY or self.kafka_brokers)

    @property
    def named_roles(self) -> tuple[str, ...]:
        """The roles that are asked for, each once, also that of the relay when there is no Kafka."""
        return tuple(dict.fromkeys(self.worker_roles.split(",")))

    @property
    def unfulfilled_after(self) -> dict[Priority, timedelta]:
        """The ages from which on unshipped orders are too old."""
        return {
            Priority.SAME_DAY: self.unfulfilled_after_same_day,
            Priority.NEXT_DAY: self.unfulfilled_after_next_day,
            Priority.STANDARD: self.unfulfilled_after_standard,
        }

    @property
    def _at_once(self) -> int:
        """How many transactions of a step run side by side; some connections are for what else there is."""
        if self.cycle_batch >= _LARGE:
            return _AT_ONCE
        return min(_SMALL_AT_ONCE, max(_AT_ONCE, self.database_pool_size - _AT_ONCE))

    @property
    def cycle_rules(self) -> CycleRules:
        """The rules of the cycle."""
        return CycleRules(
            auto_validate=self.auto_validate,
            wave_size=self.wave_size,
            move_timeout=self.move_timeout,
            partial=self.partial_rule,
            runs_kept=self.runs_kept,
            most_blockers=self.relocation_limit,
            retry_policy=self.retry_policy,
            batch=self.cycle_batch,
            rounds=ceil(_MOST / self.cycle_batch),
            planned=ceil(_PLANNED / self.cycle_batch),
            at_once=self._at_once,
        )

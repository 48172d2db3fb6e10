"""Settings of the worker. Only this module reads the worker's environment variables."""

import os
import socket
from datetime import timedelta
from math import ceil
from typing import Self

from pydantic import Field, model_validator

from wms_core.application.cycle.batch_runner import CycleRules
from wms_core.config.settings import ZERO_DURATION, DurationSetting, ListenAddress, OptionalListenAddress
from wms_core.domain.orders.orders import Priority
from wms_core.domain.workers import Role
from wms_worker.leadership.zookeeper_settings import ZooKeeperSettings
from wms_worker.relay.kafka_settings import KafkaSettings

#: Maximum orders that a step processes in one cycle, and maximum orders in one allocation plan.
_MAX_CYCLE_ORDERS, _MAX_PLANNED_ORDERS = 10_000, 5_000
#: Concurrent transactions of a step. Small transactions mostly wait for the commit to reach the disk, and
#: concurrent commits share one disk write, so more of them may run.
_CONCURRENT_TRANSACTIONS, _CONCURRENT_SMALL_TRANSACTIONS = 2, 8
#: Batch size from which a transaction counts as large.
_LARGE_TRANSACTION_ORDERS = 50


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class WorkerSettings(ZooKeeperSettings, KafkaSettings):
    """Settings of one worker replica."""

    worker_addr: ListenAddress = Field(
        ":8002", description="Address of the worker's gRPC health service: host:port, or :port."
    )
    worker_http_addr: OptionalListenAddress = Field(
        ":8082", description="HTTP address of the worker's /health, /ready and /metrics; empty disables them."
    )
    worker_id: str = Field(
        default_factory=_default_worker_id,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="Name of this replica. Set it to keep the name across restarts.",
    )
    worker_roles: str = Field(
        "fulfillment,relay",
        pattern=r"^(fulfillment|relay)(,(fulfillment|relay))*$",
        description="Roles that this replica is a candidate for. The relay needs KAFKA_BROKERS.",
    )
    fulfillment_interval: DurationSetting = Field(
        timedelta(seconds=1), gt=ZERO_DURATION, description="Time between two cycles."
    )
    auto_validate: bool = Field(
        True, description="Validate new orders in the worker. If false, clients call ValidateOrder."
    )
    cycle_batch: int = Field(
        500, ge=1, le=5000, description="Maximum orders that the worker changes in one transaction."
    )
    wave_size: int = Field(50, ge=1, le=500, description="Maximum orders of a wave.")
    relocation_limit: int = Field(
        5,
        ge=0,
        le=1000,
        description="A load carrier behind more unallocated ones than this is used only as a last resort.",
    )
    runs_kept: DurationSetting = Field(timedelta(days=1), description="Retention of the records of cycles.")
    move_timeout: DurationSetting = Field(
        timedelta(minutes=10),
        gt=ZERO_DURATION,
        description="Time after which a move without a report fails.",
    )
    standalone_lease: DurationSetting = Field(
        timedelta(seconds=10),
        gt=ZERO_DURATION,
        # The view held_roles requires a heartbeat within 30 s; a replica sends three per lease.
        le=timedelta(seconds=30),
        description="Lease of the active replica when there is no ZooKeeper.",
    )
    drain_grace: DurationSetting = Field(
        timedelta(seconds=20), description="Time for the running step to finish after SIGTERM."
    )
    unfulfilled_after_same_day: DurationSetting = Field(
        timedelta(hours=4), description="Age from which an unshipped same-day order counts as late."
    )
    unfulfilled_after_next_day: DurationSetting = Field(
        timedelta(hours=24), description="Age from which an unshipped next-day order counts as late."
    )
    unfulfilled_after_standard: DurationSetting = Field(
        timedelta(hours=72), description="Age from which an unshipped standard order counts as late."
    )
    metrics_refresh: DurationSetting = Field(
        timedelta(seconds=5), description="Minimum time between two reads of the backlog for metrics."
    )

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        """Reject a replica without an eligible role."""
        if not self.eligible_roles:
            raise ValueError("WORKER_ROLES=relay needs KAFKA_BROKERS")
        return self

    @property
    def eligible_roles(self) -> tuple[str, ...]:
        """The roles that this replica is a candidate for."""
        return tuple(role for role in self.all_roles if role != Role.RELAY or self.kafka_brokers)

    @property
    def all_roles(self) -> tuple[str, ...]:
        """The roles in `WORKER_ROLES`, each once, including the relay when there is no Kafka."""
        return tuple(dict.fromkeys(self.worker_roles.split(",")))

    @property
    def age_limits(self) -> dict[Priority, timedelta]:
        """The ages from which unshipped orders count as late, by priority."""
        return {
            Priority.SAME_DAY: self.unfulfilled_after_same_day,
            Priority.NEXT_DAY: self.unfulfilled_after_next_day,
            Priority.STANDARD: self.unfulfilled_after_standard,
        }

    @property
    def _transaction_concurrency(self) -> int:
        """The number of concurrent transactions of a step, which leaves connections for other tasks."""
        if self.cycle_batch >= _LARGE_TRANSACTION_ORDERS:
            return _CONCURRENT_TRANSACTIONS
        return min(
            _CONCURRENT_SMALL_TRANSACTIONS,
            max(_CONCURRENT_TRANSACTIONS, self.database_pool_size - _CONCURRENT_TRANSACTIONS),
        )

    @property
    def cycle_rules(self) -> CycleRules:
        """The rules of the cycle, from these settings."""
        return CycleRules(
            auto_validate=self.auto_validate,
            wave_size=self.wave_size,
            move_timeout=self.move_timeout,
            partial_rule=self.partial_rule,
            run_retention=self.runs_kept,
            max_blocking_carriers=self.relocation_limit,
            retry_policy=self.retry_policy,
            batch_size=self.cycle_batch,
            max_batches=ceil(_MAX_CYCLE_ORDERS / self.cycle_batch),
            batches_per_plan=ceil(_MAX_PLANNED_ORDERS / self.cycle_batch),
            concurrency=self._transaction_concurrency,
        )

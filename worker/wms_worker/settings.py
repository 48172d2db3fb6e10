"""What the worker takes from its environment; nothing else reads it."""

import os
import socket
from datetime import timedelta

from pydantic import Field

from wms_core.application.fenced import CycleRules
from wms_core.settings import NONE, Address, CoreSettings, Duration


def _default_worker_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class WorkerSettings(CoreSettings):
    """One replica of the worker."""

    worker_addr: Address = Field(
        ":8002", description="Where the worker tells of its health: host:port, or :port."
    )
    worker_id: str = Field(
        default_factory=_default_worker_id,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
        description="The name of this replica; set it to keep it across restarts.",
    )
    fulfillment_interval: Duration = Field(
        timedelta(seconds=1), gt=NONE, description="The time between two cycles."
    )
    auto_validate: bool = Field(
        True, description="Whether the worker validates; else somebody calls ValidateOrder."
    )
    wave_size: int = Field(50, ge=1, le=500, description="Orders of a wave at most.")
    move_timeout: Duration = Field(
        timedelta(minutes=10), gt=NONE, description="How long a move may take before it counts as failed."
    )
    standalone_lease: Duration = Field(
        timedelta(seconds=10),
        gt=NONE,
        description="How long the active replica's heartbeat stays fresh, without ZooKeeper.",
    )
    drain_grace: Duration = Field(
        timedelta(seconds=20), description="How long the running step may go on after SIGTERM."
    )

    @property
    def cycle_rules(self) -> CycleRules:
        """The rules of the cycle."""
        return CycleRules(
            auto_validate=self.auto_validate,
            wave_size=self.wave_size,
            move_timeout=self.move_timeout,
            retry_policy=self.retry_policy,
        )

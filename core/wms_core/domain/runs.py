"""Records of the fulfillment cycle, pauses, and statistics of a warehouse."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wms_core.domain.order_status import OrderStatus


class RunStatus(StrEnum):
    """How far a run is."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"  # some of its steps broke; the record names them
    ABANDONED = "abandoned"  # its worker lost the role or died


class Step(StrEnum):
    """The steps of a cycle, in their order."""

    RETRY_DUE = "retry_due"
    VALIDATE = "validate"
    PLAN_WAVES = "plan_waves"
    FILL_BACKORDERS = "fill_backorders"
    ALLOCATE = "allocate"
    REQUEST_MOVES = "request_moves"
    REQUEST_RELOCATIONS = "request_relocations"
    START_PICKING = "start_picking"
    TAKE_IN_ARRIVALS = "take_in_arrivals"
    REQUEST_RETURNS = "request_returns"
    FAIL_OVERDUE_MOVES = "fail_overdue_moves"
    TAKE_IN_FAILED_MOVES = "take_in_failed_moves"
    TAKE_IN_HELD_CARRIERS = "take_in_held_carriers"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How many orders, backorders or moves a step dealt with, in how many seconds."""

    step: Step
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One cycle, or one that was asked for."""

    run_id: str
    status: RunStatus
    warehouse_id: str = ""
    requested_by: str = ""
    created_at: datetime | None = None
    requested_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker_id: str = ""
    epoch: int = 0
    steps: tuple[StepResult, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """New work is stopped in a warehouse, or everywhere (empty id), until it expires or is resumed."""

    warehouse_id: str
    reason: str
    paused_by: str
    paused_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many orders wait in a status for a reason, and the oldest of them."""

    status: OrderStatus
    reason: str
    count: int
    oldest_at: datetime
    oldest_id: str


@dataclass(frozen=True, slots=True)
class WarehouseStats:
    """What goes on in a warehouse; `times` are the percentiles 50, 95 and 99 of the last hour in seconds."""

    warehouse_id: str
    waiting: tuple[Waiting, ...]
    overdue: int
    received: int
    shipped: int
    dead_lettered: int
    backordered_units: int
    times: tuple[float, ...] = ()

    @property
    def success_rate(self) -> float | None:
        """The share of shipped among those that were shipped or dead-lettered; None without any."""
        ended = self.shipped + self.dead_lettered
        return self.shipped / ended if ended else None

"""Runs of the fulfillment cycle, pauses, and statistics of a warehouse."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wms_core.domain.orders.status import OrderStatus


class RunStatus(StrEnum):
    """Status of a run."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"  # at least one step failed; the record names it
    ABANDONED = "abandoned"  # its worker lost the role or died


class CycleStep(StrEnum):
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
class StepOutcome:
    """Number of processed orders, backorders or moves of a step, and its duration."""

    cycle_step: CycleStep
    count: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One cycle, or a request for one."""

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
    step_outcomes: tuple[StepOutcome, ...] = ()
    step_errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FulfillmentPause:
    """A stop of new work in a warehouse, or everywhere (empty id), until it expires or is resumed."""

    warehouse_id: str
    reason: str
    paused_by: str
    paused_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitingOrders:
    """Orders that wait in a status for a reason: their number, and the oldest of them."""

    status: OrderStatus
    reason: str
    order_count: int
    oldest_at: datetime
    oldest_id: str


@dataclass(frozen=True, slots=True)
class WarehouseStats:
    """Statistics of a warehouse; the percentiles are 50, 95 and 99 of the last hour."""

    warehouse_id: str
    waiting_orders: tuple[WaitingOrders, ...]
    overdue_orders: int
    received_orders: int
    shipped_orders: int
    dead_lettered_orders: int
    backordered_units: int
    shipping_percentiles_seconds: tuple[float, ...] = ()

    @property
    def success_rate(self) -> float | None:
        """The share of shipped orders among shipped and dead-lettered ones; None if there are none."""
        finished_orders = self.shipped_orders + self.dead_lettered_orders
        return self.shipped_orders / finished_orders if finished_orders else None

"""Conversion of runs, pauses, statistics, workers and parked events."""

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from wms.orders.v1 import fulfillment_pb2
from wms_core.domain.cycle_runs import FulfillmentPause, Run, RunStatus, WarehouseStats
from wms_core.domain.events.kafka import ParkedEvent
from wms_core.domain.workers import RoleStatus, Worker, WorkerMode
from wms_server.mapping.common import enum_names, enum_numbers, to_optional_timestamp
from wms_server.mapping.orders import WAITING_REASON_NUMBERS, to_event_message, to_status_number

RUN_STATUS_NAMES = enum_names(fulfillment_pb2.FulfillmentRunStatus, "FULFILLMENT_RUN_STATUS_", RunStatus)
RUN_STATUS_NUMBERS = enum_numbers(fulfillment_pb2.FulfillmentRunStatus, "FULFILLMENT_RUN_STATUS_")
STEP_NUMBERS = enum_numbers(fulfillment_pb2.FulfillmentStep, "FULFILLMENT_STEP_")


def to_run_message(run: Run) -> fulfillment_pb2.FulfillmentRun:
    """Return the message of a run."""
    return fulfillment_pb2.FulfillmentRun(
        run_id=run.run_id,
        status=RUN_STATUS_NUMBERS[run.status.value],  # type: ignore[arg-type]
        warehouse_id=run.warehouse_id,
        requested=run.requested_at is not None,
        requested_by=run.requested_by,
        requested_at=to_optional_timestamp(run.requested_at),
        started_at=to_optional_timestamp(run.started_at),
        finished_at=to_optional_timestamp(run.finished_at),
        worker_id=run.worker_id,
        epoch=run.epoch,
        steps=[
            fulfillment_pb2.FulfillmentStepResult(
                step=STEP_NUMBERS[step_outcome.cycle_step.value],  # type: ignore[arg-type]
                count=step_outcome.count,
                elapsed=to_duration(step_outcome.duration_seconds),
            )
            for step_outcome in run.step_outcomes
        ],
        errors=run.step_errors,
    )


def to_pause_message(fulfillment_pause: FulfillmentPause) -> fulfillment_pb2.FulfillmentPause:
    """Return the message of a pause."""
    return fulfillment_pb2.FulfillmentPause(
        warehouse_id=fulfillment_pause.warehouse_id,
        reason=fulfillment_pause.reason,
        paused_by=fulfillment_pause.paused_by,
        paused_at=to_optional_timestamp(fulfillment_pause.paused_at),
        expires_at=to_optional_timestamp(fulfillment_pause.expires_at),
    )


def to_stats_message(
    warehouse_stats: WarehouseStats, fulfillment_pauses: Sequence[FulfillmentPause]
) -> fulfillment_pb2.WarehouseFulfillmentStats:
    """Return the message of a warehouse's statistics, with the pauses that apply to it."""
    oldest_waiting = min(
        warehouse_stats.waiting_orders, key=lambda waiting_orders: waiting_orders.oldest_at, default=None
    )
    p50_duration, p95_duration, p99_duration = (
        (to_duration(time) for time in warehouse_stats.shipping_percentiles_seconds)
        if warehouse_stats.shipping_percentiles_seconds
        else (None, None, None)
    )
    return fulfillment_pb2.WarehouseFulfillmentStats(
        warehouse_id=warehouse_stats.warehouse_id,
        waiting=[
            fulfillment_pb2.WaitingOrders(
                status=to_status_number(waiting_orders.status),
                waiting_reason=WAITING_REASON_NUMBERS[waiting_orders.reason],  # type: ignore[arg-type]
                count=waiting_orders.order_count,
            )
            for waiting_orders in warehouse_stats.waiting_orders
        ],
        oldest_waiting_at=to_optional_timestamp(oldest_waiting.oldest_at if oldest_waiting else None),
        oldest_waiting_order_id=oldest_waiting.oldest_id if oldest_waiting else "",
        overdue=warehouse_stats.overdue_orders,
        received_last_hour=warehouse_stats.received_orders,
        shipped_last_hour=warehouse_stats.shipped_orders,
        fulfillment_time_p50=p50_duration,
        fulfillment_time_p95=p95_duration,
        fulfillment_time_p99=p99_duration,
        success_rate=warehouse_stats.success_rate,
        pauses=[
            to_pause_message(fulfillment_pause)
            for fulfillment_pause in fulfillment_pauses
            if fulfillment_pause.warehouse_id in ("", warehouse_stats.warehouse_id)
        ],
        backordered_units=warehouse_stats.backordered_units,
    )


def to_duration(value: float) -> Duration:
    """Return a duration message for a number of seconds."""
    duration_message = Duration()
    duration_message.FromNanoseconds(round(value * 1_000_000_000))
    return duration_message


MODE_NAMES = enum_names(fulfillment_pb2.WorkerMode, "WORKER_MODE_", WorkerMode)
_MODE_NUMBERS = enum_numbers(fulfillment_pb2.WorkerMode, "WORKER_MODE_")


def to_worker_message(worker: Worker) -> fulfillment_pb2.Worker:
    """Return the message of a worker."""
    return fulfillment_pb2.Worker(
        worker_id=worker.worker_id,
        host=worker.host,
        mode=_MODE_NUMBERS[worker.mode.value],  # type: ignore[arg-type]
        roles=[_to_role_message(role_status) for role_status in worker.role_statuses],
        last_cycle_at=to_optional_timestamp(worker.last_cycle_at),
        heartbeat_at=to_optional_timestamp(worker.heartbeat_at),
        started_at=to_optional_timestamp(worker.started_at),
        version=worker.version,
    )


def _to_role_message(role_status: RoleStatus) -> fulfillment_pb2.WorkerRole:
    return fulfillment_pb2.WorkerRole(
        role=role_status.role,
        active=role_status.is_active,
        epoch=role_status.epoch,
        held_for=_to_optional_duration(role_status.held_for),
        lease_age=_to_optional_duration(role_status.lease_age),
    )


def _to_optional_duration(elapsed_time: timedelta | None) -> Duration | None:
    if elapsed_time is None:
        return None
    message = Duration()
    message.FromTimedelta(elapsed_time)
    return message


def to_parked_event_message(parked_event: ParkedEvent) -> fulfillment_pb2.ParkedEvent:
    """Return the message of a parked event."""
    return fulfillment_pb2.ParkedEvent(
        event=to_event_message(parked_event.event),
        parked_at=to_optional_timestamp(parked_event.parked_at),
        attempts=parked_event.attempts,
        last_error=parked_event.last_error,
        held_up=parked_event.blocked_events,
    )

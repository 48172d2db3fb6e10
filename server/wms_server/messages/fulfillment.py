"""Runs, pauses and statistics."""

from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from wms.orders.v1 import fulfillment_pb2
from wms_core.domain.runs import Pause, Run, RunStatus, WarehouseStats
from wms_server.messages.orders import WAITING_NUMBERS, status_number
from wms_server.messages.values import numbers, timestamp, words

RUN_STATUS_WORDS = words(fulfillment_pb2.FulfillmentRunStatus, "FULFILLMENT_RUN_STATUS_", RunStatus)
RUN_STATUS_NUMBERS = numbers(fulfillment_pb2.FulfillmentRunStatus, "FULFILLMENT_RUN_STATUS_")
STEP_NUMBERS = numbers(fulfillment_pb2.FulfillmentStep, "FULFILLMENT_STEP_")


def run_message(run: Run) -> fulfillment_pb2.FulfillmentRun:
    """Write a run."""
    return fulfillment_pb2.FulfillmentRun(
        run_id=run.run_id,
        status=RUN_STATUS_NUMBERS[run.status.value],  # type: ignore[arg-type]
        warehouse_id=run.warehouse_id,
        requested=run.requested_at is not None,
        requested_by=run.requested_by,
        requested_at=timestamp(run.requested_at),
        started_at=timestamp(run.started_at),
        finished_at=timestamp(run.finished_at),
        worker_id=run.worker_id,
        epoch=run.epoch,
        steps=[
            fulfillment_pb2.FulfillmentStepResult(
                step=STEP_NUMBERS[result.step.value],  # type: ignore[arg-type]
                count=result.count,
                elapsed=seconds(result.seconds),
            )
            for result in run.steps
        ],
        errors=run.errors,
    )


def pause_message(pause: Pause) -> fulfillment_pb2.FulfillmentPause:
    """Write a pause."""
    return fulfillment_pb2.FulfillmentPause(
        warehouse_id=pause.warehouse_id,
        reason=pause.reason,
        paused_by=pause.paused_by,
        paused_at=timestamp(pause.paused_at),
        expires_at=timestamp(pause.expires_at),
    )


def stats_message(
    stats: WarehouseStats, pauses: Sequence[Pause]
) -> fulfillment_pb2.WarehouseFulfillmentStats:
    """Write the statistics of a warehouse, with the pauses that hold for it."""
    oldest = min(stats.waiting, key=lambda one: one.oldest_at, default=None)
    p50, p95, p99 = (seconds(time) for time in stats.times) if stats.times else (None, None, None)
    return fulfillment_pb2.WarehouseFulfillmentStats(
        warehouse_id=stats.warehouse_id,
        waiting=[
            fulfillment_pb2.WaitingOrders(
                status=status_number(one.status),
                waiting_reason=WAITING_NUMBERS[one.reason],  # type: ignore[arg-type]
                count=one.count,
            )
            for one in stats.waiting
        ],
        oldest_waiting_at=timestamp(oldest.oldest_at if oldest else None),
        oldest_waiting_order_id=oldest.oldest_id if oldest else "",
        overdue=stats.overdue,
        received_last_hour=stats.received,
        shipped_last_hour=stats.shipped,
        fulfillment_time_p50=p50,
        fulfillment_time_p95=p95,
        fulfillment_time_p99=p99,
        success_rate=stats.success_rate,
        pauses=[pause_message(one) for one in pauses if one.warehouse_id in ("", stats.warehouse_id)],
        backordered_units=stats.backordered_units,
    )


def seconds(value: float) -> Duration:
    """Write a length of time."""
    duration = Duration()
    duration.FromNanoseconds(round(value * 1_000_000_000))
    return duration

"""Replicas of the worker."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from wms.orders.v1 import fulfillment_pb2
from wms_core.domain.workers import Part, Worker, WorkerMode
from wms_server.messages.values import numbers, timestamp, words

MODE_WORDS = words(fulfillment_pb2.WorkerMode, "WORKER_MODE_", WorkerMode)
_MODE_NUMBERS = numbers(fulfillment_pb2.WorkerMode, "WORKER_MODE_")


def worker_message(worker: Worker) -> fulfillment_pb2.Worker:
    """Write a replica."""
    return fulfillment_pb2.Worker(
        worker_id=worker.worker_id,
        host=worker.host,
        mode=_MODE_NUMBERS[worker.mode.value],  # type: ignore[arg-type]
        roles=[_part_message(part) for part in worker.parts],
        last_cycle_at=timestamp(worker.last_cycle_at),
        heartbeat_at=timestamp(worker.heartbeat_at),
        started_at=timestamp(worker.started_at),
        version=worker.version,
    )


def _part_message(part: Part) -> fulfillment_pb2.WorkerRole:
    return fulfillment_pb2.WorkerRole(
        role=part.role,
        active=part.active,
        epoch=part.epoch,
        held_for=_duration(part.held_for),
        lease_age=_duration(part.lease_age),
    )


def _duration(length: timedelta | None) -> Duration | None:
    if length is None:
        return None
    message = Duration()
    message.FromTimedelta(length)
    return message

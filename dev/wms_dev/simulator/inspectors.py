"""The inspector: releases load carriers that require inspection, or puts them on hold."""

import time
from collections import Counter

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.api_client import ApiClient, create_request_id, run_concurrently
from wms_dev.simulator.incident_counter import IncidentCounter
from wms_dev.simulator.timing import Timing

AVAILABLE = storage_pb2.CARRIER_STATUS_AVAILABLE
ON_HOLD = storage_pb2.CARRIER_STATUS_ON_HOLD
INSPECTION_REQUIRED = storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED
CARRIER_CHANGED_STATUS_CODES = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})


class Inspector:
    """Decides about a load carrier after an inspection time. Load carriers once put on hold stay on hold."""

    def __init__(
        self, client: ApiClient, warehouse_id: str, timing: Timing, incident_counter: IncidentCounter
    ) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._timing = timing
        self._incident_counter = incident_counter
        self._due_at: dict[str, float] = {}
        self._searches: Counter[str] = Counter()
        self._hold_reasons: dict[str, str] = {}

    async def inspect_carriers(self) -> bool:
        """Decide about the load carriers whose inspection time is over. Return whether any are waiting."""
        uninspected_carriers = await self._client.list_carriers(self._warehouse_id, [INSPECTION_REQUIRED])
        now = time.monotonic()
        self._due_at = {
            carrier.carrier_id: self._due_at.get(carrier.carrier_id)
            or now + self._timing.inspection_seconds(carrier.carrier_id)
            for carrier in uninspected_carriers
        }
        await run_concurrently(
            self._set_status(carrier)
            for carrier in uninspected_carriers
            if self._due_at[carrier.carrier_id] <= now
        )
        return bool(uninspected_carriers)

    async def _set_status(self, carrier: storage_pb2.Carrier) -> None:
        is_held, reason = self._inspect_carrier(carrier)
        request = storage_pb2.SetCarrierStatusRequest(
            carrier_id=carrier.carrier_id,
            status=ON_HOLD if is_held else AVAILABLE,
            reason=reason,
            request_id=create_request_id("inspect"),
        )
        try:
            await self._client.call(self._client.storage.SetCarrierStatus, request)
        except grpc.aio.AioRpcError as error:
            if error.code() not in CARRIER_CHANGED_STATUS_CODES:
                raise
            return
        self._searches[carrier.carrier_id] += 1
        if is_held:
            self._hold_reasons[carrier.carrier_id] = reason
        else:
            self._incident_counter.ground_truth.missing_carriers.discard(carrier.carrier_id)
        self._incident_counter.record_inspection(carrier, reason, is_held=is_held)

    def _inspect_carrier(self, carrier: storage_pb2.Carrier) -> tuple[bool, str]:
        """Return whether the load carrier is to be put on hold, and the reason."""
        if hold_reason := self._hold_reasons.get(carrier.carrier_id):
            return True, hold_reason
        if "damaged" in carrier.status_reason:
            return True, f"damaged: {carrier.carrier_id}"
        if (
            carrier.carrier_id in self._incident_counter.ground_truth.missing_carriers
            or "not found" in carrier.status_reason
        ):
            search = self._searches[carrier.carrier_id] + 1
            if not self._incident_counter.fault_plan.is_carrier_found(carrier.carrier_id, search):
                return True, f"lost: {carrier.carrier_id}"
            return False, "found again"
        return False, "no fault found"

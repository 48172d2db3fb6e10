"""The inspector: looks at every carrier that is to be inspected, and lets it go or keeps it."""

import time
from collections import Counter

import grpc

from wms.orders.v1 import storage_pb2
from wms_dev.client import Client, at_once, new_request_id
from wms_dev.simulator.chronicle import Chronicle
from wms_dev.simulator.pace import Pace

AVAILABLE = storage_pb2.CARRIER_STATUS_AVAILABLE
ON_HOLD = storage_pb2.CARRIER_STATUS_ON_HOLD
INSPECTION_REQUIRED = storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED
GONE = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})


class Inspecting:
    """Decides about a carrier some time after its trouble; what it holds once it holds again."""

    def __init__(self, client: Client, warehouse_id: str, pace: Pace, chronicle: Chronicle) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._pace = pace
        self._chronicle = chronicle
        self._due: dict[str, float] = {}
        self._searches: Counter[str] = Counter()
        self._kept: dict[str, str] = {}

    async def inspect(self) -> bool:
        """A round: decide about the carriers whose inspection is over."""
        waiting = await self._client.carriers_in(self._warehouse_id, [INSPECTION_REQUIRED])
        now = time.monotonic()
        self._due = {
            one.carrier_id: self._due.get(one.carrier_id) or now + self._pace.inspect(one.carrier_id)
            for one in waiting
        }
        await at_once(self._decide(one) for one in waiting if self._due[one.carrier_id] <= now)
        return bool(waiting)

    async def _decide(self, carrier: storage_pb2.Carrier) -> None:
        held, reason = self._finding(carrier)
        request = storage_pb2.SetCarrierStatusRequest(
            carrier_id=carrier.carrier_id,
            status=ON_HOLD if held else AVAILABLE,
            reason=reason,
            request_id=new_request_id("inspect"),
        )
        try:
            await self._client.call(self._client.storage.SetCarrierStatus, request)
        except grpc.aio.AioRpcError as error:
            if error.code() not in GONE:
                raise
            return
        self._searches[carrier.carrier_id] += 1
        if held:
            self._kept[carrier.carrier_id] = reason
        else:
            self._chronicle.floor.missing.discard(carrier.carrier_id)
        self._chronicle.inspected(carrier, reason, held=held)

    def _finding(self, carrier: storage_pb2.Carrier) -> tuple[bool, str]:
        """Whether it is to be held, and why."""
        if kept := self._kept.get(carrier.carrier_id):
            return True, kept
        if "damaged" in carrier.status_reason:
            return True, f"damaged: {carrier.carrier_id}"
        if carrier.carrier_id in self._chronicle.floor.missing or "not found" in carrier.status_reason:
            search = self._searches[carrier.carrier_id] + 1
            if not self._chronicle.fates.is_found(carrier.carrier_id, search):
                return True, f"lost: {carrier.carrier_id}"
            return False, "found again"
        return False, "nothing wrong with it"

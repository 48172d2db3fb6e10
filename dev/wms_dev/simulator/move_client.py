"""Cranes and conveyors, which move load carriers."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from wms.orders.v1 import storage_pb2
from wms_dev.api_client import MAX_PAGE_SIZE, ApiClient
from wms_dev.simulator.fault_plan import MoveOutcome
from wms_dev.simulator.timing import Timing

RETURN, RETRIEVE = storage_pb2.MOVE_KIND_RETURN, storage_pb2.MOVE_KIND_RETRIEVE


class Transport:
    """A crane for each zone with a limited number of concurrent trips, and conveyors."""

    def __init__(
        self,
        timing: Timing,
        concurrent_trips: int = 1,
        *,
        zones: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._timing = timing
        self._sleep = sleep
        self._zones = dict(zones or {})
        self._cranes: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrent_trips))

    def zone_of_lane(self, lane_id: str) -> str:
        """Return the zone of a lane, empty if it is unknown."""
        return self._zones.get(lane_id, "")

    async def load_lanes(
        self, client: ApiClient, warehouse_id: str, moves: Iterable[storage_pb2.Move]
    ) -> None:
        """Load the lanes again if a move starts or ends at an unknown lane."""
        lane_ids = {lane_id for move in moves for lane_id in (move.from_lane_id, move.to_lane_id) if lane_id}
        if lane_ids <= self._zones.keys():
            return
        request = storage_pb2.ListLanesRequest(warehouse_id=warehouse_id, page_size=MAX_PAGE_SIZE)
        while True:
            page = await client.call(client.storage.ListLanes, request)
            self._zones |= {lane.lane_id: lane.zone for lane in page.lanes}
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def move_carrier(self, move: storage_pb2.Move, outcome: MoveOutcome) -> None:
        """Return when the load carrier has arrived, or when the move has failed."""
        lane_ids = [lane_id for lane_id in (move.from_lane_id, move.to_lane_id) if lane_id]
        zone = self.zone_of_lane(lane_ids[0]) if lane_ids else ""
        conveyor_seconds = self._timing.conveyor_seconds(zone, move.destination_id)
        if move.kind == RETURN:
            await self._sleep(conveyor_seconds)
        async with self._cranes[zone]:
            await self._sleep(self._timing.crane_seconds(*lane_ids))
            if outcome is MoveOutcome.BREAKS_DOWN:
                # The crane makes no other trips during the repair.
                await self._sleep(self._timing.repair_seconds())
        if move.kind == RETRIEVE and outcome in (MoveOutcome.ARRIVES, MoveOutcome.DAMAGED):
            await self._sleep(conveyor_seconds)

"""The cranes and conveyors: how a carrier gets from one place to another."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from wms.orders.v1 import storage_pb2
from wms_dev.client import LARGEST_PAGE, Client
from wms_dev.simulator.fates import Fate
from wms_dev.simulator.pace import Pace

RETURN, RETRIEVE = storage_pb2.MOVE_KIND_RETURN, storage_pb2.MOVE_KIND_RETRIEVE


class Transport:
    """A crane for each zone, which does so many trips at once and lets the others wait in line; conveyors."""

    def __init__(
        self,
        pace: Pace,
        trips_at_once: int = 1,
        *,
        zones: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pace = pace
        self._sleep = sleep
        self._zones = dict(zones or {})
        self._cranes: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(trips_at_once))

    def zone(self, lane_id: str) -> str:
        """Where a lane lies; empty for one that was not learnt."""
        return self._zones.get(lane_id, "")

    async def learn(self, client: Client, warehouse_id: str, moves: Iterable[storage_pb2.Move]) -> None:
        """Ask for the lanes again when one of the moves goes to or from an unknown one."""
        named = {lane_id for move in moves for lane_id in (move.from_lane_id, move.to_lane_id) if lane_id}
        if named <= self._zones.keys():
            return
        request = storage_pb2.ListLanesRequest(warehouse_id=warehouse_id, page_size=LARGEST_PAGE)
        while True:
            page = await client.call(client.storage.ListLanes, request)
            self._zones |= {lane.lane_id: lane.zone for lane in page.lanes}
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def carry(self, move: storage_pb2.Move, fate: Fate) -> None:
        """Return when the carrier has arrived, or when it is clear that it won't."""
        lane_ids = [lane_id for lane_id in (move.from_lane_id, move.to_lane_id) if lane_id]
        zone = self.zone(lane_ids[0]) if lane_ids else ""
        conveyor = self._pace.conveyor(zone, move.destination_id)
        if move.kind == RETURN:
            await self._sleep(conveyor)
        async with self._cranes[zone]:
            await self._sleep(self._pace.crane(*lane_ids))
            if fate is Fate.BREAKS_DOWN:
                # Under repair it carries nothing else either.
                await self._sleep(self._pace.repair())
        if move.kind == RETRIEVE and fate in (Fate.ARRIVES, Fate.DAMAGED):
            await self._sleep(conveyor)

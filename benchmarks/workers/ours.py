"""Our worker's cycle on the whole engine: stock is promised, carriers are brought, picked and sent back."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from benchmarks.children import ADVICE
from benchmarks.connection import Connection
from benchmarks.fulfillment.orders import place, take_in
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.queries import query
from benchmarks.workers.goods import orders_at_hand
from wms_dev.client import Client
from wms_dev.problem import Problem

LOOK_SECONDS = 0.2
STUCK_SECONDS = 60.0
STOP_SECONDS = 30.0


class CycleStuck(Problem):
    """Our orders do not get on."""


class Ours:
    """A warehouse that stays, to which orders come round by round."""

    def __init__(self, services: Services, client: Client, connection: Connection, scale: Scale) -> None:
        """Work in a site that is open."""
        self._services = services
        self._client = client
        self._connection = connection
        self._scale = scale

    async def rate(self, orders: int, settings: Mapping[str, str], *, at_hand: bool = False) -> float:
        """Give the orders a second of a worker, from its first cycle to the last order in PACKING.

        `at_hand` asks for goods that stand where they are packed.
        """
        scale = replace(self._scale, orders=orders)
        self._scale = replace(self._scale, first=scale.first + orders)
        if at_hand:
            await place(self._client, list(orders_at_hand(scale)), lambda _: None)
        else:
            await take_in(self._client, scale, lambda _: None)
        await self._all_told()
        began: datetime = await self._connection.fetchval("SELECT clock_timestamp()")
        worker = await self._services.children.start_worker("bench", settings=settings)
        left, moved_at = orders, time.monotonic()
        while left:
            await asyncio.sleep(LOOK_SECONDS)
            worker.check(ADVICE)
            now: int = await self._connection.fetchval(query("steps.ours_left"))
            if now < left:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > STUCK_SECONDS:
                raise CycleStuck(f"{now} orders do not get on any more")
            left = now
        await asyncio.to_thread(worker.stop, STOP_SECONDS)
        return orders / float(await self._connection.fetchval(query("steps.ours_span"), began))

    async def _all_told(self) -> None:
        while await self._connection.fetchval(query("steps.untold")):  # noqa: ASYNC110 # another process
            await asyncio.sleep(0.1)
        await self._connection.execute("VACUUM (ANALYZE) orders, order_items, outbox")
        await self._connection.execute("CHECKPOINT")

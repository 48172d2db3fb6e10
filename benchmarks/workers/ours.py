"""The worker's complete cycle: stock is allocated, load carriers are moved, picked and returned."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from benchmarks.children import CHILD_ENDED_ADVICE
from benchmarks.connection import Connection
from benchmarks.fulfillment.orders import create_orders, place_orders
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.queries import query
from benchmarks.workers.goods import build_orders_at_hand
from wms_dev.api_client import ApiClient
from wms_dev.errors import UserError

POLL_SECONDS = 0.2
STUCK_SECONDS = 60.0
STOP_SECONDS = 30.0


class CycleStalled(UserError):
    """The orders of the worker make no progress."""


class OwnWorker:
    """A worker for one warehouse, which gets new orders in each round."""

    def __init__(self, services: Services, client: ApiClient, connection: Connection, scale: Scale) -> None:
        self._services = services
        self._client = client
        self._connection = connection
        self._scale = scale

    async def measure_rate(self, orders: int, settings: Mapping[str, str], *, at_hand: bool = False) -> float:
        """Return the orders per second of a worker, from its first cycle to the last order in PACKING.

        With `at_hand`, the orders are for goods at their destinations.
        """
        scale = replace(self._scale, orders=orders)
        self._scale = replace(self._scale, first=scale.first + orders)
        if at_hand:
            await place_orders(self._client, list(build_orders_at_hand(scale)), lambda _: None)
        else:
            await create_orders(self._client, scale, lambda _: None)
        await self._wait_until_sequenced()
        started_at: datetime = await self._connection.fetchval("SELECT clock_timestamp()")
        worker = await self._services.children.start_worker("bench", settings=settings)
        remaining_orders, progressed_at = orders, time.monotonic()
        while remaining_orders:
            await asyncio.sleep(POLL_SECONDS)
            worker.raise_if_exited(CHILD_ENDED_ADVICE)
            remaining_now: int = await self._connection.fetchval(query("steps.remaining"))
            if remaining_now < remaining_orders:
                progressed_at = time.monotonic()
            elif time.monotonic() - progressed_at > STUCK_SECONDS:
                raise CycleStalled(f"{remaining_now} orders make no progress")
            remaining_orders = remaining_now
        await asyncio.to_thread(worker.stop, STOP_SECONDS)
        return orders / float(await self._connection.fetchval(query("steps.worker_span"), started_at))

    async def _wait_until_sequenced(self) -> None:
        while await self._connection.fetchval(query("steps.outbox_events")):  # noqa: ASYNC110 # changed by another process
            await asyncio.sleep(0.1)
        await self._connection.execute("VACUUM (ANALYZE) orders, order_items, outbox")
        await self._connection.execute("CHECKPOINT")

"""Ships every packed order by a call of its own: ShipOrder has no batch."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from wms.orders.v1 import orders_pb2
from wms_dev.client import Client

AT_ONCE = 16


async def ship(client: Client, order_ids: Sequence[str], shipped: Callable[[int], None]) -> float:
    """Ship the orders; gives how many a second."""
    waiting = iter(order_ids)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(_ship_some(client, waiting, shipped))
    return len(order_ids) / (time.perf_counter() - began)


async def _ship_some(client: Client, waiting: Iterator[str], shipped: Callable[[int], None]) -> None:
    for order_id in waiting:
        request = orders_pb2.ShipOrderRequest(
            order_id=order_id, carrier_code="UPS", tracking_number=f"1Z-{order_id}"
        )
        await client.call(client.orders.ShipOrder, request)
        shipped(1)

"""Ship every packed order by a separate call: ShipOrder has no batch."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

from wms.orders.v1 import orders_pb2
from wms_dev.api_client import ApiClient

CONCURRENT_CALLS = 16


async def ship_orders(
    client: ApiClient, order_ids: Sequence[str], count_shipped: Callable[[int], None]
) -> float:
    """Ship the orders. Return the rate per second."""
    remaining_ids = iter(order_ids)
    started_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENT_CALLS):
            group.create_task(_ship_remaining(client, remaining_ids, count_shipped))
    return len(order_ids) / (time.perf_counter() - started_at)


async def _ship_remaining(
    client: ApiClient, remaining_ids: Iterator[str], count_shipped: Callable[[int], None]
) -> None:
    for order_id in remaining_ids:
        request = orders_pb2.ShipOrderRequest(
            order_id=order_id, carrier_code="UPS", tracking_number=f"1Z-{order_id}"
        )
        await client.call(client.orders.ShipOrder, request)
        count_shipped(1)

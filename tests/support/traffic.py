"""Orders that go on coming and carriers that go on moving, while something happens to the workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.durations import CHOSEN
from tests.support.site import Site
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2


@asynccontextmanager
async def traffic(site: Site, pause: float = 0.02) -> AsyncIterator[list[str]]:
    """Place orders and carry out moves all the time; at the end all orders have been packed."""
    await site.open()
    await site.stock(*[(f"CAR-{number}", "SKU-001", 1000) for number in range(5)])
    placed: list[str] = []

    async def place() -> None:
        while True:
            placed.append(await site.order(("SKU-001", 1)))
            await asyncio.sleep(pause)

    async def carry() -> None:
        while True:
            await site.complete(await site.claim())
            await asyncio.sleep(pause)

    async def packed() -> bool:
        # An order may have been placed without an answer to the one who was told to stop.
        return await _in_packing(site) >= set(placed)

    placing, carrying = asyncio.create_task(place()), asyncio.create_task(carry())
    try:
        yield placed
        placing.cancel()
        # What came in an outage has to be worked off, too.
        await eventually(packed, within=20 + CHOSEN.outage)
    finally:
        for task in (placing, carrying):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _in_packing(site: Site) -> set[str]:
    """Give all orders in PACKING, page by page."""
    found: set[str] = set()
    request = orders_pb2.ListOrdersRequest(page_size=200, statuses=[order_pb2.ORDER_STATUS_PACKING])
    while True:
        page = await site.api.orders.ListOrders(request)
        found |= {order.order_id for order in page.orders}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token

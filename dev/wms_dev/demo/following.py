"""Places the orders and follows them until nothing moves any more."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2
from wms_dev.client import Client, at_once
from wms_dev.demo.snapshot import SETTLED, Snapshot, take_snapshot
from wms_dev.demo.view import View
from wms_dev.problem import Problem

LOOK_SECONDS = 0.25
PLACED_AT_ONCE = 16
EXPLAINED = 3
QUIET_SECONDS = 5.0
NOT_AVAILABLE = (storage_pb2.CARRIER_STATUS_ON_HOLD, storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED)


class OrdersStuck(Problem):
    """The orders did not come to an end in time."""


async def place_and_follow(
    client: Client, requests: Sequence[orders_pb2.CreateOrderRequest], view: View, seconds: float
) -> Snapshot:
    """Place all orders, show them on their way, give how they come to rest; raises `OrdersStuck`."""
    placed: list[str] = []
    placing = asyncio.create_task(_place(client, requests, placed))
    try:
        async for snapshot in _snapshots(client, placed, len(requests), seconds):
            view.show(snapshot)
            if placing.done():
                placing.result()
                if snapshot.is_at_rest:
                    return snapshot
    finally:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
    raise AssertionError("the snapshots end with an exception only")


async def follow(client: Client, order_ids: Sequence[str], view: View, seconds: float) -> Snapshot:
    """Show orders on their way until nothing moves by itself, give the end; raises `OrdersStuck`."""
    async for snapshot in _snapshots(client, order_ids, len(order_ids), seconds):
        view.show(snapshot)
        if snapshot.is_at_rest:
            return snapshot
    raise AssertionError("the snapshots end with an exception only")


async def quiet_carriers(client: Client, warehouse_id: str) -> Sequence[storage_pb2.Carrier]:
    """Wait for the last trips and inspections to end, for a few seconds; gives the carriers that are held."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        held = await client.carriers_in(warehouse_id, NOT_AVAILABLE)
        request = storage_pb2.ListCarriersRequest(
            warehouse_id=warehouse_id, locations=[storage_pb2.CARRIER_LOCATION_MOVING], page_size=1
        )
        moving = (await client.call(client.storage.ListCarriers, request)).carriers
        inspected = any(one.status == storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED for one in held)
        if not (moving or inspected) or time.monotonic() > deadline:
            return held
        await asyncio.sleep(LOOK_SECONDS)


async def _place(
    client: Client, requests: Sequence[orders_pb2.CreateOrderRequest], placed: list[str]
) -> None:
    async def one(request: orders_pb2.CreateOrderRequest) -> None:
        answer = await client.call(client.orders.CreateOrder, request)
        placed.append(answer.order.order_id)

    await at_once((one(request) for request in requests), PLACED_AT_ONCE)


async def _snapshots(
    client: Client, order_ids: Sequence[str], expected: int, seconds: float
) -> AsyncIterator[Snapshot]:
    deadline = time.monotonic() + seconds
    while True:
        # A copy: the list grows while orders are placed.
        snapshot = await take_snapshot(client, list(order_ids), expected)
        yield snapshot
        if time.monotonic() > deadline:
            raise OrdersStuck(await _explain(client, snapshot, seconds))
        await asyncio.sleep(LOOK_SECONDS)


async def _explain(client: Client, snapshot: Snapshot, seconds: float) -> str:
    stuck = [order for order in snapshot.orders if order.status not in SETTLED]
    lines = [
        f"After {seconds:.0f} s {len(stuck)} of {snapshot.expected} orders are still under way. Some of them:"
    ]
    for order in stuck[:EXPLAINED]:
        request = orders_pb2.ExplainOrderRequest(order_id=order.order_id)
        answer = await client.call(client.orders.ExplainOrder, request)
        status = order_pb2.OrderStatus.Name(answer.status)
        lines.append(f"  {order.order_id} ({status}): {answer.explanation}")
    return "\n".join(lines)

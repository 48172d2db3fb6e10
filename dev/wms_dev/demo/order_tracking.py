"""Places the orders and follows them until all are settled."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2
from wms_dev.api_client import ApiClient, run_concurrently
from wms_dev.demo.live_view import ProgressView
from wms_dev.demo.snapshot import SETTLED_STATUSES, OrdersSnapshot, take_snapshot
from wms_dev.errors import UserError

POLL_SECONDS = 0.25
MAX_CONCURRENT_PLACEMENTS = 16
MAX_EXPLAINED_ORDERS = 3
QUIET_TIMEOUT_SECONDS = 5.0
HELD_CARRIER_STATUSES = (storage_pb2.CARRIER_STATUS_ON_HOLD, storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED)


class OrdersStuck(UserError):
    """The orders were not settled in time."""


async def place_and_follow(
    client: ApiClient,
    requests: Sequence[orders_pb2.CreateOrderRequest],
    view: ProgressView,
    timeout_seconds: float,
) -> OrdersSnapshot:
    """Place all orders and show them until they wait for a decision or are settled. Return the last snapshot.

    Raises:
        OrdersStuck: Orders are still in progress after `timeout_seconds`.
    """
    placed: list[str] = []
    placing = asyncio.create_task(_place_orders(client, requests, placed))
    try:
        async for snapshot in _take_snapshots(client, placed, len(requests), timeout_seconds):
            view.show(snapshot)
            if placing.done():
                placing.result()
                if snapshot.is_waiting_for_decision:
                    return snapshot
    finally:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
    raise AssertionError("the snapshots end with an exception only")


async def follow_orders(
    client: ApiClient, order_ids: Sequence[str], view: ProgressView, timeout_seconds: float
) -> OrdersSnapshot:
    """Show the orders until they wait for a decision or are settled. Return the last snapshot.

    Raises:
        OrdersStuck: Orders are still in progress after `timeout_seconds`.
    """
    async for snapshot in _take_snapshots(client, order_ids, len(order_ids), timeout_seconds):
        view.show(snapshot)
        if snapshot.is_waiting_for_decision:
            return snapshot
    raise AssertionError("the snapshots end with an exception only")


async def wait_for_quiet_carriers(client: ApiClient, warehouse_id: str) -> Sequence[storage_pb2.Carrier]:
    """Wait a few seconds for the last moves and inspections. Return the load carriers that are on hold."""
    deadline = time.monotonic() + QUIET_TIMEOUT_SECONDS
    while True:
        held_carriers = await client.list_carriers(warehouse_id, HELD_CARRIER_STATUSES)
        request = storage_pb2.ListCarriersRequest(
            warehouse_id=warehouse_id, locations=[storage_pb2.CARRIER_LOCATION_MOVING], page_size=1
        )
        moving = (await client.call(client.storage.ListCarriers, request)).carriers
        inspected = any(
            carrier.status == storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED for carrier in held_carriers
        )
        if not (moving or inspected) or time.monotonic() > deadline:
            return held_carriers
        await asyncio.sleep(POLL_SECONDS)


async def _place_orders(
    client: ApiClient, requests: Sequence[orders_pb2.CreateOrderRequest], placed: list[str]
) -> None:
    async def place_order(request: orders_pb2.CreateOrderRequest) -> None:
        response = await client.call(client.orders.CreateOrder, request)
        placed.append(response.order.order_id)

    await run_concurrently((place_order(request) for request in requests), MAX_CONCURRENT_PLACEMENTS)


async def _take_snapshots(
    client: ApiClient, order_ids: Sequence[str], expected: int, seconds: float
) -> AsyncIterator[OrdersSnapshot]:
    deadline = time.monotonic() + seconds
    while True:
        # A copy, because the list grows while orders are placed.
        snapshot = await take_snapshot(client, list(order_ids), expected)
        yield snapshot
        if time.monotonic() > deadline:
            raise OrdersStuck(await _explain_stuck_orders(client, snapshot, seconds))
        await asyncio.sleep(POLL_SECONDS)


async def _explain_stuck_orders(client: ApiClient, snapshot: OrdersSnapshot, seconds: float) -> str:
    stuck = [order for order in snapshot.orders if order.status not in SETTLED_STATUSES]
    lines = [
        f"After {seconds:.0f} s {len(stuck)} of {snapshot.expected} orders are still in progress. Examples:"
    ]
    for order in stuck[:MAX_EXPLAINED_ORDERS]:
        request = orders_pb2.ExplainOrderRequest(order_id=order.order_id)
        response = await client.call(client.orders.ExplainOrder, request)
        status = order_pb2.OrderStatus.Name(response.status)
        lines.append(f"  {order.order_id} ({status}): {response.explanation}")
    return "\n".join(lines)

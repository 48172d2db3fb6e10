"""Continuous load of orders and moves, during faults of the workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.grpc_api import Api
from tests.support.pytest_helpers import FAULT_DURATIONS
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2


@asynccontextmanager
async def run_order_load(
    warehouse_driver: WarehouseDriver, pause_seconds: float = 0.02
) -> AsyncIterator[list[str]]:
    """Place orders and complete moves during the block. At its end, wait until all orders are packed.

    Yields the ids of the placed orders.
    """
    await warehouse_driver.open()
    await warehouse_driver.receive_carriers(*[(f"CAR-{number}", "SKU-001", 1000) for number in range(5)])
    placed_order_ids: list[str] = []

    async def place_orders() -> None:
        while True:
            placed_order_ids.append(await warehouse_driver.place_order(("SKU-001", 1)))
            await asyncio.sleep(pause_seconds)

    async def complete_moves() -> None:
        while True:
            await warehouse_driver.complete_moves(await warehouse_driver.claim_moves())
            await asyncio.sleep(pause_seconds)

    async def are_all_packed() -> bool:
        # The cancelled task may have placed an order without a response: more orders may be packed.
        return await _list_orders_in_packing(warehouse_driver) >= set(placed_order_ids)

    placing_task, completing_task = asyncio.create_task(place_orders()), asyncio.create_task(complete_moves())
    try:
        yield placed_order_ids
        placing_task.cancel()
        # The backlog of an outage has to be processed, too.
        await eventually(are_all_packed, within=20 + FAULT_DURATIONS.outage_seconds)
    finally:
        for task in (placing_task, completing_task):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _list_orders_in_packing(warehouse_driver: WarehouseDriver) -> set[str]:
    """Return the ids of all orders in PACKING."""
    order_ids: set[str] = set()
    request = orders_pb2.ListOrdersRequest(page_size=200, statuses=[order_pb2.ORDER_STATUS_PACKING])
    while True:
        page = await warehouse_driver.api.orders.ListOrders(request)
        order_ids |= {order.order_id for order in page.orders}
        if not page.next_page_token:
            return order_ids
        request.page_token = page.next_page_token


async def complete_requested_moves(api: Api) -> None:
    """Claim and complete the requested moves."""
    claim_response = await api.storage.ClaimMoves(
        storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=500, claimed_by="test")
    )
    move_ids = [move.move_id for move in claim_response.moves]
    if move_ids:
        await api.storage.BatchCompleteMoves(
            storage_pb2.BatchCompleteMovesRequest(move_ids=move_ids, claimed_by="test")
        )


async def wait_until_status(api: Api, order_id: str, status: "order_pb2.OrderStatus.ValueType") -> None:
    """Wait until an order has a status, and complete the moves that the worker requests."""

    async def has_status() -> bool:
        await complete_requested_moves(api)
        order = (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order
        return order.status == status

    await eventually(has_status)


async def wait_until_waiting(api: Api, order_id: str, reason: str) -> str:
    """Wait until an order waits for a reason. Return the explanation."""

    async def explain_if_reason_matches() -> str:
        request = orders_pb2.ExplainOrderRequest(order_id=order_id)
        response = await api.orders.ExplainOrder(request)
        name = order_pb2.WaitingReason.Name(response.waiting_reason).removeprefix("WAITING_REASON_")
        return response.explanation if name == reason else ""

    return await eventually(explain_if_reason_matches)


async def ship_order(api: Api, order_id: str) -> None:
    """Ship the delivered units."""
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    await api.orders.ShipOrder(request)

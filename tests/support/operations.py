"""What a warehouse and its operators do beside a worker that runs by itself."""

from tests.support.api import Api
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2


async def deliver(api: Api) -> None:
    """Do the moves that are asked for."""
    claimed = await api.storage.ClaimMoves(
        storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=500, claimed_by="test")
    )
    ids = [move.move_id for move in claimed.moves]
    if ids:
        await api.storage.BatchCompleteMoves(
            storage_pb2.BatchCompleteMovesRequest(move_ids=ids, claimed_by="test")
        )


async def until_status(api: Api, order_id: str, status: "order_pb2.OrderStatus.ValueType") -> None:
    """Wait until the worker has brought an order there, doing the moves that it asks for."""

    async def there() -> bool:
        await deliver(api)
        order = (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order
        return order.status == status

    await eventually(there)


async def until_waits(api: Api, order_id: str, reason: str) -> str:
    """Wait until an order waits for a reason; gives the sentence that explains it."""

    async def waits() -> str:
        request = orders_pb2.ExplainOrderRequest(order_id=order_id)
        answer = await api.orders.ExplainOrder(request)
        name = order_pb2.WaitingReason.Name(answer.waiting_reason).removeprefix("WAITING_REASON_")
        return answer.explanation if name == reason else ""

    return await eventually(waits)


async def ship(api: Api, order_id: str) -> None:
    """Ship what has been delivered."""
    request = orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z")
    await api.orders.ShipOrder(request)

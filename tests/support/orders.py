"""Orders brought to a status by the calls that lead there, and what is told of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.fulfillment import Fulfillment
from tests.support.requests import create_order, put_destination, put_lane, receive
from wms.orders.v1 import event_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.domain.order_status import OrderStatus, allowed

Step = Callable[[Api, Fulfillment, str], Awaitable[object]]


async def created(api: Api, **fields: object) -> order_pb2.Order:
    """Create an order and give it."""
    return (await api.orders.CreateOrder(create_order(**fields))).order


async def read(api: Api, order_id: str) -> order_pb2.Order:
    """Give an order as GetOrder answers it."""
    return (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order


async def stocked(api: Api, quantity: int = 100, sku: str = "SKU-001", carrier_id: str = "CAR-1") -> None:
    """Open a lane and a destination, and put one carrier into the lane."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive((carrier_id, sku, quantity)))


async def order_in(
    api: Api, fulfillment: Fulfillment, status: OrderStatus, order_id: str = ""
) -> order_pb2.Order:
    """Give an order that the public calls and the worker have brought to a status.

    PICKING and what follows needs stock (see `stocked`) and moves every order that the worker may move.
    """
    order = await created(api, order_id=order_id)
    for step in _WAYS[status]:
        await step(api, fulfillment, order.order_id)
    order = await read(api, order.order_id)
    assert status_of(order) is status
    return order


def status_of(order: order_pb2.Order) -> OrderStatus:
    """Give the domain's word for an order's status."""
    return _word(order.status)


async def fail(api: Api, order_id: str, reason: str = "Inventory unavailable") -> order_pb2.Order:
    """Record a failure."""
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason=reason)
    return (await api.reprocessing.IncrementRetryCount(request)).order


async def dead_letter(api: Api, order_id: str, reason: str = "not to be saved") -> None:
    """Move an order to the dead letter queue."""
    await api.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order_id, failure_reason=reason)
    )


async def _validate(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id))


async def _assign(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.AssignOrdersToWave(
        orders_pb2.AssignOrdersToWaveRequest(order_ids=[order_id], destination_id="PACK-1")
    )


async def _start_picking(_api: Api, fulfillment: Fulfillment, _order_id: str) -> None:
    await fulfillment.run()


async def _deliver(api: Api, fulfillment: Fulfillment, _order_id: str) -> None:
    await fulfillment.deliver(api)


async def _ship(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z999")
    )


async def _complete(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))


async def _cancel(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="no longer wanted"))


async def _fail(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await fail(api, order_id)


async def _dead_letter(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await dead_letter(api, order_id)


_WAYS: dict[OrderStatus, tuple[Step, ...]] = {
    OrderStatus.RECEIVED: (),
    OrderStatus.VALIDATED: (_validate,),
    OrderStatus.ASSIGNED_TO_WAVE: (_validate, _assign),
    OrderStatus.PICKING: (_start_picking,),
    OrderStatus.PACKING: (_deliver,),
    OrderStatus.SHIPPED: (_deliver, _ship),
    OrderStatus.COMPLETED: (_deliver, _ship, _complete),
    OrderStatus.CANCELLED: (_cancel,),
    OrderStatus.PENDING_RETRY: (_fail,),
    OrderStatus.DEAD_LETTER: (_dead_letter,),
}


async def history(api: Api, order_id: str) -> Sequence[event_pb2.Event]:
    """Give all events of an order that has no more than a page of them."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=200)
    answer = await api.orders.GetOrderHistory(request)
    assert not answer.next_page_token
    return answer.events


async def told(api: Api, order_id: str) -> list[str]:
    """Give the types of an order's events, without their common prefix."""
    return [event.type.removeprefix("wms.order.") for event in await history(api, order_id)]


def assert_legal(events: Sequence[event_pb2.Event]) -> None:
    """Hold an order's history to the promises: sequence 1 to n, and a path of the status table."""
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert (events[0].type, events[0].from_status) == ("wms.order.received", 0)
    here = OrderStatus.RECEIVED
    for event in events[1:]:
        if not event.from_status and not event.to_status:
            continue
        before, after = _word(event.from_status), _word(event.to_status)
        assert before is here, f"{event.type} begins in {before}, the one before ended in {here}"
        assert allowed(before, after), f"{event.type}: {before} to {after}"
        here = after


def facts(payload: Any) -> dict[str, Any]:
    """Give a payload, or an object within one, as a dictionary; its numbers are floats."""
    return {name: _fact(value) for name, value in payload.items()}


def _fact(value: Any) -> Any:
    if isinstance(value, Struct):
        return facts(value)
    if isinstance(value, ListValue):
        return [_fact(one) for one in value]
    return value


def moment(text: str) -> Timestamp:
    """Give the time that an RFC 3339 text says."""
    value = Timestamp()
    value.FromJsonString(text)
    return value


def _word(number: int) -> OrderStatus:
    return OrderStatus(order_pb2.OrderStatus.Name(number).removeprefix("ORDER_STATUS_").lower())  # type: ignore[arg-type]

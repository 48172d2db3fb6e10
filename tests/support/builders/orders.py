"""Orders in each status, by the calls that lead there, and their histories."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import create_order, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api
from wms.orders.v1 import event_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.domain.orders.status import OrderStatus, is_allowed

StatusStep = Callable[[Api, Fulfillment, str], Awaitable[object]]


async def place_order(api: Api, **fields: object) -> order_pb2.Order:
    """Create an order. Return it."""
    return (await api.orders.CreateOrder(create_order(**fields))).order


async def read_order(api: Api, order_id: str) -> order_pb2.Order:
    """Return an order by GetOrder."""
    return (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order


async def receive_stock(
    api: Api, quantity: int = 100, sku: str = "SKU-001", carrier_id: str = "CAR-1"
) -> None:
    """Create a lane and a destination, and receive one load carrier in the lane."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive((carrier_id, sku, quantity)))


async def place_order_in_status(
    api: Api, fulfillment: Fulfillment, status: OrderStatus, order_id: str = ""
) -> order_pb2.Order:
    """Create an order, and bring it to a status by public calls and the worker. Return it.

    PICKING and later statuses need stock (`receive_stock`). The worker moves all other orders, too.
    """
    order = await place_order(api, order_id=order_id)
    for status_step in _STEPS_TO_STATUS[status]:
        await status_step(api, fulfillment, order.order_id)
    order = await read_order(api, order.order_id)
    assert domain_status_of(order) is status
    return order


def domain_status_of(order: order_pb2.Order) -> OrderStatus:
    """Return the status of an order as the domain's enum."""
    return _to_domain_status(order.status)


async def record_failure(api: Api, order_id: str, reason: str = "Inventory unavailable") -> order_pb2.Order:
    """Count a failure of an order. Return the order."""
    request = reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason=reason)
    return (await api.reprocessing.IncrementRetryCount(request)).order


async def dead_letter_order(api: Api, order_id: str, reason: str = "not to be saved") -> None:
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
    await fulfillment.deliver_all(api)


async def _ship(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="UPS", tracking_number="1Z999")
    )


async def _complete(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.CompleteOrder(orders_pb2.CompleteOrderRequest(order_id=order_id))


async def _cancel(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="no longer wanted"))


async def _fail(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await record_failure(api, order_id)


async def _dead_letter(api: Api, _fulfillment: Fulfillment, order_id: str) -> None:
    await dead_letter_order(api, order_id)


_STEPS_TO_STATUS: dict[OrderStatus, tuple[StatusStep, ...]] = {
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


async def read_history(api: Api, order_id: str) -> Sequence[event_pb2.Event]:
    """Return all events of an order, which must fit on one page."""
    request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=200)
    response = await api.orders.GetOrderHistory(request)
    assert not response.next_page_token
    return response.events


async def list_event_types(api: Api, order_id: str) -> list[str]:
    """Return the types of an order's events without their common prefix."""
    return [event.type.removeprefix("wms.order.") for event in await read_history(api, order_id)]


def assert_valid_history(events: Sequence[event_pb2.Event]) -> None:
    """Assert that an order's history has sequences 1 to n and only legal transitions."""
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert (events[0].type, events[0].from_status) == ("wms.order.received", 0)
    current_status = OrderStatus.RECEIVED
    for event in events[1:]:
        if not event.from_status and not event.to_status:
            continue
        from_status, to_status = _to_domain_status(event.from_status), _to_domain_status(event.to_status)
        assert from_status is current_status, (
            f"{event.type} begins in {from_status}, the previous event ended in {current_status}"
        )
        assert is_allowed(from_status, to_status), f"{event.type}: {from_status} to {to_status}"
        current_status = to_status


def to_python_dict(payload: Any) -> dict[str, Any]:
    """Return a payload, or an object within one, as a dictionary; its numbers are floats."""
    return {name: _to_python_value(value) for name, value in payload.items()}


def _to_python_value(value: Any) -> Any:
    if isinstance(value, Struct):
        return to_python_dict(value)
    if isinstance(value, ListValue):
        return [_to_python_value(element) for element in value]
    return value


def parse_timestamp(text: str) -> Timestamp:
    """Parse a time in RFC 3339."""
    value = Timestamp()
    value.FromJsonString(text)
    return value


def _to_domain_status(number: int) -> OrderStatus:
    return OrderStatus(order_pb2.OrderStatus.Name(number).removeprefix("ORDER_STATUS_").lower())  # type: ignore[arg-type]

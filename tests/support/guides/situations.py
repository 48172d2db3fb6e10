"""What is the case when somebody opens a page at a heading: the orders, backorders, events it is about."""

from collections.abc import Awaitable, Callable, Mapping

from tests.support.api import Api
from tests.support.invariants import Sql
from tests.support.operations import until_status
from tests.support.orders import created, dead_letter, fail
from tests.support.relay import park
from tests.support.requests import item
from wms.orders.v1 import order_pb2, storage_pb2

#: Makes it so; gives the real names for those of the page.
Situation = Callable[[Api, Sql], Awaitable[Mapping[str, str]]]


async def _an_order_that_waits(api: Api, _sql: Sql) -> dict[str, str]:
    """ORD-1 is to be tried again: there are no units of its SKU."""
    order = await created(api, items=[item("SKU-404")], order_id="ORD-1")
    await until_status(api, order.order_id, order_pb2.ORDER_STATUS_PENDING_RETRY)
    return {"ORD-1": order.order_id}


async def _a_backorder(api: Api, _sql: Sql) -> dict[str, str]:
    """BO-1 is open: more was ordered than there is."""
    return {"BO-1": (await _owed(api)).backorder_id}


async def _owed(api: Api) -> storage_pb2.Backorder:
    order = await created(api, items=[item("SKU-001", 150)])
    await until_status(api, order.order_id, order_pb2.ORDER_STATUS_PACKING)
    request = storage_pb2.ListBackordersRequest(order_id=order.order_id)
    (owed,) = (await api.storage.ListBackorders(request)).backorders
    return owed


async def _an_order_to_be_retried(api: Api, _sql: Sql) -> dict[str, str]:
    """ORD-1 has failed and is not due."""
    order = await created(api)
    await fail(api, order.order_id)
    return {"ORD-1": order.order_id}


async def _a_dead_letter(api: Api, _sql: Sql) -> dict[str, str]:
    """ORD-1 is tried no more."""
    order = await created(api)
    await dead_letter(api, order.order_id)
    return {"ORD-1": order.order_id}


async def _a_parked_event(api: Api, sql: Sql) -> dict[str, str]:
    """Kafka has refused an event."""
    order = await created(api)
    (event_id,) = await park(sql, order.order_id)
    return {"6b2f1f3c-0d5d-4c53-9d43-7d8a6b1c2e3f": event_id}


async def _an_order_in_packing(api: Api, _sql: Sql) -> dict[str, str]:
    """Somebody's order is to be shipped and completed."""
    order = await created(api)
    await until_status(api, order.order_id, order_pb2.ORDER_STATUS_PACKING)
    return {"ship $ORDER": f"ship {order.order_id}", "complete $ORDER": f"complete {order.order_id}"}


async def _an_order_with_a_backorder(api: Api, _sql: Sql) -> dict[str, str]:
    """An order lacks a part."""
    return {"list --order $ORDER": f"list --order {(await _owed(api)).order_id}"}


async def _an_event_of_somebody(api: Api, sql: Sql) -> dict[str, str]:
    """Kafka has refused an event."""
    (event_id,) = (await _a_parked_event(api, sql)).values()
    return {"$EVENT": event_id}


async def _more_than_a_page(api: Api, _sql: Sql) -> dict[str, str]:
    """There are some more orders of CUST-001."""
    for _ in range(3):
        await created(api)
    return {}


#: By page and heading; it lasts to the end of the page, or until another one has the same names.
SITUATIONS: Mapping[str, Mapping[str, Situation]] = {
    "docs/api.md": {
        "Pages": _more_than_a_page,
    },
    "docs/cli.md": {
        "Orders": _an_order_in_packing,
        "Stock": _an_order_with_a_backorder,
        "The worker": _an_event_of_somebody,
    },
    "docs/operations.md": {
        "The five debugging steps": _an_order_that_waits,
        "Incomplete fulfilment": _a_backorder,
        "Errors during fulfilment": _an_order_to_be_retried,
        "Dead letters": _a_dead_letter,
        "Events that Kafka refuses": _a_parked_event,
    },
}

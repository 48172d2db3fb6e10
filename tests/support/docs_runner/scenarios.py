"""Scenarios for headings of pages: the orders, backorders and events that the text is about."""

from collections.abc import Awaitable, Callable, Mapping

from tests.support.builders.load import wait_until_status
from tests.support.builders.orders import dead_letter_order, place_order, record_failure
from tests.support.builders.requests import item
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.processes.relays import park_first_events
from wms.orders.v1 import order_pb2, storage_pb2

#: Sets a scenario up. Returns the real values by the examples of the page.
Scenario = Callable[[Api, SqlConnection], Awaitable[Mapping[str, str]]]


async def _create_waiting_order(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create ORD-1, which waits for a retry: there is no stock of its SKU."""
    order = await place_order(api, items=[item("SKU-404")], order_id="ORD-1")
    await wait_until_status(api, order.order_id, order_pb2.ORDER_STATUS_PENDING_RETRY)
    return {"ORD-1": order.order_id}


async def _create_open_backorder(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create the open backorder BO-1: an order exceeds the stock."""
    return {"BO-1": (await _create_backorder(api)).backorder_id}


async def _create_backorder(api: Api) -> storage_pb2.Backorder:
    order = await place_order(api, items=[item("SKU-001", 150)])
    await wait_until_status(api, order.order_id, order_pb2.ORDER_STATUS_PACKING)
    request = storage_pb2.ListBackordersRequest(order_id=order.order_id)
    (open_backorder,) = (await api.storage.ListBackorders(request)).backorders
    return open_backorder


async def _create_failed_order(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create ORD-1, which has failed and whose retry is not due."""
    order = await place_order(api)
    await record_failure(api, order.order_id)
    return {"ORD-1": order.order_id}


async def _create_dead_letter(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create the dead letter ORD-1."""
    order = await place_order(api)
    await dead_letter_order(api, order.order_id)
    return {"ORD-1": order.order_id}


async def _create_parked_event(api: Api, sql: SqlConnection) -> dict[str, str]:
    """Create a parked event, which Kafka has rejected."""
    order = await place_order(api)
    (event_id,) = await park_first_events(sql, order.order_id)
    return {"6b2f1f3c-0d5d-4c53-9d43-7d8a6b1c2e3f": event_id}


async def _create_order_in_packing(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create an order in packing, to be shipped and completed."""
    order = await place_order(api)
    await wait_until_status(api, order.order_id, order_pb2.ORDER_STATUS_PACKING)
    return {"ship $ORDER": f"ship {order.order_id}", "complete $ORDER": f"complete {order.order_id}"}


async def _create_order_with_backorder(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create an order with a backorder."""
    return {"list --order $ORDER": f"list --order {(await _create_backorder(api)).order_id}"}


async def _create_parked_event_variable(api: Api, sql: SqlConnection) -> dict[str, str]:
    """Create a parked event, which Kafka has rejected."""
    (event_id,) = (await _create_parked_event(api, sql)).values()
    return {"$EVENT": event_id}


async def _create_second_page(api: Api, _sql: SqlConnection) -> dict[str, str]:
    """Create more orders of CUST-001."""
    for _ in range(3):
        await place_order(api)
    return {}


#: Scenarios by page and heading; one lasts to the end of the page, or until another has its examples.
SCENARIOS: Mapping[str, Mapping[str, Scenario]] = {
    "docs/guides/api.md": {
        "Pages": _create_second_page,
    },
    "docs/guides/cli.md": {
        "Orders": _create_order_in_packing,
        "Stock": _create_order_with_backorder,
        "The worker": _create_parked_event_variable,
    },
    "docs/guides/operations.md": {
        "The five debugging steps": _create_waiting_order,
        "Incomplete fulfilment": _create_open_backorder,
        "Errors during fulfilment": _create_failed_order,
        "Dead letters": _create_dead_letter,
        "Events that Kafka refuses": _create_parked_event,
    },
}

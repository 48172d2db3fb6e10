"""OrderService over gRPC with Postgres: create and read orders."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.code_pb2 import Code
from google.type.money_pb2 import Money

from tests.support.builders.orders import (
    parse_timestamp,
    place_order,
    read_history,
    read_order,
    to_python_dict,
)
from tests.support.builders.requests import address, create_order, item, put_lane
from tests.support.clients.errors import expect_failure, parse_failure
from tests.support.clients.grpc_api import Api, open_api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from tests.support.pytest_helpers import WITH_AND_WITHOUT_BATCHING
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2

pytestmark = [*WITH_AND_WITHOUT_BATCHING, pytest.mark.also_over_http]


async def test_get_order_returns_the_created_order(api: Api) -> None:
    """GetOrder returns the order of the CreateOrder response."""
    order = await place_order(api)
    assert await read_order(api, order.order_id) == order


async def test_missing_order_is_not_found(api: Api) -> None:
    """The error names the order."""
    failure = await expect_failure(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-none")))
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "ORD-none"})


# CreateOrder


async def test_new_order_is_received_with_a_generated_id(api: Api) -> None:
    """`ORD-` and a 26-character ULID, RECEIVED, without failures and allocations."""
    first, second = await place_order(api), await place_order(api)
    assert first.order_id.startswith("ORD-")
    assert len(first.order_id) == len("ORD-") + 26
    assert first.order_id < second.order_id or first.created_at == second.created_at
    assert first.status == order_pb2.ORDER_STATUS_RECEIVED
    assert (first.retry_count, first.wave_id, first.destination_id, first.cancel_reason) == (0, "", "", "")
    assert first.created_at == first.updated_at
    assert abs(first.created_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first.etag


async def test_every_field_of_an_order_is_stored(api: Api) -> None:
    """Including optional fields, prices with nine decimals, text in any script and the order of lines."""
    request = create_order(
        order_id="client.order_1-A",
        customer_id="Ωμέγα GmbH & Co. 😀",
        priority=order_pb2.ORDER_PRIORITY_SAME_DAY,
        promised_delivery_at=Timestamp(seconds=1_900_000_000, nanos=123_456_000),
        allow_partial=False,
        items=[
            item("B", 1_000_000, unit_price=Money(currency_code="JPY", units=9_223_372_036_854_775_807)),
            item("A", 1, unit_price=Money(currency_code="KWD", units=0, nanos=1)),
            item("B", 3),
        ],
        shipping_address=address(
            recipient_name='D\'Arcy "Q" Ó Súilleabháin',
            street="1/2 Główna \\ Straße",
            city="東京",
            state="NY",
            zip_code="10001",
            country="IE",
            phone="(21) 555-0091",
        ),
    )
    created = (await api.orders.CreateOrder(request)).order
    order = await read_order(api, created.order_id)
    assert order == created
    assert order.order_id == request.order_id
    assert order.customer_id == request.customer_id
    assert order.priority == request.priority
    assert order.promised_delivery_at == request.promised_delivery_at
    assert not order.allow_partial
    assert order.shipping_address == request.shipping_address
    assert [(line.sku, line.quantity, line.unit_price) for line in order.items] == [
        (line.sku, line.quantity, line.unit_price) for line in request.items
    ]
    assert [line.line_number for line in order.items] == [1, 2, 3]


async def test_optional_fields_stay_unset(api: Api) -> None:
    """Without promised time, price and state; in the default warehouse, with partial fulfillment allowed."""
    request = create_order(items=[order_pb2.OrderItem(sku="A", quantity=1)])
    order = (await api.orders.CreateOrder(request)).order
    assert not order.HasField("promised_delivery_at")
    assert not order.items[0].HasField("unit_price")
    assert order.shipping_address == address()
    assert order.warehouse_id == "WH-01"
    assert order.allow_partial
    assert not order.overdue


async def test_output_only_fields_of_a_line_are_ignored(api: Api) -> None:
    """A client can not set quantities that were never allocated."""
    line = item(quantity=5, line_number=9, quantity_allocated=5, quantity_delivered=5, quantity_shipped=5)
    order = await place_order(api, items=[line])
    (stored,) = order.items
    assert (stored.line_number, stored.quantity_allocated) == (1, 0)
    assert (stored.quantity_delivered, stored.quantity_shipped) == (0, 0)


async def test_partial_fulfillment_is_allowed_by_default(api: Api) -> None:
    """An unset field means true, and false is stored."""
    for allow_partial, stored in [(None, True), (True, True), (False, False)]:
        order = await place_order(api, allow_partial=allow_partial)
        assert (await read_order(api, order.order_id)).allow_partial is stored


async def test_order_belongs_to_the_requested_warehouse(api: Api) -> None:
    """A warehouse exists once it has a lane."""
    await api.storage.PutLane(put_lane("LANE-9", warehouse_id="WH-09"))
    assert (await place_order(api, warehouse_id="WH-09")).warehouse_id == "WH-09"


async def test_default_warehouse_is_configurable(database_url: str) -> None:
    """Orders without a warehouse belong to it, even before it has a lane or destination."""
    async with open_api(database_url, default_warehouse_id="NORTH") as api:
        assert (await place_order(api)).warehouse_id == "NORTH"


async def test_unknown_warehouse_is_not_found(api: Api, sql: SqlConnection) -> None:
    """The call stores nothing."""
    before = await count_table_rows(sql)
    failure = await expect_failure(api.orders.CreateOrder(create_order(warehouse_id="WH-77")))
    assert (failure.reason, failure.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-77"})
    assert await count_table_rows(sql) == before


async def test_second_order_with_the_same_id_is_rejected(api: Api, sql: SqlConnection) -> None:
    """The first order stays unchanged."""
    first = await place_order(api, order_id="MINE-1")
    before = await count_table_rows(sql)
    failure = await expect_failure(
        api.orders.CreateOrder(create_order(order_id="MINE-1", customer_id="other"))
    )
    assert (failure.reason, failure.metadata) == ("ORDER_ALREADY_EXISTS", {"orderId": "MINE-1"})
    assert await read_order(api, "MINE-1") == first
    assert await count_table_rows(sql) == before


async def test_promised_time_in_the_past_makes_the_order_overdue(api: Api) -> None:
    """It is accepted and stored. An order with a later time is not overdue."""
    past = await place_order(api, promised_delivery_at=Timestamp(seconds=1))
    future = await place_order(api, promised_delivery_at=Timestamp(seconds=4_000_000_000))
    assert past.overdue
    assert past.promised_delivery_at.seconds == 1
    assert not future.overdue


async def test_received_event_has_the_complete_order(api: Api) -> None:
    """Its payload has the shape of the request body."""
    order = await place_order(
        api,
        promised_delivery_at=Timestamp(seconds=1_703_696_400),
        shipping_address=address(state="NY", zip_code="10001"),
        allow_partial=False,
    )
    (event,) = await read_history(api, order.order_id)
    assert event.type == "wms.order.received"
    assert (event.from_status, event.to_status) == (0, order_pb2.ORDER_STATUS_RECEIVED)
    payload = to_python_dict(event.payload)
    assert parse_timestamp(payload.pop("timestamp")) == order.created_at
    assert payload == {
        "type": "wms.order.received",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "warehouseId": "WH-01",
        "priority": "standard",
        "promisedDeliveryAt": "2023-12-27T17:00:00Z",
        "allowPartial": False,
        "items": [
            {
                "sku": "SKU-001",
                "quantity": 2,
                "unitPrice": {"currencyCode": "USD", "units": "29", "nanos": 990_000_000},
            }
        ],
        "shippingAddress": {
            "street": "123 Main St",
            "city": "New York",
            "state": "NY",
            "zipCode": "10001",
            "country": "US",
        },
    }


# BatchCreateOrders


async def test_batch_returns_results_in_the_order_of_its_elements(api: Api, sql: SqlConnection) -> None:
    """Valid orders are stored. Invalid ones name their own fields and do not affect others."""
    await place_order(api, order_id="TAKEN")
    requests = [
        create_order(order_id="B-1"),
        create_order(customer_id="", items=[item(quantity=0)]),
        create_order(order_id="B-3", warehouse_id="WH-77"),
        create_order(order_id="TAKEN"),
        create_order(order_id="B-5"),
    ]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    result_fields = [result.WhichOneof("result") for result in response.results]
    assert result_fields == ["order", "status", "status", "status", "order"]
    assert (response.results[0].order.order_id, response.results[4].order.order_id) == ("B-1", "B-5")
    invalid, unknown, duplicate = (parse_failure(response.results[index].status) for index in (1, 2, 3))
    assert invalid.reason == "INVALID_REQUEST"
    assert set(invalid.violations_by_field) == {"customer_id", "items[0].quantity"}
    assert (unknown.reason, unknown.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-77"})
    assert (duplicate.reason, duplicate.metadata) == ("ORDER_ALREADY_EXISTS", {"orderId": "TAKEN"})
    for result in (response.results[0], response.results[4]):
        assert await read_order(api, result.order.order_id) == result.order
    assert (await count_table_rows(sql))["orders"] == 3
    assert await find_violations(sql, acknowledged_ids=["B-1", "B-5"], rejected_ids=["B-3"]) == []


async def test_batch_creates_the_first_of_two_orders_with_the_same_id(api: Api) -> None:
    """The second one gets the error of a later call."""
    requests = [create_order(order_id="D-1", customer_id=customer_id) for customer_id in ("first", "second")]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert response.results[0].order.customer_id == "first"
    assert parse_failure(response.results[1].status).reason == "ORDER_ALREADY_EXISTS"
    assert (await read_order(api, "D-1")).customer_id == "first"


async def test_rejected_order_of_a_batch_does_not_reserve_its_id(api: Api) -> None:
    """The second order with the id is created if the first one is rejected."""
    requests = [
        create_order(order_id="D-2", warehouse_id="WH-77"),
        create_order(order_id="D-2", customer_id="second"),
        create_order(order_id="D-2", customer_id="third"),
    ]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert parse_failure(response.results[0].status).reason == "WAREHOUSE_NOT_FOUND"
    assert response.results[1].order.customer_id == "second"
    assert parse_failure(response.results[2].status).reason == "ORDER_ALREADY_EXISTS"


async def test_batch_creates_five_hundred_orders(api: Api, sql: SqlConnection) -> None:
    """The documented limit, each with its own id and event."""
    requests = [create_order(order_id=f"L-{number:03}") for number in range(500)]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert [result.order.order_id for result in response.results] == [
        request.order_id for request in requests
    ]
    row_counts = await count_table_rows(sql)
    assert (row_counts["orders"], row_counts["order_items"], row_counts["audit_trail"]) == (500, 500, 500)


async def test_events_of_a_batch_have_its_order(api: Api, sql: SqlConnection) -> None:
    """The positions of the events have the order of the requests."""
    requests = [create_order(order_id=f"T-{number}") for number in (2, 3, 1)]
    await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    await eventually(lambda: sql.fetchval("SELECT count(*) = 3 FROM order_events"))
    rows = await sql.fetch("SELECT order_id FROM order_events ORDER BY position")
    assert [row["order_id"] for row in rows] == ["T-2", "T-3", "T-1"]


# BatchGetOrders


async def test_orders_are_returned_in_the_order_of_the_requested_ids(api: Api) -> None:
    """An id that is requested twice is returned twice."""
    created_ids = [(await place_order(api)).order_id for _ in range(3)]
    requested_ids = [created_ids[2], created_ids[0], created_ids[2], created_ids[1]]
    response = await api.orders.BatchGetOrders(orders_pb2.BatchGetOrdersRequest(order_ids=requested_ids))
    assert [order.order_id for order in response.orders] == requested_ids


async def test_batch_read_is_all_or_nothing(api: Api) -> None:
    """The error names the first missing id."""
    existing_id = (await place_order(api)).order_id
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[existing_id, "gone-2", "gone-1"])
    failure = await expect_failure(api.orders.BatchGetOrders(request))
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone-2"})


async def test_rejected_element_has_the_code_of_the_single_call(api: Api) -> None:
    """Its status is not OK."""
    response = await api.orders.BatchCreateOrders(
        orders_pb2.BatchCreateOrdersRequest(requests=[create_order(warehouse_id="WH-77")])
    )
    assert response.results[0].status.code == Code.NOT_FOUND

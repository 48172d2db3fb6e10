"""OrderService over gRPC, on a real Postgres: taking orders in and reading them back."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.code_pb2 import Code
from google.type.money_pb2 import Money

from tests.support.api import Api, open_api
from tests.support.failures import failing, failure_of
from tests.support.group_commit import BOTH_WAYS
from tests.support.invariants import Sql, breaches
from tests.support.orders import created, facts, history, moment, read
from tests.support.requests import address, create_order, item, put_lane
from tests.support.tables import counts
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2

pytestmark = [*BOTH_WAYS, pytest.mark.also_over_http]


async def test_an_order_that_was_created_is_read_back_as_it_was_answered(api: Api) -> None:
    """What CreateOrder acknowledges is what GetOrder gives."""
    order = await created(api)
    assert await read(api, order.order_id) == order


async def test_an_order_that_does_not_exist_is_not_found(api: Api) -> None:
    """The error names the order."""
    failure = await failing(api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="ORD-none")))
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "ORD-none"})


# CreateOrder


async def test_a_new_order_is_received_with_an_id_of_the_servers_making(api: Api) -> None:
    """`ORD-` and a 26-character ULID that sorts by time; RECEIVED, no failures, nothing allocated."""
    first, second = await created(api), await created(api)
    assert first.order_id.startswith("ORD-")
    assert len(first.order_id) == len("ORD-") + 26
    assert first.order_id < second.order_id or first.created_at == second.created_at
    assert first.status == order_pb2.ORDER_STATUS_RECEIVED
    assert (first.retry_count, first.wave_id, first.destination_id, first.cancel_reason) == (0, "", "", "")
    assert first.created_at == first.updated_at
    assert abs(first.created_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first.etag


async def test_every_field_of_an_order_comes_back(api: Api) -> None:
    """The optional ones too, prices to the billionth, names in any script, lines in the order given."""
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
    answered = (await api.orders.CreateOrder(request)).order
    order = await read(api, answered.order_id)
    assert order == answered
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


async def test_an_order_without_the_optional_fields_has_none_of_them(api: Api) -> None:
    """No promise, no price, no state; the default warehouse, and partial delivery allowed."""
    request = create_order(items=[order_pb2.OrderItem(sku="A", quantity=1)])
    order = (await api.orders.CreateOrder(request)).order
    assert not order.HasField("promised_delivery_at")
    assert not order.items[0].HasField("unit_price")
    assert order.shipping_address == address()
    assert order.warehouse_id == "WH-01"
    assert order.allow_partial
    assert not order.overdue


async def test_what_only_the_service_may_say_of_a_line_is_ignored(api: Api) -> None:
    """A client can't bring quantities that were never allocated."""
    line = item(quantity=5, line_number=9, quantity_allocated=5, quantity_delivered=5, quantity_shipped=5)
    order = await created(api, items=[line])
    (stored,) = order.items
    assert (stored.line_number, stored.quantity_allocated) == (1, 0)
    assert (stored.quantity_delivered, stored.quantity_shipped) == (0, 0)


async def test_partial_delivery_is_allowed_unless_refused(api: Api) -> None:
    """Absent means true, and false is kept."""
    for asked, stored in [(None, True), (True, True), (False, False)]:
        order = await created(api, allow_partial=asked)
        assert (await read(api, order.order_id)).allow_partial is stored


async def test_an_order_goes_to_the_warehouse_it_names(api: Api) -> None:
    """A warehouse exists once it has a lane."""
    await api.storage.PutLane(put_lane("LANE-9", warehouse_id="WH-09"))
    assert (await created(api, warehouse_id="WH-09")).warehouse_id == "WH-09"


async def test_the_default_warehouse_comes_from_the_configuration(database_url: str) -> None:
    """An order that names none goes there, without a lane or destination being there yet."""
    async with open_api(database_url, default_warehouse_id="NORTH") as api:
        assert (await created(api)).warehouse_id == "NORTH"


async def test_a_warehouse_that_nobody_knows_is_not_found(api: Api, sql: Sql) -> None:
    """And nothing is stored."""
    before = await counts(sql)
    failure = await failing(api.orders.CreateOrder(create_order(warehouse_id="WH-77")))
    assert (failure.reason, failure.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-77"})
    assert await counts(sql) == before


async def test_a_second_order_with_the_same_id_is_refused(api: Api, sql: Sql) -> None:
    """The first stays as it was."""
    first = await created(api, order_id="MINE-1")
    before = await counts(sql)
    failure = await failing(api.orders.CreateOrder(create_order(order_id="MINE-1", customer_id="other")))
    assert (failure.reason, failure.metadata) == ("ORDER_ALREADY_EXISTS", {"orderId": "MINE-1"})
    assert await read(api, "MINE-1") == first
    assert await counts(sql) == before


async def test_a_promise_that_lies_in_the_past_makes_the_order_overdue(api: Api) -> None:
    """It is accepted as it is; one in the future is not overdue."""
    past = await created(api, promised_delivery_at=Timestamp(seconds=1))
    future = await created(api, promised_delivery_at=Timestamp(seconds=4_000_000_000))
    assert past.overdue
    assert past.promised_delivery_at.seconds == 1
    assert not future.overdue


async def test_the_received_event_carries_the_whole_order(api: Api) -> None:
    """In the shape of the body it was asked for with."""
    order = await created(
        api,
        promised_delivery_at=Timestamp(seconds=1_703_696_400),
        shipping_address=address(state="NY", zip_code="10001"),
        allow_partial=False,
    )
    (event,) = await history(api, order.order_id)
    assert event.type == "wms.order.received"
    assert (event.from_status, event.to_status) == (0, order_pb2.ORDER_STATUS_RECEIVED)
    payload = facts(event.payload)
    assert moment(payload.pop("timestamp")) == order.created_at
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


async def test_a_batch_gives_each_element_its_own_result_in_its_own_place(api: Api, sql: Sql) -> None:
    """Good ones are stored, bad ones name their faults by their own paths; one does not hurt another."""
    await created(api, order_id="TAKEN")
    requests = [
        create_order(order_id="B-1"),
        create_order(customer_id="", items=[item(quantity=0)]),
        create_order(order_id="B-3", warehouse_id="WH-77"),
        create_order(order_id="TAKEN"),
        create_order(order_id="B-5"),
    ]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    kinds = [result.WhichOneof("result") for result in answer.results]
    assert kinds == ["order", "status", "status", "status", "order"]
    assert (answer.results[0].order.order_id, answer.results[4].order.order_id) == ("B-1", "B-5")
    invalid, unknown, taken = (failure_of(answer.results[place].status) for place in (1, 2, 3))
    assert invalid.reason == "INVALID_REQUEST"
    assert set(invalid.violations) == {"customer_id", "items[0].quantity"}
    assert (unknown.reason, unknown.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-77"})
    assert (taken.reason, taken.metadata) == ("ORDER_ALREADY_EXISTS", {"orderId": "TAKEN"})
    for result in (answer.results[0], answer.results[4]):
        assert await read(api, result.order.order_id) == result.order
    assert (await counts(sql))["orders"] == 3
    assert await breaches(sql, acknowledged=["B-1", "B-5"], refused=["B-3"]) == []


async def test_of_two_orders_with_one_id_in_a_batch_the_first_is_made(api: Api) -> None:
    """The second is answered as a later call would be."""
    requests = [create_order(order_id="D-1", customer_id=name) for name in ("first", "second")]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert answer.results[0].order.customer_id == "first"
    assert failure_of(answer.results[1].status).reason == "ORDER_ALREADY_EXISTS"
    assert (await read(api, "D-1")).customer_id == "first"


async def test_an_order_that_was_refused_leaves_its_id_to_the_next_in_the_batch(api: Api) -> None:
    """Each element is taken by itself: the second with the id is made when the first could not be."""
    requests = [
        create_order(order_id="D-2", warehouse_id="WH-77"),
        create_order(order_id="D-2", customer_id="second"),
        create_order(order_id="D-2", customer_id="third"),
    ]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert failure_of(answer.results[0].status).reason == "WAREHOUSE_NOT_FOUND"
    assert answer.results[1].order.customer_id == "second"
    assert failure_of(answer.results[2].status).reason == "ORDER_ALREADY_EXISTS"


async def test_five_hundred_orders_go_in_one_batch(api: Api, sql: Sql) -> None:
    """The documented limit, each with an id and an event of its own."""
    requests = [create_order(order_id=f"L-{number:03}") for number in range(500)]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert [result.order.order_id for result in answer.results] == [one.order_id for one in requests]
    told = await counts(sql)
    assert (told["orders"], told["order_items"], told["audit"]) == (500, 500, 500)


async def test_orders_of_a_batch_are_told_in_its_order(api: Api, sql: Sql) -> None:
    """Who follows the events sees them come as they were asked for."""
    requests = [create_order(order_id=f"T-{number}") for number in (2, 3, 1)]
    await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    await eventually(lambda: sql.fetchval("SELECT count(*) = 3 FROM order_events"))
    rows = await sql.fetch("SELECT order_id FROM order_events ORDER BY position")
    assert [row["order_id"] for row in rows] == ["T-2", "T-3", "T-1"]


# BatchGetOrders


async def test_orders_are_read_in_the_order_asked_for_and_as_often(api: Api) -> None:
    """An id that is named twice is answered twice."""
    ids = [(await created(api)).order_id for _ in range(3)]
    asked = [ids[2], ids[0], ids[2], ids[1]]
    answer = await api.orders.BatchGetOrders(orders_pb2.BatchGetOrdersRequest(order_ids=asked))
    assert [order.order_id for order in answer.orders] == asked


async def test_reading_several_is_all_or_nothing(api: Api) -> None:
    """The first id that does not exist is named."""
    known = (await created(api)).order_id
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[known, "gone-2", "gone-1"])
    failure = await failing(api.orders.BatchGetOrders(request))
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone-2"})


async def test_no_status_of_an_element_is_ok(api: Api) -> None:
    """An element that was refused has the code that the single call would have answered."""
    answer = await api.orders.BatchCreateOrders(
        orders_pb2.BatchCreateOrdersRequest(requests=[create_order(warehouse_id="WH-77")])
    )
    assert answer.results[0].status.code == Code.NOT_FOUND

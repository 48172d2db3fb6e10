"""ListOrders and ListDeadLetterEntries over gRPC: filters, and pages by token and by number."""

from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import dead_letter_order, place_order, place_order_in_status, read_order
from tests.support.builders.requests import create_order, item, put_destination, put_lane
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain.orders.status import OrderStatus

pytestmark = pytest.mark.also_over_http


async def list_page(api: Api, **fields: Any) -> orders_pb2.ListOrdersResponse:
    """Return one page."""
    return await api.orders.ListOrders(orders_pb2.ListOrdersRequest(**fields))


def order_ids_of(page: orders_pb2.ListOrdersResponse) -> list[str]:
    """Return the order ids of a page."""
    return [order.order_id for order in page.orders]


async def create_batch(api: Api, order_ids: Sequence[str], **fields: Any) -> None:
    """Create orders with these ids at the same time."""
    requests = [create_order(order_id=order_id, **fields) for order_id in order_ids]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert all(result.HasField("order") for result in response.results)


async def list_all_ids(api: Api, **fields: Any) -> list[str]:
    """Return the ids of all pages in their order."""
    listed_ids: list[str] = []
    token = ""
    while True:
        page = await list_page(api, page_token=token, **fields)
        listed_ids += order_ids_of(page)
        token = page.next_page_token
        if not token:
            return listed_ids


# Filters


async def test_orders_are_listed_newest_first(api: Api) -> None:
    """The list has the same orders as GetOrder."""
    created_ids = [(await place_order(api)).order_id for _ in range(3)]
    page = await list_page(api)
    assert order_ids_of(page) == created_ids[::-1]
    assert [await read_order(api, order_id) for order_id in reversed(created_ids)] == list(page.orders)
    assert not page.next_page_token


async def test_filters_can_be_combined(api: Api, fulfillment: Fulfillment) -> None:
    """An order must match status, priority, customer, warehouse, wave and overdue filter."""
    await api.storage.PutLane(put_lane("FAR", warehouse_id="WH-02"))
    await api.storage.PutDestination(put_destination())
    urgent = order_pb2.ORDER_PRIORITY_SAME_DAY
    first = (await place_order(api, customer_id="A", priority=urgent)).order_id
    second = (await place_order(api, customer_id="B", warehouse_id="WH-02")).order_id
    third = (await place_order(api, customer_id="A", promised_delivery_at=Timestamp(seconds=1))).order_id
    fourth = await place_order_in_status(api, fulfillment, OrderStatus.ASSIGNED_TO_WAVE)
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=first))
    received, cancelled = order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_CANCELLED
    assert order_ids_of(await list_page(api, statuses=[received])) == [third, second]
    assert order_ids_of(await list_page(api, statuses=[cancelled, received, received])) == [
        third,
        second,
        first,
    ]
    assert order_ids_of(await list_page(api, priorities=[urgent])) == [first]
    assert order_ids_of(await list_page(api, customer_id="A")) == [third, first]
    assert order_ids_of(await list_page(api, warehouse_id="WH-02")) == [second]
    assert order_ids_of(await list_page(api, wave_id=fourth.wave_id)) == [fourth.order_id]
    assert order_ids_of(await list_page(api, overdue_only=True)) == [third]
    assert order_ids_of(await list_page(api, customer_id="A", statuses=[received])) == [third]
    assert order_ids_of(await list_page(api, customer_id="A", statuses=[cancelled], overdue_only=True)) == []
    assert order_ids_of(await list_page(api, customer_id="nobody")) == []


async def test_orders_are_filtered_by_creation_time(api: Api) -> None:
    """`created_after` includes its time, and `created_before` excludes it."""
    first, second, third = [await place_order(api) for _ in range(3)]
    assert order_ids_of(await list_page(api, created_after=second.created_at)) == [
        third.order_id,
        second.order_id,
    ]
    assert order_ids_of(await list_page(api, created_before=second.created_at)) == [first.order_id]
    between = await list_page(api, created_after=second.created_at, created_before=third.created_at)
    assert order_ids_of(between) == [second.order_id]


# Pages


async def test_page_has_twenty_orders_by_default_and_at_most_two_hundred(api: Api) -> None:
    """Size 0 means 20, and sizes above 200 mean 200."""
    await create_batch(api, [f"O-{number:03}" for number in range(205)])
    for page_size, expected_size in [(0, 20), (1, 1), (199, 199), (200, 200), (201, 200), (10**9, 200)]:
        page = await list_page(api, page_size=page_size)
        assert len(page.orders) == expected_size
        assert page.next_page_token


async def test_every_list_rejects_a_negative_page_size(api: Api) -> None:
    """It is a field error. A very large size is accepted."""
    lists: tuple[tuple[Any, Any], ...] = (
        (api.orders.ListOrders, orders_pb2.ListOrdersRequest),
        (api.dead_letters.ListDeadLetterEntries, dead_letters_pb2.ListDeadLetterEntriesRequest),
        (api.storage.ListLanes, storage_pb2.ListLanesRequest),
        (api.storage.ListDestinations, storage_pb2.ListDestinationsRequest),
        (api.storage.ListCarriers, storage_pb2.ListCarriersRequest),
        (api.storage.GetStock, storage_pb2.GetStockRequest),
    )

    async def check(call: Any, request: Any) -> None:
        failure = await expect_failure(call(request(page_size=-1)))
        assert (failure.reason, list(failure.violations_by_field)) == ("INVALID_REQUEST", ["page_size"])
        assert not (await call(request(page_size=10**9))).next_page_token
        assert (await expect_failure(call(request(page_token="nonsense")))).reason == "INVALID_PAGE_TOKEN"

    for call, request in lists:
        await check(call, request)
    order = await place_order(api)
    history = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=-1)
    assert list((await expect_failure(api.orders.GetOrderHistory(history))).violations_by_field) == [
        "page_size"
    ]
    history.page_size = 10**9
    assert len((await api.orders.GetOrderHistory(history)).events) == 1


async def test_pages_of_any_size_return_each_order_once(api: Api) -> None:
    """Including orders of the same time, with and without a filter by status."""
    await create_batch(api, ["A-1", "A-2", "A-3"])
    await create_batch(api, ["B-3", "B-1", "B-2"])
    expected = ["B-3", "B-2", "B-1", "A-3", "A-2", "A-1"]
    statuses = [order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_PICKING]
    for size in [1, 2, 3, 7]:
        assert await list_all_ids(api, page_size=size) == expected
        assert await list_all_ids(api, page_size=size, statuses=statuses) == expected


async def test_full_last_page_has_no_token(api: Api) -> None:
    """A token always leads to a page with orders."""
    await create_batch(api, ["A-1", "A-2"])
    assert not (await list_page(api, page_size=2)).next_page_token


async def test_changes_while_paging_cause_no_duplicates_or_gaps(api: Api) -> None:
    """Orders of the beginning are listed once, during additions and changes."""
    await create_batch(api, [f"O-{number}" for number in range(7)])
    listed_ids: list[str] = []
    token = ""
    for number in range(10):
        page = await list_page(api, page_size=2, page_token=token)
        listed_ids += order_ids_of(page)
        token = page.next_page_token
        if not token:
            break
        await place_order(api, order_id=f"N-{number}")
        await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=f"O-{number}"))
    assert listed_ids == [f"O-{number}" for number in range(6, -1, -1)]


async def test_page_numbers_return_the_same_pages(api: Api) -> None:
    """They start at 1.

    A page beyond the end is empty, and the token of a numbered page continues after it.
    """
    await create_batch(api, [f"O-{number}" for number in range(5)])
    pages = [order_ids_of(await list_page(api, page_size=2, page=number)) for number in (1, 2, 3, 4)]
    assert pages == [["O-4", "O-3"], ["O-2", "O-1"], ["O-0"], []]
    filtered = await list_page(api, page_size=2, page=2, statuses=[order_pb2.ORDER_STATUS_RECEIVED])
    assert order_ids_of(filtered) == ["O-2", "O-1"]
    second = await list_page(api, page_size=2, page=2)
    assert order_ids_of(await list_page(api, page_size=2, page_token=second.next_page_token)) == ["O-0"]


async def test_page_numbers_reach_the_first_ten_thousand_orders_only(api: Api) -> None:
    """Deeper pages and invalid page numbers are rejected."""
    assert order_ids_of(await list_page(api, page=500)) == []
    assert order_ids_of(await list_page(api, page=10_000, page_size=1)) == []
    for fields in ({"page": 501}, {"page": 51, "page_size": 10**9}):
        failure = await expect_failure(list_page(api, **fields))
        assert (failure.reason, failure.metadata) == ("PAGE_TOO_DEEP", {"limit": "10000"})
    for page in (-1, 10_001):
        assert list((await expect_failure(list_page(api, page=page))).violations_by_field) == ["page"]


async def test_token_and_page_number_are_mutually_exclusive(api: Api) -> None:
    """A request has one or the other."""
    assert (await expect_failure(list_page(api, page=1, page_token="x"))).reason == "INVALID_REQUEST"


async def test_malformed_token_is_rejected(api: Api) -> None:
    """It has its own error reason."""
    for token in ["x", "%%%", "AAAA", "A" * 2048, "é", "bm90IGEgdG9rZW4gYXQgYWxsLCByZWFsbHk="]:
        assert (await expect_failure(list_page(api, page_token=token))).reason == "INVALID_PAGE_TOKEN"


async def test_token_over_the_length_limit_is_a_field_error(api: Api) -> None:
    """The limit is 2,048 characters."""
    assert list((await expect_failure(list_page(api, page_token="A" * 2049))).violations_by_field) == [
        "page_token"
    ]


async def test_token_belongs_to_its_list_and_filters(api: Api) -> None:
    """Other filters and lists reject it. Another page size is allowed."""
    for _ in range(4):
        await dead_letter_order(api, (await place_order(api, customer_id="A")).order_id)
    token = (await list_page(api, page_size=1, customer_id="A")).next_page_token
    for other_filters in ({}, {"customer_id": "B"}, {"customer_id": "A", "overdue_only": True}):
        failure = await expect_failure(list_page(api, page_size=1, page_token=token, **other_filters))
        assert failure.reason == "INVALID_PAGE_TOKEN"
    other_list_request = dead_letters_pb2.ListDeadLetterEntriesRequest(customer_id="A", page_token=token)
    failure = await expect_failure(api.dead_letters.ListDeadLetterEntries(other_list_request))
    assert failure.reason == "INVALID_PAGE_TOKEN"
    assert len((await list_page(api, page_size=3, customer_id="A", page_token=token)).orders) == 3


async def test_dead_letter_entries_have_pages(api: Api, sql: SqlConnection) -> None:
    """Newest first, by token while entries are added, and by number."""
    order_ids = []
    for number in range(5):
        await place_order(api, order_id=f"D-{number}")
        await dead_letter_order(api, f"D-{number}")
        order_ids.append(f"D-{number}")
    await sql.execute("UPDATE dead_letter_entries SET created_at = date_trunc('hour', created_at)")
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=2)
    listed_ids: list[str] = []
    while True:
        page = await api.dead_letters.ListDeadLetterEntries(request)
        listed_ids += [entry.order_id for entry in page.entries]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
        order = await place_order(api)
        await dead_letter_order(api, order.order_id)
    assert listed_ids == order_ids[::-1]
    numbered_request = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=2, page=2)
    entry_count = len((await api.dead_letters.ListDeadLetterEntries(numbered_request)).entries)
    assert entry_count == 2


async def test_pages_of_long_orders_fit_into_grpc_messages(api: Api, sql: SqlConnection) -> None:
    """A hundred orders of five hundred lines, in pages below 4 MiB, each order once."""
    items = [item(f"SKU-{number:056}") for number in range(500)]
    await place_order(api, order_id="ORD-000", items=items)
    await sql.execute("""
        INSERT INTO orders
        SELECT (json_populate_record(o, json_build_object('order_id', 'ORD-' || lpad(n::text, 3, '0')))).*
          FROM orders o CROSS JOIN generate_series(1, 99) AS n""")
    await sql.execute("""
        INSERT INTO order_items
        SELECT (json_populate_record(i, json_build_object('order_id', 'ORD-' || lpad(n::text, 3, '0')))).*
          FROM order_items i CROSS JOIN generate_series(1, 99) AS n""")
    first = await list_page(api, page_size=200)
    assert 1 < len(first.orders) < 100
    assert first.next_page_token
    assert await list_all_ids(api, page_size=200) == [f"ORD-{number:03}" for number in reversed(range(100))]

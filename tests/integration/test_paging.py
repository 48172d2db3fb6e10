"""ListOrders and ListDeadLetterEntries over gRPC: filters, pages by token and by number."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.orders import created, dead_letter, order_in, read
from tests.support.requests import create_order, item, put_destination, put_lane
from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, storage_pb2
from wms_core.domain.order_status import OrderStatus


async def listed(api: Api, **fields: Any) -> orders_pb2.ListOrdersResponse:
    """Give one page."""
    return await api.orders.ListOrders(orders_pb2.ListOrdersRequest(**fields))


def ids(answer: orders_pb2.ListOrdersResponse) -> list[str]:
    """Give the ids of a page's orders."""
    return [order.order_id for order in answer.orders]


async def batch(api: Api, names: Sequence[str], **fields: Any) -> None:
    """Create orders of these ids at one moment."""
    requests = [create_order(order_id=name, **fields) for name in names]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    assert all(result.HasField("order") for result in answer.results)


async def walked(api: Api, **fields: Any) -> list[str]:
    """Give the ids of all pages, one after the other."""
    seen: list[str] = []
    token = ""
    while True:
        answer = await listed(api, page_token=token, **fields)
        seen += ids(answer)
        token = answer.next_page_token
        if not token:
            return seen


# Filters


async def test_orders_come_newest_first_as_they_are_read_alone(api: Api) -> None:
    """The list shows what GetOrder shows."""
    names = [(await created(api)).order_id for _ in range(3)]
    answer = await listed(api)
    assert ids(answer) == names[::-1]
    assert [await read(api, name) for name in reversed(names)] == list(answer.orders)
    assert not answer.next_page_token


async def test_each_filter_holds_and_all_together(api: Api, fulfillment: Fulfillment) -> None:
    """Status, priority, customer, warehouse, wave, overdue: an order must pass all of them."""
    await api.storage.PutLane(put_lane("FAR", warehouse_id="WH-02"))
    await api.storage.PutDestination(put_destination())
    urgent = order_pb2.ORDER_PRIORITY_SAME_DAY
    one = (await created(api, customer_id="A", priority=urgent)).order_id
    two = (await created(api, customer_id="B", warehouse_id="WH-02")).order_id
    three = (await created(api, customer_id="A", promised_delivery_at=Timestamp(seconds=1))).order_id
    four = await order_in(api, fulfillment, OrderStatus.ASSIGNED_TO_WAVE)
    await api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=one))
    received, cancelled = order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_CANCELLED
    assert ids(await listed(api, statuses=[received])) == [three, two]
    assert ids(await listed(api, statuses=[cancelled, received, received])) == [three, two, one]
    assert ids(await listed(api, priorities=[urgent])) == [one]
    assert ids(await listed(api, customer_id="A")) == [three, one]
    assert ids(await listed(api, warehouse_id="WH-02")) == [two]
    assert ids(await listed(api, wave_id=four.wave_id)) == [four.order_id]
    assert ids(await listed(api, overdue_only=True)) == [three]
    assert ids(await listed(api, customer_id="A", statuses=[received])) == [three]
    assert ids(await listed(api, customer_id="A", statuses=[cancelled], overdue_only=True)) == []
    assert ids(await listed(api, customer_id="nobody")) == []


async def test_orders_are_filtered_by_when_they_were_created(api: Api) -> None:
    """At the time or later; before the time."""
    one, two, three = [await created(api) for _ in range(3)]
    assert ids(await listed(api, created_after=two.created_at)) == [three.order_id, two.order_id]
    assert ids(await listed(api, created_before=two.created_at)) == [one.order_id]
    between = await listed(api, created_after=two.created_at, created_before=three.created_at)
    assert ids(between) == [two.order_id]


# Pages


async def test_a_page_has_twenty_orders_by_default_and_two_hundred_at_most(api: Api) -> None:
    """0 means 20, anything above 200 means 200."""
    await batch(api, [f"O-{number:03}" for number in range(205)])
    for asked, given in [(0, 20), (1, 1), (199, 199), (200, 200), (201, 200), (10**9, 200)]:
        answer = await listed(api, page_size=asked)
        assert len(answer.orders) == given
        assert answer.next_page_token


async def test_a_negative_page_size_is_an_error_of_every_list(api: Api) -> None:
    """A fault of that field; a thousand million is none."""
    lists: tuple[tuple[Any, Any], ...] = (
        (api.orders.ListOrders, orders_pb2.ListOrdersRequest),
        (api.dead_letters.ListDeadLetterEntries, dead_letters_pb2.ListDeadLetterEntriesRequest),
        (api.storage.ListLanes, storage_pb2.ListLanesRequest),
        (api.storage.ListDestinations, storage_pb2.ListDestinationsRequest),
        (api.storage.ListCarriers, storage_pb2.ListCarriersRequest),
        (api.storage.GetStock, storage_pb2.GetStockRequest),
    )

    async def check(call: Any, request: Any) -> None:
        failure = await failing(call(request(page_size=-1)))
        assert (failure.reason, list(failure.violations)) == ("INVALID_REQUEST", ["page_size"])
        assert not (await call(request(page_size=10**9))).next_page_token
        assert (await failing(call(request(page_token="nonsense")))).reason == "INVALID_PAGE_TOKEN"

    for call, request in lists:
        await check(call, request)
    order = await created(api)
    history = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=-1)
    assert list((await failing(api.orders.GetOrderHistory(history))).violations) == ["page_size"]
    history.page_size = 10**9
    assert len((await api.orders.GetOrderHistory(history)).events) == 1


async def test_pages_of_any_size_give_each_order_once(api: Api) -> None:
    """Also orders of the same moment, with and without a filter by status."""
    await batch(api, ["A-1", "A-2", "A-3"])
    await batch(api, ["B-3", "B-1", "B-2"])
    expected = ["B-3", "B-2", "B-1", "A-3", "A-2", "A-1"]
    statuses = [order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_PICKING]
    for size in [1, 2, 3, 7]:
        assert await walked(api, page_size=size) == expected
        assert await walked(api, page_size=size, statuses=statuses) == expected


async def test_a_last_page_that_is_full_has_no_token(api: Api) -> None:
    """A token always leads to something."""
    await batch(api, ["A-1", "A-2"])
    assert not (await listed(api, page_size=2)).next_page_token


async def test_orders_added_while_paging_are_neither_repeated_nor_skipped(api: Api) -> None:
    """What was there at the beginning comes once, whatever is added, changed or cancelled meanwhile."""
    await batch(api, [f"O-{number}" for number in range(7)])
    seen: list[str] = []
    token = ""
    for extra in range(10):
        answer = await listed(api, page_size=2, page_token=token)
        seen += ids(answer)
        token = answer.next_page_token
        if not token:
            break
        await created(api, order_id=f"N-{extra}")
        await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=f"O-{extra}"))
    assert seen == [f"O-{number}" for number in range(6, -1, -1)]


async def test_page_numbers_give_the_same_pages(api: Api) -> None:
    """From 1; a page beyond the end is empty; the token of a numbered page goes on from there."""
    await batch(api, [f"O-{number}" for number in range(5)])
    pages = [ids(await listed(api, page_size=2, page=number)) for number in (1, 2, 3, 4)]
    assert pages == [["O-4", "O-3"], ["O-2", "O-1"], ["O-0"], []]
    filtered = await listed(api, page_size=2, page=2, statuses=[order_pb2.ORDER_STATUS_RECEIVED])
    assert ids(filtered) == ["O-2", "O-1"]
    second = await listed(api, page_size=2, page=2)
    assert ids(await listed(api, page_size=2, page_token=second.next_page_token)) == ["O-0"]


async def test_page_numbers_reach_the_first_ten_thousand_orders(api: Api) -> None:
    """The last page that ends there is given, the next is refused; so is a number that is none."""
    assert ids(await listed(api, page=500)) == []
    assert ids(await listed(api, page=10_000, page_size=1)) == []
    for fields in ({"page": 501}, {"page": 51, "page_size": 10**9}):
        failure = await failing(listed(api, **fields))
        assert (failure.reason, failure.metadata) == ("PAGE_TOO_DEEP", {"limit": "10000"})
    for page in (-1, 10_001):
        assert list((await failing(listed(api, page=page))).violations) == ["page"]


async def test_a_token_and_a_number_are_not_mixed(api: Api) -> None:
    """One form at a time."""
    assert (await failing(listed(api, page=1, page_token="x"))).reason == "INVALID_REQUEST"


async def test_a_text_that_is_no_token_is_refused(api: Api) -> None:
    """By its own reason."""
    for token in ["x", "%%%", "AAAA", "A" * 2048, "é", "bm90IGEgdG9rZW4gYXQgYWxsLCByZWFsbHk="]:
        assert (await failing(listed(api, page_token=token))).reason == "INVALID_PAGE_TOKEN"


async def test_a_token_longer_than_any_is_a_fault_of_the_field(api: Api) -> None:
    """2,048 characters are the limit."""
    assert list((await failing(listed(api, page_token="A" * 2049))).violations) == ["page_token"]


async def test_a_token_is_bound_to_its_filters(api: Api) -> None:
    """With other filters, or for another list, it is refused; another page size is allowed."""
    for _ in range(4):
        await dead_letter(api, (await created(api, customer_id="A")).order_id)
    token = (await listed(api, page_size=1, customer_id="A")).next_page_token
    for other in ({}, {"customer_id": "B"}, {"customer_id": "A", "overdue_only": True}):
        failure = await failing(listed(api, page_size=1, page_token=token, **other))
        assert failure.reason == "INVALID_PAGE_TOKEN"
    elsewhere = dead_letters_pb2.ListDeadLetterEntriesRequest(customer_id="A", page_token=token)
    failure = await failing(api.dead_letters.ListDeadLetterEntries(elsewhere))
    assert failure.reason == "INVALID_PAGE_TOKEN"
    assert len((await listed(api, page_size=3, customer_id="A", page_token=token)).orders) == 3


async def test_dead_letter_entries_are_paged_alike(api: Api, sql: Sql) -> None:
    """By token, also while entries are added, and by number; newest first."""
    names = []
    for number in range(5):
        await created(api, order_id=f"D-{number}")
        await dead_letter(api, f"D-{number}")
        names.append(f"D-{number}")
    await sql.execute("UPDATE dead_letter_entries SET created_at = date_trunc('hour', created_at)")
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=2)
    seen: list[str] = []
    while True:
        answer = await api.dead_letters.ListDeadLetterEntries(request)
        seen += [entry.order_id for entry in answer.entries]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
        extra = await created(api)
        await dead_letter(api, extra.order_id)
    assert seen == names[::-1]
    numbered = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=2, page=2)
    before = len((await api.dead_letters.ListDeadLetterEntries(numbered)).entries)
    assert before == 2


async def test_pages_of_very_long_orders_are_read_by_every_client(api: Api, sql: Sql) -> None:
    """A hundred orders of five hundred lines in pages below 4 MiB, each order once."""
    items = [item(f"SKU-{number:056}") for number in range(500)]
    await created(api, order_id="ORD-000", items=items)
    await sql.execute("""
        INSERT INTO orders
        SELECT (json_populate_record(o, json_build_object('order_id', 'ORD-' || lpad(n::text, 3, '0')))).*
          FROM orders o CROSS JOIN generate_series(1, 99) AS n""")
    await sql.execute("""
        INSERT INTO order_items
        SELECT (json_populate_record(i, json_build_object('order_id', 'ORD-' || lpad(n::text, 3, '0')))).*
          FROM order_items i CROSS JOIN generate_series(1, 99) AS n""")
    first = await listed(api, page_size=200)
    assert 1 < len(first.orders) < 100
    assert first.next_page_token
    assert await walked(api, page_size=200) == [f"ORD-{number:03}" for number in reversed(range(100))]

"""Answers that every client takes: none is larger than the 4 MiB that gRPC allows by default.

The client of these tests has gRPC's own limit. What can't end early is refused before anything is done.
"""

import grpc
import pytest

from tests.support.api import Api
from tests.support.failures import failing, failure_of
from tests.support.http import open_web
from tests.support.invariants import Sql
from tests.support.loop_time import LONGEST_SECONDS, measured_loop
from tests.support.orders import created, dead_letter, fail, read, stocked
from tests.support.requests import create_order, item
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2

pytestmark = pytest.mark.one_postgres

_MEBIBYTE = 1024 * 1024
#: An order of these has 140 kB.
_LONG_ITEMS = [item(f"SKU-{number:0252}") for number in range(500)]
_REASON = "界" * 2_000


async def _copied(sql: Sql, order_id: str, count: int) -> list[str]:
    """Copy an order with its lines; return the ids of the copies."""
    for table in ("orders", "order_items"):
        changed = "json_build_object('order_id', $1 || '-' || lpad(n::text, 5, '0'))"
        await sql.execute(
            f"INSERT INTO {table} SELECT (json_populate_record(t, {changed})).* FROM {table} t "  # noqa: S608
            "CROSS JOIN generate_series(1, $2::integer) AS n WHERE t.order_id = $1",
            order_id,
            count,
        )
    return [f"{order_id}-{number:05}" for number in range(1, count + 1)]


async def test_a_history_of_long_events_comes_in_pages(api: Api) -> None:
    """Twenty changes of five hundred long lines: each event once, in their order."""
    order = await created(api, items=_LONG_ITEMS, order_id="ORD-1")
    for quantity in range(3, 23):
        update = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
        update.order.items.extend([item(one.sku, quantity) for one in _LONG_ITEMS])
        await api.orders.UpdateOrder(update)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=200)
    sequences: list[int] = []
    pages = 0
    async with measured_loop() as loop:
        while True:
            page = await api.orders.GetOrderHistory(request)
            assert page.events
            sequences += [event.sequence for event in page.events]
            pages += 1
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    assert sequences == list(range(1, 22))
    assert pages > 1
    assert loop.longest_seconds < LONGEST_SECONDS


async def test_a_list_of_long_reasons_ends_early_and_counts_all(api: Api, sql: Sql) -> None:
    """A thousand orders that wait for their retry, each with two thousand letters of three bytes."""
    await created(api, order_id="ORD-1")
    await fail(api, "ORD-1", _REASON)
    await _copied(sql, "ORD-1", 999)
    request = reprocessing_pb2.ListEligibleOrdersRequest(limit=1_000)
    answer = await api.reprocessing.ListEligibleOrders(request)
    assert answer.total == 1_000
    assert 500 < len(answer.orders) < 1_000
    assert answer.ByteSize() < 4 * _MEBIBYTE
    assert {order.last_failure_reason for order in answer.orders} == {_REASON}


async def test_long_orders_are_not_put_into_a_wave_when_the_answer_would_be_too_large(
    api: Api, sql: Sql
) -> None:
    """Refused before anything is done; fewer are taken."""
    await stocked(api)
    await created(api, items=_LONG_ITEMS, order_id="ORD-1")
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id="ORD-1"))
    copies = await _copied(sql, "ORD-1", 40)
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=copies, destination_id="PACK-1")
    failure = await failing(api.orders.AssignOrdersToWave(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESPONSE_TOO_LARGE")
    assert failure.metadata == {"limit": "3500000"}
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE wave_id IS NOT NULL") == 0
    assert await sql.fetchval("SELECT count(*) FROM waves") == 0
    del request.order_ids[10:]
    assert len((await api.orders.AssignOrdersToWave(request)).orders) == 10


async def test_long_orders_are_read_a_few_at_a_time(api: Api, sql: Sql) -> None:
    """All or nothing: too many are refused, whether they are different ones or one many times."""
    await created(api, items=_LONG_ITEMS, order_id="ORD-1")
    copies = await _copied(sql, "ORD-1", 40)
    for order_ids in (copies, ["ORD-1"] * 40, copies[:1] * 500):
        request = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
        failure = await failing(api.orders.BatchGetOrders(request))
        assert failure.reason == "RESPONSE_TOO_LARGE"
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[*copies[:8], "ORD-1", "ORD-1"])
    found = (await api.orders.BatchGetOrders(request)).orders
    assert [order.order_id for order in found] == list(request.order_ids)


async def test_pages_of_long_orders_and_entries_do_not_hold_the_loop(
    api: Api, sql: Sql, database_url: str
) -> None:
    """Also where they are written as JSON."""
    await created(api, items=_LONG_ITEMS, order_id="ORD-1")
    await _copied(sql, "ORD-1", 60)
    for number in range(3):
        order = await created(api, items=_LONG_ITEMS, order_id=f"DEAD-{number}")
        await dead_letter(api, order.order_id, _REASON)
    async with open_web(database_url) as web:
        await web.http.get("/api/v1/orders?pageSize=1")
        async with measured_loop() as loop:
            listed = await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=200))
            assert 1 < len(listed.orders) < 60
            request = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=200)
            assert (await api.dead_letters.ListDeadLetterEntries(request)).entries
            assert (await web.http.get("/api/v1/orders?pageSize=200")).status_code == 200
    assert loop.longest_seconds < LONGEST_SECONDS


async def test_a_batch_whose_answer_would_be_too_large_is_refused_as_a_whole(api: Api, sql: Sql) -> None:
    """Nothing of it is done; half of it is."""
    large = create_order(items=[item("é" * 250) for _ in range(500)])
    request = orders_pb2.BatchCreateOrdersRequest(requests=[large] * 14)
    assert 3_500_000 < request.ByteSize() < 4 * _MEBIBYTE
    failure = await failing(api.orders.BatchCreateOrders(request))
    assert failure.reason == "RESPONSE_TOO_LARGE"
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0
    del request.requests[7:]
    results = (await api.orders.BatchCreateOrders(request)).results
    assert [result.WhichOneof("result") for result in results] == ["order"] * 7


async def test_the_faults_of_a_batch_fit_into_its_answer(api: Api) -> None:
    """Each bad order has its result, the first ones with all faults; the good ones are made."""
    bad = create_order(items=[item("\n" * 200, -1) for _ in range(20)])
    request = orders_pb2.BatchCreateOrdersRequest(requests=[bad] * 499 + [create_order()])
    async with measured_loop() as loop:
        results = (await api.orders.BatchCreateOrders(request)).results
    assert loop.longest_seconds < LONGEST_SECONDS
    assert [result.WhichOneof("result") for result in results] == ["status"] * 499 + ["order"]
    failures = [failure_of(result.status) for result in results[:-1]]
    assert {failure.reason for failure in failures} == {"INVALID_REQUEST"}
    assert len(failures[0].violations) == 40
    assert all(failure.violations for failure in failures)
    assert len(failures[-1].violations) == 1


async def test_statistics_and_pauses_of_many_warehouses(api: Api, sql: Sql) -> None:
    """As many as there is room for, by id; one by itself always."""
    await sql.execute(
        "INSERT INTO warehouses SELECT 'W-' || lpad(n::text, 4, '0') FROM generate_series(1, 900) AS n"
    )
    await sql.execute(
        "INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at) "
        "SELECT warehouse_id, $1, 'x', now() FROM warehouses",
        _REASON,
    )
    stats = await api.fulfillment.GetFulfillmentStats(fulfillment_pb2.GetFulfillmentStatsRequest())
    assert 300 < len(stats.warehouses) < 900
    request = fulfillment_pb2.GetFulfillmentStatsRequest(warehouse_id="W-0900")
    (last,) = (await api.fulfillment.GetFulfillmentStats(request)).warehouses
    assert last.pauses[0].reason == _REASON
    left = await api.fulfillment.ResumeFulfillment(fulfillment_pb2.ResumeFulfillmentRequest())
    assert 300 < len(left.pauses) < 900


@pytest.fixture
async def shipped(api: Api, sql: Sql) -> str:
    """Give an order with more shipments than an answer has room for."""
    order = await created(api, items=_LONG_ITEMS)
    lines = "(SELECT json_agg(json_build_array(line_number, sku, 1)) FROM order_items WHERE order_id = $1)"
    await sql.execute(
        "INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines) "  # noqa: S608
        f"SELECT $1, n, 'UPS', '1Z' || n, now(), {lines} FROM generate_series(1, 40) AS n",
        order.order_id,
    )
    return order.order_id


async def test_an_order_with_many_long_shipments_shows_the_newest(api: Api, shipped: str) -> None:
    """A mebibyte of them, in their order."""
    order = await read(api, shipped)
    numbers = [shipment.shipment_number for shipment in order.shipments]
    assert numbers == list(range(41 - len(numbers), 41))
    assert 1 < len(numbers) < 40
    assert order.ByteSize() < 1.5 * _MEBIBYTE
    assert all(len(shipment.lines) == 500 for shipment in order.shipments)

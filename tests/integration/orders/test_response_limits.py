"""Responses stay below the 4 MiB that gRPC clients accept by default.

The client of these tests has the default limit of gRPC. A call whose response can not be paged is rejected
before it has an effect.
"""

import grpc
import pytest

from tests.support.builders.orders import (
    dead_letter_order,
    place_order,
    read_order,
    receive_stock,
    record_failure,
)
from tests.support.builders.requests import create_order, item
from tests.support.clients.errors import expect_failure, parse_failure
from tests.support.clients.grpc_api import Api
from tests.support.clients.http import open_http_server
from tests.support.invariants.database import SqlConnection
from tests.support.pytest_plugins.loop_time import MAX_LOOP_SECONDS, measure_loop_time
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2

pytestmark = pytest.mark.one_postgres

_MEBIBYTE = 1024 * 1024
#: An order with these lines has 140 kB.
_LONG_LINES = [item(f"SKU-{number:0252}") for number in range(500)]
_LONG_REASON = "界" * 2_000


async def _copy_order(sql: SqlConnection, order_id: str, count: int) -> list[str]:
    """Copy an order with its lines. Return the ids of the copies."""
    for table in ("orders", "order_items"):
        new_values = "json_build_object('order_id', $1 || '-' || lpad(n::text, 5, '0'))"
        await sql.execute(
            f"INSERT INTO {table} SELECT (json_populate_record(t, {new_values})).* FROM {table} t "  # noqa: S608
            "CROSS JOIN generate_series(1, $2::integer) AS n WHERE t.order_id = $1",
            order_id,
            count,
        )
    return [f"{order_id}-{number:05}" for number in range(1, count + 1)]


async def test_history_of_long_events_has_pages(api: Api) -> None:
    """After twenty changes of five hundred long lines, each event is listed once and in order."""
    order = await place_order(api, items=_LONG_LINES, order_id="ORD-1")
    for quantity in range(3, 23):
        update = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
        update.order.items.extend([item(line.sku, quantity) for line in _LONG_LINES])
        await api.orders.UpdateOrder(update)
    request = orders_pb2.GetOrderHistoryRequest(order_id=order.order_id, page_size=200)
    sequences: list[int] = []
    page_count = 0
    async with measure_loop_time() as loop_time:
        while True:
            page = await api.orders.GetOrderHistory(request)
            assert page.events
            sequences += [event.sequence for event in page.events]
            page_count += 1
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    assert sequences == list(range(1, 22))
    assert page_count > 1
    assert loop_time.max_seconds < MAX_LOOP_SECONDS


async def test_list_with_long_reasons_ends_early_and_counts_all(api: Api, sql: SqlConnection) -> None:
    """A thousand orders wait for their retry, each with a reason of 6 kB."""
    await place_order(api, order_id="ORD-1")
    await record_failure(api, "ORD-1", _LONG_REASON)
    await _copy_order(sql, "ORD-1", 999)
    request = reprocessing_pb2.ListEligibleOrdersRequest(limit=1_000)
    response = await api.reprocessing.ListEligibleOrders(request)
    assert response.total == 1_000
    assert 500 < len(response.orders) < 1_000
    assert response.ByteSize() < 4 * _MEBIBYTE
    assert {order.last_failure_reason for order in response.orders} == {_LONG_REASON}


async def test_wave_of_long_orders_is_rejected_if_the_response_is_too_large(
    api: Api, sql: SqlConnection
) -> None:
    """The call has no effect. A call with fewer orders succeeds."""
    await receive_stock(api)
    await place_order(api, items=_LONG_LINES, order_id="ORD-1")
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id="ORD-1"))
    copies = await _copy_order(sql, "ORD-1", 40)
    request = orders_pb2.AssignOrdersToWaveRequest(order_ids=copies, destination_id="PACK-1")
    failure = await expect_failure(api.orders.AssignOrdersToWave(request))
    assert (failure.status_code, failure.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RESPONSE_TOO_LARGE",
    )
    assert failure.metadata == {"limit": "3500000"}
    assert await sql.fetchval("SELECT count(*) FROM orders WHERE wave_id IS NOT NULL") == 0
    assert await sql.fetchval("SELECT count(*) FROM waves") == 0
    del request.order_ids[10:]
    assert len((await api.orders.AssignOrdersToWave(request)).orders) == 10


async def test_batch_read_of_too_many_long_orders_is_rejected(api: Api, sql: SqlConnection) -> None:
    """This applies to different orders and to repeated ids. Fewer orders are returned."""
    await place_order(api, items=_LONG_LINES, order_id="ORD-1")
    copies = await _copy_order(sql, "ORD-1", 40)
    for order_ids in (copies, ["ORD-1"] * 40, copies[:1] * 500):
        request = orders_pb2.BatchGetOrdersRequest(order_ids=order_ids)
        failure = await expect_failure(api.orders.BatchGetOrders(request))
        assert failure.reason == "RESPONSE_TOO_LARGE"
    request = orders_pb2.BatchGetOrdersRequest(order_ids=[*copies[:8], "ORD-1", "ORD-1"])
    orders = (await api.orders.BatchGetOrders(request)).orders
    assert [order.order_id for order in orders] == list(request.order_ids)


async def test_pages_of_long_orders_and_entries_do_not_block_the_loop(
    api: Api, sql: SqlConnection, database_url: str
) -> None:
    """This includes their encoding as JSON."""
    await place_order(api, items=_LONG_LINES, order_id="ORD-1")
    await _copy_order(sql, "ORD-1", 60)
    for number in range(3):
        order = await place_order(api, items=_LONG_LINES, order_id=f"DEAD-{number}")
        await dead_letter_order(api, order.order_id, _LONG_REASON)
    async with open_http_server(database_url) as server:
        await server.http_client.get("/api/v1/orders?pageSize=1")
        async with measure_loop_time() as loop_time:
            page = await api.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=200))
            assert 1 < len(page.orders) < 60
            request = dead_letters_pb2.ListDeadLetterEntriesRequest(page_size=200)
            assert (await api.dead_letters.ListDeadLetterEntries(request)).entries
            assert (await server.http_client.get("/api/v1/orders?pageSize=200")).status_code == 200
    assert loop_time.max_seconds < MAX_LOOP_SECONDS


async def test_batch_is_rejected_if_its_response_is_too_large(api: Api, sql: SqlConnection) -> None:
    """The call has no effect. Half of the batch succeeds."""
    long_order = create_order(items=[item("é" * 250) for _ in range(500)])
    request = orders_pb2.BatchCreateOrdersRequest(requests=[long_order] * 14)
    assert 3_500_000 < request.ByteSize() < 4 * _MEBIBYTE
    failure = await expect_failure(api.orders.BatchCreateOrders(request))
    assert failure.reason == "RESPONSE_TOO_LARGE"
    assert await sql.fetchval("SELECT count(*) FROM orders") == 0
    del request.requests[7:]
    results = (await api.orders.BatchCreateOrders(request)).results
    assert [result.WhichOneof("result") for result in results] == ["order"] * 7


async def test_field_errors_of_a_batch_fit_into_its_response(api: Api) -> None:
    """Each invalid order has its result, the first ones with all errors. Valid orders are created."""
    invalid_request = create_order(items=[item("\n" * 200, -1) for _ in range(20)])
    request = orders_pb2.BatchCreateOrdersRequest(requests=[invalid_request] * 499 + [create_order()])
    async with measure_loop_time() as loop_time:
        results = (await api.orders.BatchCreateOrders(request)).results
    assert loop_time.max_seconds < MAX_LOOP_SECONDS
    assert [result.WhichOneof("result") for result in results] == ["status"] * 499 + ["order"]
    failures = [parse_failure(result.status) for result in results[:-1]]
    assert {failure.reason for failure in failures} == {"INVALID_REQUEST"}
    assert len(failures[0].violations_by_field) == 40
    assert all(failure.violations_by_field for failure in failures)
    assert len(failures[-1].violations_by_field) == 1


async def test_statistics_and_pauses_of_many_warehouses_are_limited(api: Api, sql: SqlConnection) -> None:
    """As many as fit, ordered by id. A single requested warehouse is always returned."""
    await sql.execute(
        "INSERT INTO warehouses SELECT 'W-' || lpad(n::text, 4, '0') FROM generate_series(1, 900) AS n"
    )
    await sql.execute(
        "INSERT INTO fulfillment_pauses (warehouse_id, reason, paused_by, paused_at) "
        "SELECT warehouse_id, $1, 'x', now() FROM warehouses",
        _LONG_REASON,
    )
    stats = await api.fulfillment.GetFulfillmentStats(fulfillment_pb2.GetFulfillmentStatsRequest())
    assert 300 < len(stats.warehouses) < 900
    request = fulfillment_pb2.GetFulfillmentStatsRequest(warehouse_id="W-0900")
    (last,) = (await api.fulfillment.GetFulfillmentStats(request)).warehouses
    assert last.pauses[0].reason == _LONG_REASON
    resumed = await api.fulfillment.ResumeFulfillment(fulfillment_pb2.ResumeFulfillmentRequest())
    assert 300 < len(resumed.pauses) < 900


@pytest.fixture
async def order_with_long_shipments(api: Api, sql: SqlConnection) -> str:
    """Return the id of an order with more shipments than fit into a response."""
    order = await place_order(api, items=_LONG_LINES)
    lines = "(SELECT json_agg(json_build_array(line_number, sku, 1)) FROM order_items WHERE order_id = $1)"
    await sql.execute(
        "INSERT INTO shipments (order_id, shipment_number, carrier_code, tracking_number, shipped_at, lines) "  # noqa: S608
        f"SELECT $1, n, 'UPS', '1Z' || n, now(), {lines} FROM generate_series(1, 40) AS n",
        order.order_id,
    )
    return order.order_id


async def test_order_with_many_long_shipments_has_the_newest(
    api: Api, order_with_long_shipments: str
) -> None:
    """Up to one mebibyte of shipments, in their order."""
    order = await read_order(api, order_with_long_shipments)
    numbers = [shipment.shipment_number for shipment in order.shipments]
    assert numbers == list(range(41 - len(numbers), 41))
    assert 1 < len(numbers) < 40
    assert order.ByteSize() < 1.5 * _MEBIBYTE
    assert all(len(shipment.lines) == 500 for shipment in order.shipments)

"""OrderService over gRPC: AssignOrdersToWave."""

import re
from datetime import UTC, datetime

import pytest

from tests.support.api import Api
from tests.support.failures import Failure, failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.orders import history, order_in, read, status_of, told
from tests.support.requests import put_destination
from tests.support.tables import counts
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.order_status import OrderStatus

_S = OrderStatus


@pytest.fixture(autouse=True)
async def _destinations(api: Api) -> None:
    """Two destinations here, one in another warehouse."""
    await api.storage.PutDestination(put_destination("PACK-1"))
    await api.storage.PutDestination(put_destination("PACK-2"))
    await api.storage.PutDestination(put_destination("FAR-1", warehouse_id="WH-02"))


def assign(
    *orders: order_pb2.Order, to: str = "PACK-1", wave_id: str = ""
) -> orders_pb2.AssignOrdersToWaveRequest:
    """Give a request for these orders."""
    return orders_pb2.AssignOrdersToWaveRequest(
        order_ids=[order.order_id for order in orders], destination_id=to, wave_id=wave_id
    )


async def validated(api: Api, fulfillment: Fulfillment, *names: str) -> list[order_pb2.Order]:
    """Give validated orders of these ids."""
    return [await order_in(api, fulfillment, _S.VALIDATED, name) for name in names]


async def test_orders_are_put_into_a_new_wave_together(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """The wave has a number of the documented form; every order has its destination and one event."""
    orders = await validated(api, fulfillment, "W-B", "W-A", "W-C")
    answer = await api.orders.AssignOrdersToWave(assign(*orders))
    wave = answer.wave
    assert re.fullmatch(rf"WAVE-{datetime.now(UTC).year}-[0-9]{{5,}}", wave.wave_id)
    assert (wave.warehouse_id, wave.destination_id, wave.order_count) == ("WH-01", "PACK-1", 3)
    assert [order.order_id for order in answer.orders] == ["W-B", "W-A", "W-C"]
    for order in answer.orders:
        assert status_of(order) is _S.ASSIGNED_TO_WAVE
        assert (order.wave_id, order.destination_id) == (wave.wave_id, "PACK-1")
        assert await read(api, order.order_id) == order
        event = (await history(api, order.order_id))[-1]
        assert (event.type, event.wave_number) == ("wms.order.wave-assigned", wave.wave_id)
        assert (event.payload["waveId"], event.payload["destinationId"]) == (wave.wave_id, "PACK-1")
    assert await breaches(sql) == []


async def test_orders_join_the_wave_they_are_given(api: Api, fulfillment: Fulfillment) -> None:
    """It is made when there is none of that number; later orders count with the earlier ones."""
    first, second = await validated(api, fulfillment, "W-1", "W-2")
    made = await api.orders.AssignOrdersToWave(assign(first, wave_id="WAVE-2024-00123"))
    assert (made.wave.wave_id, made.wave.order_count) == ("WAVE-2024-00123", 1)
    joined = await api.orders.AssignOrdersToWave(assign(second, wave_id="WAVE-2024-00123"))
    assert joined.wave.order_count == 2
    assert joined.wave.created_at == made.wave.created_at


@pytest.mark.parametrize("named", [True, False], ids=["with its number", "without a number"])
async def test_the_same_call_again_changes_nothing(
    api: Api, fulfillment: Fulfillment, named: bool, sql: Sql
) -> None:
    """The orders stay in their wave, with or without naming it; no event, no new wave."""
    orders = await validated(api, fulfillment, "W-1", "W-2")
    first = await api.orders.AssignOrdersToWave(assign(*orders))
    before = await counts(sql)
    again = await api.orders.AssignOrdersToWave(assign(*orders, wave_id=first.wave.wave_id if named else ""))
    assert again == first
    assert await counts(sql) == before
    assert await told(api, "W-1") == ["received", "validated", "wave-assigned"]


async def refused(api: Api, sql: Sql, request: orders_pb2.AssignOrdersToWaveRequest) -> Failure:
    """Make a call that has to fail and leave nothing behind, no wave either."""
    before = await counts(sql)
    failure = await failing(api.orders.AssignOrdersToWave(request))
    assert await counts(sql) == before
    return failure


async def test_one_order_that_is_not_validated_keeps_all_of_them_out(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """All or nothing; the error names the order and both statuses."""
    (good,) = await validated(api, fulfillment, "W-1")
    bad = await order_in(api, fulfillment, _S.RECEIVED, "W-2")
    failure = await refused(api, sql, assign(good, bad))
    assert failure.reason == "ORDER_STATUS_CONFLICT"
    assert failure.metadata == {"orderId": "W-2", "status": "received", "requiredStatuses": "validated"}
    assert await read(api, "W-1") == good


async def test_one_order_that_does_not_exist_keeps_all_of_them_out(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The error names it."""
    (good,) = await validated(api, fulfillment, "W-1")
    failure = await refused(api, sql, assign(good, order_pb2.Order(order_id="gone")))
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


async def test_a_destination_that_nobody_knows_is_not_found(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The error names it."""
    orders = await validated(api, fulfillment, "W-1")
    failure = await refused(api, sql, assign(*orders, to="PACK-9"))
    assert (failure.reason, failure.metadata) == ("DESTINATION_NOT_FOUND", {"destinationId": "PACK-9"})


async def test_orders_go_to_destinations_of_their_own_warehouse(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """The error names the order, its warehouse and the destination's."""
    orders = await validated(api, fulfillment, "W-1")
    failure = await refused(api, sql, assign(*orders, to="FAR-1"))
    assert failure.reason == "WAREHOUSE_MISMATCH"
    assert failure.metadata == {
        "resource": "W-1",
        "warehouseId": "WH-01",
        "requiredWarehouseId": "WH-02",
    }


async def test_a_wave_has_one_destination(api: Api, fulfillment: Fulfillment, sql: Sql) -> None:
    """An order can't join a wave that goes elsewhere, nor leave its wave for another destination."""
    first, second = await validated(api, fulfillment, "W-1", "W-2")
    wave = (await api.orders.AssignOrdersToWave(assign(first))).wave
    for request in (
        assign(second, to="PACK-2", wave_id=wave.wave_id),
        assign(first, to="PACK-2"),
        assign(first, second, to="PACK-2"),
    ):
        failure = await refused(api, sql, request)
        assert failure.reason == "WAVE_DESTINATION_CONFLICT"
        assert failure.metadata == {"waveId": wave.wave_id, "destinationId": "PACK-1"}


async def test_a_number_that_a_caller_brought_is_not_given_out_again(
    api: Api, fulfillment: Fulfillment
) -> None:
    """New waves of calls and of the worker pass over the numbers that are taken."""
    year = datetime.now(UTC).year
    brought, other = await validated(api, fulfillment, "W-1", "W-2")
    await api.orders.AssignOrdersToWave(assign(brought, wave_id=f"WAVE-{year}-00001"))
    made = await api.orders.AssignOrdersToWave(assign(other, to="PACK-2"))
    assert made.wave.wave_id == f"WAVE-{year}-00002"
    (third, fourth) = await validated(api, fulfillment, "W-3", "W-4")
    await api.orders.AssignOrdersToWave(assign(third, wave_id=f"WAVE-{year}-00003"))
    await fulfillment.cycle().plan_waves()
    assert (await read(api, fourth.order_id)).wave_id == f"WAVE-{year}-00004"
    assert await told(api, fourth.order_id) == ["received", "validated", "wave-assigned"]

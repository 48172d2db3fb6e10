"""OrderService over gRPC: AssignOrdersToWave."""

import re
from datetime import UTC, datetime

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    domain_status_of,
    list_event_types,
    place_order_in_status,
    read_history,
    read_order,
)
from tests.support.builders.requests import put_destination
from tests.support.clients.errors import CallFailure, expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.orders.status import OrderStatus

_S = OrderStatus


@pytest.fixture(autouse=True)
async def _destinations(api: Api) -> None:
    """Create two destinations in this warehouse and one in another."""
    await api.storage.PutDestination(put_destination("PACK-1"))
    await api.storage.PutDestination(put_destination("PACK-2"))
    await api.storage.PutDestination(put_destination("FAR-1", warehouse_id="WH-02"))


def build_assignment(
    *orders: order_pb2.Order, destination_id: str = "PACK-1", wave_id: str = ""
) -> orders_pb2.AssignOrdersToWaveRequest:
    """Return a request for these orders."""
    return orders_pb2.AssignOrdersToWaveRequest(
        order_ids=[order.order_id for order in orders], destination_id=destination_id, wave_id=wave_id
    )


async def place_validated_orders(
    api: Api, fulfillment: Fulfillment, *order_ids: str
) -> list[order_pb2.Order]:
    """Return validated orders with these ids."""
    return [await place_order_in_status(api, fulfillment, _S.VALIDATED, order_id) for order_id in order_ids]


async def test_orders_are_assigned_to_a_new_wave(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The wave has an id of the documented format. Every order has its destination and one event."""
    orders = await place_validated_orders(api, fulfillment, "W-B", "W-A", "W-C")
    response = await api.orders.AssignOrdersToWave(build_assignment(*orders))
    wave = response.wave
    assert re.fullmatch(rf"WAVE-{datetime.now(UTC).year}-[0-9]{{5,}}", wave.wave_id)
    assert (wave.warehouse_id, wave.destination_id, wave.order_count) == ("WH-01", "PACK-1", 3)
    assert [order.order_id for order in response.orders] == ["W-B", "W-A", "W-C"]
    for order in response.orders:
        assert domain_status_of(order) is _S.ASSIGNED_TO_WAVE
        assert (order.wave_id, order.destination_id) == (wave.wave_id, "PACK-1")
        assert await read_order(api, order.order_id) == order
        event = (await read_history(api, order.order_id))[-1]
        assert (event.type, event.wave_number) == ("wms.order.wave-assigned", wave.wave_id)
        assert (event.payload["waveId"], event.payload["destinationId"]) == (wave.wave_id, "PACK-1")
    assert await find_violations(sql) == []


async def test_orders_join_the_requested_wave(api: Api, fulfillment: Fulfillment) -> None:
    """It is created if it does not exist. Later orders increase its order count."""
    first, second = await place_validated_orders(api, fulfillment, "W-1", "W-2")
    created = await api.orders.AssignOrdersToWave(build_assignment(first, wave_id="WAVE-2024-00123"))
    assert (created.wave.wave_id, created.wave.order_count) == ("WAVE-2024-00123", 1)
    extended = await api.orders.AssignOrdersToWave(build_assignment(second, wave_id="WAVE-2024-00123"))
    assert extended.wave.order_count == 2
    assert extended.wave.created_at == created.wave.created_at


@pytest.mark.parametrize("with_wave_id", [True, False], ids=["with its number", "without a number"])
async def test_repeated_assignment_changes_nothing(
    api: Api, fulfillment: Fulfillment, with_wave_id: bool, sql: SqlConnection
) -> None:
    """The orders stay in their wave, with or without its id in the request. No event, no new wave."""
    orders = await place_validated_orders(api, fulfillment, "W-1", "W-2")
    first = await api.orders.AssignOrdersToWave(build_assignment(*orders))
    before = await count_table_rows(sql)
    repeated = await api.orders.AssignOrdersToWave(
        build_assignment(*orders, wave_id=first.wave.wave_id if with_wave_id else "")
    )
    assert repeated == first
    assert await count_table_rows(sql) == before
    assert await list_event_types(api, "W-1") == ["received", "validated", "wave-assigned"]


async def expect_rejection(
    api: Api, sql: SqlConnection, request: orders_pb2.AssignOrdersToWaveRequest
) -> CallFailure:
    """Make a call that must fail without an effect, such as a new wave."""
    before = await count_table_rows(sql)
    failure = await expect_failure(api.orders.AssignOrdersToWave(request))
    assert await count_table_rows(sql) == before
    return failure


async def test_assignment_with_an_unvalidated_order_is_rejected(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """All or nothing. The error names the order and both statuses."""
    (validated_order,) = await place_validated_orders(api, fulfillment, "W-1")
    received_order = await place_order_in_status(api, fulfillment, _S.RECEIVED, "W-2")
    failure = await expect_rejection(api, sql, build_assignment(validated_order, received_order))
    assert failure.reason == "ORDER_STATUS_CONFLICT"
    assert failure.metadata == {"orderId": "W-2", "status": "received", "requiredStatuses": "validated"}
    assert await read_order(api, "W-1") == validated_order


async def test_assignment_with_a_missing_order_is_rejected(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The error names the order."""
    (validated_order,) = await place_validated_orders(api, fulfillment, "W-1")
    failure = await expect_rejection(
        api, sql, build_assignment(validated_order, order_pb2.Order(order_id="gone"))
    )
    assert (failure.reason, failure.metadata) == ("ORDER_NOT_FOUND", {"orderId": "gone"})


async def test_unknown_destination_is_not_found(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The error names the destination."""
    orders = await place_validated_orders(api, fulfillment, "W-1")
    failure = await expect_rejection(api, sql, build_assignment(*orders, destination_id="PACK-9"))
    assert (failure.reason, failure.metadata) == ("DESTINATION_NOT_FOUND", {"destinationId": "PACK-9"})


async def test_destination_must_be_in_the_warehouse_of_the_order(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The error names the order, its warehouse and that of the destination."""
    orders = await place_validated_orders(api, fulfillment, "W-1")
    failure = await expect_rejection(api, sql, build_assignment(*orders, destination_id="FAR-1"))
    assert failure.reason == "WAREHOUSE_MISMATCH"
    assert failure.metadata == {
        "resource": "W-1",
        "warehouseId": "WH-01",
        "requiredWarehouseId": "WH-02",
    }


async def test_wave_has_one_destination(api: Api, fulfillment: Fulfillment, sql: SqlConnection) -> None:
    """An order can neither join a wave of another destination nor change its destination."""
    first, second = await place_validated_orders(api, fulfillment, "W-1", "W-2")
    wave = (await api.orders.AssignOrdersToWave(build_assignment(first))).wave
    for request in (
        build_assignment(second, destination_id="PACK-2", wave_id=wave.wave_id),
        build_assignment(first, destination_id="PACK-2"),
        build_assignment(first, second, destination_id="PACK-2"),
    ):
        failure = await expect_rejection(api, sql, request)
        assert failure.reason == "WAVE_DESTINATION_CONFLICT"
        assert failure.metadata == {"waveId": wave.wave_id, "destinationId": "PACK-1"}


async def test_wave_ids_chosen_by_callers_are_not_reused(api: Api, fulfillment: Fulfillment) -> None:
    """New waves of calls and of the worker skip existing numbers."""
    year = datetime.now(UTC).year
    first, second = await place_validated_orders(api, fulfillment, "W-1", "W-2")
    await api.orders.AssignOrdersToWave(build_assignment(first, wave_id=f"WAVE-{year}-00001"))
    created = await api.orders.AssignOrdersToWave(build_assignment(second, destination_id="PACK-2"))
    assert created.wave.wave_id == f"WAVE-{year}-00002"
    (third, fourth) = await place_validated_orders(api, fulfillment, "W-3", "W-4")
    await api.orders.AssignOrdersToWave(build_assignment(third, wave_id=f"WAVE-{year}-00003"))
    await fulfillment.cycle().plan_waves()
    assert (await read_order(api, fourth.order_id)).wave_id == f"WAVE-{year}-00004"
    assert await list_event_types(api, fourth.order_id) == ["received", "validated", "wave-assigned"]

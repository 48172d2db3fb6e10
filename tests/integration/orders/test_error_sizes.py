"""Errors fit into the trailers that every client accepts, for texts of any length."""

from typing import Any

import grpc
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import place_order_in_status, receive_stock
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from wms.orders.v1 import fulfillment_pb2, orders_pb2
from wms_core.domain.orders.status import OrderStatus

pytestmark = pytest.mark.one_postgres


async def test_error_names_the_first_ten_of_many_backorders(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Five hundred are open. The error names ten, and ListBackorders returns all."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, OrderStatus.SHIPPED)
    await sql.execute(
        """INSERT INTO backorders (backorder_id, order_id, line_number, warehouse_id, sku, quantity, reason,
                                   status, created_at, updated_at, customer_id)
           SELECT 'BO-' || lpad(n::text, 26, '0'), $1, 1, 'WH-01', 'SKU-001', 1, 'not_found', 'open',
                  now(), now(), 'CUST-001'
             FROM generate_series(1, 500) AS n""",
        order.order_id,
    )
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id)
    failure = await expect_failure(api.orders.CompleteOrder(request))
    assert (failure.status_code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BACKORDER_OPEN")
    assert len(failure.metadata["backorderIds"].split(",")) == 10


@pytest.mark.usefixtures("fulfillment")
async def test_long_pause_reason_is_shortened_in_the_error(api: Api) -> None:
    """It has nine hundred characters that need nine bytes each in the trailer."""
    reason = "界" * 900
    await api.fulfillment.PauseFulfillment(fulfillment_pb2.PauseFulfillmentRequest(reason=reason))
    failure = await expect_failure(
        api.fulfillment.StartFulfillment(fulfillment_pb2.StartFulfillmentRequest())
    )
    assert (failure.status_code, failure.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "FULFILLMENT_PAUSED",
    )
    shortened_reason = failure.metadata["pauseReason"]
    assert shortened_reason.endswith("…")
    assert reason.startswith(shortened_reason[:-1])
    assert failure.message.startswith("Fulfillment is paused (界界")


async def test_long_method_name_is_shortened_in_the_error(api: Api) -> None:
    """The client chooses the length of the name."""
    call: Any = api.channel.unary_unary(f"/wms.orders.v1.OrderService/{'X' * 6_000}")
    failure = await expect_failure(call(b""))
    assert (failure.status_code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")
    assert failure.metadata["method"].startswith("XXX")

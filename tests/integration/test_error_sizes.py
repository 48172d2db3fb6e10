"""Errors fit into the trailers that every client takes, whatever texts they tell."""

from typing import Any

import grpc
import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql
from tests.support.orders import order_in, stocked
from wms.orders.v1 import fulfillment_pb2, orders_pb2
from wms_core.domain.order_status import OrderStatus

pytestmark = pytest.mark.one_postgres


async def test_an_order_with_many_backorders_can_not_be_completed(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Five hundred are open: the first ten are named, ListBackorders has all."""
    await stocked(api)
    order = await order_in(api, fulfillment, OrderStatus.SHIPPED)
    await sql.execute(
        """INSERT INTO backorders (backorder_id, order_id, line_number, warehouse_id, sku, quantity, reason,
                                   status, created_at, updated_at, customer_id)
           SELECT 'BO-' || lpad(n::text, 26, '0'), $1, 1, 'WH-01', 'SKU-001', 1, 'not_found', 'open',
                  now(), now(), 'CUST-001'
             FROM generate_series(1, 500) AS n""",
        order.order_id,
    )
    request = orders_pb2.CompleteOrderRequest(order_id=order.order_id)
    failure = await failing(api.orders.CompleteOrder(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BACKORDER_OPEN")
    assert len(failure.metadata["backorderIds"].split(",")) == 10


@pytest.mark.usefixtures("fulfillment")
async def test_a_pause_with_a_long_reason_is_told(api: Api) -> None:
    """Of nine hundred letters that take nine bytes each on their way, those that there is room for."""
    reason = "界" * 900
    await api.fulfillment.PauseFulfillment(fulfillment_pb2.PauseFulfillmentRequest(reason=reason))
    failure = await failing(api.fulfillment.StartFulfillment(fulfillment_pb2.StartFulfillmentRequest()))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FULFILLMENT_PAUSED")
    told = failure.metadata["pauseReason"]
    assert told.endswith("…")
    assert reason.startswith(told[:-1])
    assert failure.message.startswith("Fulfillment is paused (界界")


async def test_a_method_with_a_long_name_is_told_to_be_unknown(api: Api) -> None:
    """A name is as long as its sender likes."""
    call: Any = api.channel.unary_unary(f"/wms.orders.v1.OrderService/{'X' * 6_000}")
    failure = await failing(call(b""))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")
    assert failure.metadata["method"].startswith("XXX")

"""FulfillmentService: requested runs, pauses, statistics and waiting reasons."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import create_order, put_destination, put_lane, receive
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from wms.orders.v1 import fulfillment_pb2 as pb
from wms.orders.v1 import order_pb2, orders_pb2

pytestmark = pytest.mark.also_over_http


@pytest.fixture
async def site(api: Api) -> Api:
    """Return the API of a warehouse with a lane, a destination and five units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 5)))
    return api


async def waiting_reason(api: Api, order_id: str) -> str:
    """Return the waiting reason of an order."""
    response = await api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id=order_id))
    return order_pb2.WaitingReason.Name(response.waiting_reason).removeprefix("WAITING_REASON_")


async def test_a_requested_run_is_done_and_recorded(site: Api, fulfillment: Fulfillment) -> None:
    """StartFulfillment returns a run with status REQUESTED at once.

    The finished run has the outcome of each step.
    """
    await site.orders.CreateOrder(create_order())
    requested = (await site.fulfillment.StartFulfillment(pb.StartFulfillmentRequest())).run
    assert requested.status == pb.FULFILLMENT_RUN_STATUS_REQUESTED
    await fulfillment.run()
    run = (await site.fulfillment.GetFulfillmentRun(pb.GetFulfillmentRunRequest(run_id=requested.run_id))).run
    assert (run.status, run.worker_id) == (pb.FULFILLMENT_RUN_STATUS_COMPLETED, "test")
    counts = {result.step: result.count for result in run.steps}
    assert counts[pb.FULFILLMENT_STEP_VALIDATE] == 1
    assert counts[pb.FULFILLMENT_STEP_ALLOCATE] == 1
    assert run.finished_at.ToDatetime() >= run.started_at.ToDatetime()


async def test_runs_are_listed_newest_first_in_pages(site: Api, fulfillment: Fulfillment) -> None:
    """Every cycle has a record, including those without a request."""
    for _ in range(3):
        await fulfillment.run()
    first = await site.fulfillment.ListFulfillmentRuns(pb.ListFulfillmentRunsRequest(page_size=2))
    second_page = await site.fulfillment.ListFulfillmentRuns(
        pb.ListFulfillmentRunsRequest(page_size=2, page_token=first.next_page_token)
    )
    ids = [run.run_id for run in [*first.runs, *second_page.runs]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    requested_only = pb.ListFulfillmentRunsRequest(requested_only=True)
    assert not (await site.fulfillment.ListFulfillmentRuns(requested_only)).runs


async def test_without_an_active_worker_no_run_can_be_requested(site: Api) -> None:
    """The error reports the missing active worker."""
    failure = await expect_failure(site.fulfillment.StartFulfillment(pb.StartFulfillmentRequest()))
    assert (failure.reason, failure.metadata) == ("NO_ACTIVE_WORKER", {"role": "fulfillment"})


async def test_a_pause_stops_new_work_until_it_is_resumed(site: Api, fulfillment: Fulfillment) -> None:
    """While a warehouse is paused, its orders wait with this reason, and a run is rejected."""
    pause = pb.PauseFulfillmentRequest(warehouse_id="WH-01", reason="stocktaking")
    assert (await site.fulfillment.PauseFulfillment(pause)).pause.reason == "stocktaking"
    order_id = (await site.orders.CreateOrder(create_order())).order.order_id
    await fulfillment.deliver_all(site)
    assert await waiting_reason(site, order_id) == "FULFILLMENT_PAUSED"
    request = pb.StartFulfillmentRequest(warehouse_id="WH-01")
    failure = await expect_failure(site.fulfillment.StartFulfillment(request))
    assert (failure.reason, failure.metadata["pauseReason"]) == ("FULFILLMENT_PAUSED", "stocktaking")
    resumed = await site.fulfillment.ResumeFulfillment(pb.ResumeFulfillmentRequest(warehouse_id="WH-01"))
    assert not resumed.pauses
    await fulfillment.deliver_all(site)
    assert await waiting_reason(site, order_id) == "AWAITING_SHIPMENT"


async def test_a_pause_of_all_warehouses_expires(site: Api, fulfillment: Fulfillment, sql: object) -> None:
    """A pause with an expiry applies to every warehouse until then."""
    expires = Timestamp()
    expires.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    await site.fulfillment.PauseFulfillment(
        pb.PauseFulfillmentRequest(reason="power cut", expires_at=expires)
    )
    order_id = (await site.orders.CreateOrder(create_order())).order.order_id
    await fulfillment.deliver_all(site)
    assert await waiting_reason(site, order_id) == "FULFILLMENT_PAUSED"
    await sql.execute("UPDATE fulfillment_pauses SET expires_at = now() - interval '1 s'")  # type: ignore[attr-defined]
    await fulfillment.deliver_all(site)
    assert await waiting_reason(site, order_id) == "AWAITING_SHIPMENT"


async def test_a_pause_with_a_past_expiry_is_rejected(site: Api) -> None:
    """The expiry must be in the future."""
    request = pb.PauseFulfillmentRequest(reason="late", expires_at=Timestamp(seconds=1))
    failure = await expect_failure(site.fulfillment.PauseFulfillment(request))
    assert list(failure.violations_by_field) == ["expires_at"]


async def test_statistics_count_waiting_orders_by_status_and_reason(
    site: Api, fulfillment: Fulfillment
) -> None:
    """Waiting, shipped, backordered and overdue orders of a warehouse, and the time until shipment."""
    first = (await site.orders.CreateOrder(create_order())).order.order_id
    overdue = create_order(promised_delivery_at=Timestamp(seconds=1))
    await site.orders.CreateOrder(overdue)
    await fulfillment.deliver_all(site)
    await site.orders.ShipOrder(
        orders_pb2.ShipOrderRequest(order_id=first, carrier_code="UPS", tracking_number="1")
    )
    (stats,) = (await site.fulfillment.GetFulfillmentStats(pb.GetFulfillmentStatsRequest())).warehouses
    waiting = {(entry.status, entry.waiting_reason): entry.count for entry in stats.waiting}
    assert waiting == {
        (order_pb2.ORDER_STATUS_PACKING, order_pb2.WAITING_REASON_AWAITING_SHIPMENT): 1,
        (order_pb2.ORDER_STATUS_SHIPPED, order_pb2.WAITING_REASON_AWAITING_DELIVERY): 1,
    }
    assert (stats.overdue, stats.received_last_hour, stats.shipped_last_hour) == (1, 2, 1)
    assert stats.success_rate == 1.0
    assert stats.fulfillment_time_p95.ToTimedelta() > timedelta(0)


async def test_an_unknown_warehouse_is_not_found(site: Api) -> None:
    """PauseFulfillment, ResumeFulfillment, StartFulfillment and the statistics return the unknown warehouse
    id.
    """
    for call in (
        site.fulfillment.StartFulfillment(pb.StartFulfillmentRequest(warehouse_id="WH-99")),
        site.fulfillment.PauseFulfillment(pb.PauseFulfillmentRequest(warehouse_id="WH-99", reason="x")),
        site.fulfillment.ResumeFulfillment(pb.ResumeFulfillmentRequest(warehouse_id="WH-99")),
        site.fulfillment.GetFulfillmentStats(pb.GetFulfillmentStatsRequest(warehouse_id="WH-99")),
    ):
        assert (await expect_failure(call)).reason == "WAREHOUSE_NOT_FOUND"


async def test_an_unknown_run_is_not_found(site: Api) -> None:
    """The error has the run id."""
    failure = await expect_failure(
        site.fulfillment.GetFulfillmentRun(pb.GetFulfillmentRunRequest(run_id="RUN-none"))
    )
    assert failure.metadata == {"runId": "RUN-none"}

"""The five common issues in the specification of the fulfillment service: caused, detected and fixed.

Each test causes the issue, detects it as docs/guides/operations.md says, and applies the remedy.
"""

from datetime import timedelta

import asyncpg
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.load import (
    complete_requested_moves,
    ship_order,
    wait_until_status,
    wait_until_waiting,
)
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.processes.workers import Worker, open_worker, run_worker_process
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.application.database import Fence
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.role_leases import PostgresRoleLeases

pytestmark = pytest.mark.also_over_http

Sql = asyncpg.Connection
PACKING = order_pb2.ORDER_STATUS_PACKING
ROLE = "fulfillment"


@pytest.fixture
async def warehouse_api(api: Api) -> Api:
    """Return the client of a warehouse with a lane, a destination and five units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 5)))
    return api


async def create_order_id(api: Api, **fields: object) -> str:
    """Create an order and return its id."""
    return (await api.orders.CreateOrder(create_order(**fields))).order.order_id


async def test_orders_not_fulfilled_in_time(warehouse_api: Api, database_url: str, sql: Sql) -> None:
    """An old order is counted by priority, has a waiting reason, and is shipped after the remedy."""
    await warehouse_api.storage.PutDestination(put_destination(paused=True))
    order_id = await create_order_id(warehouse_api, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    await sql.execute("UPDATE orders SET created_at = created_at - interval '5 hours'")
    async with open_worker(database_url) as worker:
        too_long_metric = ("wms_orders_unfulfilled_too_long", {"priority": "same_day"})
        await eventually(worker.metric_condition(1, too_long_metric[0], **too_long_metric[1]))
        assert "PutDestination" in await wait_until_waiting(warehouse_api, order_id, "NO_DESTINATION")
        await eventually(
            worker.metric_condition(1, "wms_waiting_orders", status="validated", reason="no_destination")
        )

        await warehouse_api.storage.PutDestination(put_destination(paused=False))
        await wait_until_status(warehouse_api, order_id, PACKING)
        await ship_order(warehouse_api, order_id)
        await eventually(worker.metric_condition(0, too_long_metric[0], **too_long_metric[1]))
        await eventually(
            worker.metric_condition(1, "wms_fulfillment_seconds_bucket", priority="same_day", le="28800.0")
        )


async def test_passive_when_it_should_be_active(warehouse_api: Api, database_url: str, sql: Sql) -> None:
    """A leader that does nothing keeps others passive. When it loses the role, another one is active."""
    await sql.execute("UPDATE worker_roles SET epoch = 7, worker_id = 'ghost', heartbeat_at = now() + '1 h'")
    order_id = await create_order_id(warehouse_api)
    async with run_worker_process(database_url, WORKER_ID="w-1") as worker:
        await eventually(worker.metric_condition(1, "wms_database_up"))
        assert await worker.read_metric("wms_worker_active", role=ROLE) == 0
        assert not await worker.is_active()
        expected_report = {"worker_id": "w-1", "roles": [{"role": ROLE, "active": False, "epoch": 0}]}
        await eventually(lambda: _is_ready(worker))
        _, report = await worker.get_json("/ready")
        assert {name: report[name] for name in expected_report} == expected_report
        await wait_until_waiting(warehouse_api, order_id, "AWAITING_VALIDATION")

        await sql.execute(
            "UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL WHERE role = $1", ROLE
        )
        await eventually(worker.metric_condition(1, "wms_worker_active", role=ROLE))
        assert await worker.is_active()
        assert await worker.read_metric("wms_worker_epoch", role=ROLE) == 8
        await wait_until_status(warehouse_api, order_id, PACKING)


async def _is_ready(worker: Worker) -> bool:
    status, report = await worker.get_json("/ready")
    return bool(status == 200 and report["status"] == "ready")


async def test_no_worker_is_active(warehouse_api: Api, database_url: str) -> None:
    """An order waits for a worker, a run can not be requested, and a new worker becomes active."""
    order_id = await create_order_id(warehouse_api)
    assert "start one" in await wait_until_waiting(warehouse_api, order_id, "NO_ACTIVE_WORKER")
    request = fulfillment_pb2.StartFulfillmentRequest()
    assert (
        await expect_failure(warehouse_api.fulfillment.StartFulfillment(request))
    ).reason == "NO_ACTIVE_WORKER"
    async with open_worker(database_url):
        await wait_until_status(warehouse_api, order_id, PACKING)


async def test_conflicts_between_operations(
    warehouse_api: Api, database: PostgresDatabase, database_url: str
) -> None:
    """The write of a deposed worker is rejected and counted, and no order is processed twice."""
    order_id = await create_order_id(warehouse_api, items=[item(quantity=5)])
    async with open_worker(database_url, worker_id="w-1") as worker:
        await wait_until_status(warehouse_api, order_id, PACKING)
        other_epoch = await PostgresRoleLeases(database).claim(ROLE, "other", timedelta(0))
        await eventually(worker.metric_condition(1, "wms_worker_stale_writes_refused_total", role=ROLE))
        role_change = {"role": ROLE, "cause": "a write was refused"}
        await eventually(worker.metric_condition(1, "wms_worker_role_changes_total", **role_change))
        await eventually(worker.metric_condition(0, "wms_worker_active", role=ROLE))
        assert await worker.read_metric("wms_fulfillment_cycles_total", outcome="refused") == 1

        assert other_epoch == 2
        await Fulfillment(database, Fence(ROLE, other_epoch)).deliver_all(warehouse_api)
    history = await warehouse_api.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id=order_id))
    changes = [(event.from_status, event.to_status) for event in history.events]
    assert len(changes) == len(set(changes)) == 5


async def test_incomplete_fulfilment_without_stock(warehouse_api: Api, database_url: str) -> None:
    """Backordered units are counted and explained. New stock fills the backorder, and the rest is shipped."""
    order_id = await create_order_id(warehouse_api, items=[item(quantity=8)])
    async with open_worker(database_url) as worker:
        await wait_until_status(warehouse_api, order_id, PACKING)
        await ship_order(warehouse_api, order_id)
        await wait_until_waiting(warehouse_api, order_id, "BACKORDERED")
        await eventually(worker.metric_condition(3, "wms_backordered_units"))
        await eventually(
            worker.metric_condition(1, "wms_waiting_orders", status="shipped", reason="backordered")
        )
        stats = await warehouse_api.fulfillment.GetFulfillmentStats(
            fulfillment_pb2.GetFulfillmentStatsRequest()
        )
        assert stats.warehouses[0].backordered_units == 3

        await warehouse_api.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 3)))

        async def is_backorder_filled() -> bool:
            await complete_requested_moves(warehouse_api)
            return await worker.read_metric("wms_backordered_units") == 0

        await eventually(is_backorder_filled)
        await ship_order(warehouse_api, order_id)
        await wait_until_waiting(warehouse_api, order_id, "AWAITING_DELIVERY")
        await eventually(worker.metric_condition(1, "wms_order_events_total", type="backorder-fulfilled"))


async def test_incomplete_fulfilment_without_a_route(warehouse_api: Api, database_url: str) -> None:
    """Stock in a zone that does not serve the destination has its own waiting reason."""
    await warehouse_api.storage.PutLane(put_lane("LANE-B", zone="B"))
    await warehouse_api.storage.ReceiveCarriers(receive(("CAR-B", "SKU-B", 5), lane_id="LANE-B"))
    order_id = await create_order_id(warehouse_api, items=[item("SKU-B")])
    async with open_worker(database_url) as worker:
        await wait_until_waiting(warehouse_api, order_id, "NO_ROUTE")
        waiting_labels = {"status": "assigned_to_wave", "reason": "no_route"}
        await eventually(worker.metric_condition(1, "wms_waiting_orders", **waiting_labels))

        await warehouse_api.storage.PutDestination(put_destination(zones=["A", "B"]))
        await wait_until_status(warehouse_api, order_id, PACKING)


async def test_failing_step(warehouse_api: Api, database_url: str, sql: Sql) -> None:
    """It is counted by name and recorded in the run. Other steps continue, and it recovers by itself."""
    await fail_changes(sql, "moves", "INSERT", "true")
    order_id = await create_order_id(warehouse_api)
    async with open_worker(database_url) as worker:
        await eventually(worker.metric_condition(1, "wms_fulfillment_step_items_total", step="allocate"))

        async def is_counted() -> bool:
            errors = await worker.read_metric("wms_fulfillment_step_errors_total", step="request_moves")
            failed_cycles = await worker.read_metric("wms_fulfillment_cycles_total", outcome="failed")
            return (errors or 0) > 1 and (failed_cycles or 0) > 1

        await eventually(is_counted)
        list_request = fulfillment_pb2.ListFulfillmentRunsRequest(
            statuses=[fulfillment_pb2.FULFILLMENT_RUN_STATUS_FAILED]
        )
        runs = (await warehouse_api.fulfillment.ListFulfillmentRuns(list_request)).runs
        assert list(runs[0].errors) == ["request_moves: RaiseError"]

        await sql.execute("DROP TRIGGER fail_change ON moves")
        await wait_until_status(warehouse_api, order_id, PACKING)


async def test_poison_order(warehouse_api: Api, database_url: str, sql: Sql) -> None:
    """Only this order fails, with a counted event and a waiting reason. It is retried after the remedy."""
    await fail_changes(sql, "orders", "UPDATE", "NEW.order_id = 'ORD-BAD' AND NEW.status = 'validated'")
    async with open_worker(database_url) as worker:
        await eventually(worker.metric_condition(1, "wms_worker_active", role=ROLE))
        await create_order_id(warehouse_api, order_id="ORD-BAD")
        other_order_id = await create_order_id(warehouse_api)
        await wait_until_status(warehouse_api, other_order_id, PACKING)
        explanation = await wait_until_waiting(warehouse_api, "ORD-BAD", "RETRY_NOT_DUE")
        assert "cannot be processed: RaiseError" in explanation
        await eventually(worker.metric_condition(1, "wms_order_events_total", type="retry-scheduled"))
        await eventually(
            worker.metric_condition(1, "wms_waiting_orders", status="pending_retry", reason="retry_not_due")
        )

        await sql.execute("DROP TRIGGER fail_change ON orders")
        await warehouse_api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id="ORD-BAD"))
        await wait_until_status(warehouse_api, "ORD-BAD", PACKING)


async def fail_changes(sql: Sql, table: str, change: str, condition: str) -> None:
    """Let a change of a table fail in the database."""
    await sql.execute(f"""
        CREATE FUNCTION fail_change() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'out of order'; END $$;
        CREATE TRIGGER fail_change BEFORE {change} ON {table} FOR EACH ROW
            WHEN ({condition}) EXECUTE FUNCTION fail_change();
    """)

"""The five common issues of the fulfillment service's own documentation: produced, seen, cured.

Each test makes the trouble, sees it where docs/operations.md says that it is seen, and follows its remedy.
"""

from datetime import timedelta

import asyncpg
import pytest

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.operations import deliver, ship, until_status, until_waits
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from tests.support.waiting import eventually
from tests.support.worker import Worker, open_worker, worker_process
from wms.orders.v1 import fulfillment_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.application.ports import Fence
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.roles import PostgresRoles

pytestmark = pytest.mark.also_over_http

Sql = asyncpg.Connection
PACKING = order_pb2.ORDER_STATUS_PACKING
ROLE = "fulfillment"


@pytest.fixture
async def site(api: Api) -> Api:
    """Give a warehouse with a lane, a destination and five units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 5)))
    return api


async def order_of(api: Api, **fields: object) -> str:
    """Place an order."""
    return (await api.orders.CreateOrder(create_order(**fields))).order.order_id


async def test_orders_not_fulfilled_in_time(site: Api, database_url: str, sql: Sql) -> None:
    """An order that is too old is counted by priority, its reason is named, and cured it is shipped."""
    await site.storage.PutDestination(put_destination(paused=True))
    order_id = await order_of(site, priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    await sql.execute("UPDATE orders SET created_at = created_at - interval '5 hours'")
    async with open_worker(database_url) as worker:
        too_long = ("wms_orders_unfulfilled_too_long", {"priority": "same_day"})
        await eventually(worker.shows(1, too_long[0], **too_long[1]))
        assert "PutDestination" in await until_waits(site, order_id, "NO_DESTINATION")
        await eventually(worker.shows(1, "wms_waiting_orders", status="validated", reason="no_destination"))

        await site.storage.PutDestination(put_destination(paused=False))
        await until_status(site, order_id, PACKING)
        await ship(site, order_id)
        await eventually(worker.shows(0, too_long[0], **too_long[1]))
        await eventually(worker.shows(1, "wms_fulfillment_seconds_bucket", priority="same_day", le="28800.0"))


async def test_passive_when_it_should_be_active(site: Api, database_url: str, sql: Sql) -> None:
    """A holder that does nothing keeps others passive, which all of them show; taken from it, one acts."""
    await sql.execute("UPDATE worker_roles SET epoch = 7, worker_id = 'ghost', heartbeat_at = now() + '1 h'")
    order_id = await order_of(site)
    async with worker_process(database_url, WORKER_ID="w-1") as worker:
        await eventually(worker.shows(1, "wms_database_up"))
        assert await worker.metric("wms_worker_active", role=ROLE) == 0
        assert not await worker.is_active()
        facts = {"worker_id": "w-1", "roles": [{"role": ROLE, "active": False, "epoch": 0}]}
        await eventually(lambda: _is_ready(worker))
        _, ready = await worker.page("/ready")
        assert {name: ready[name] for name in facts} == facts
        await until_waits(site, order_id, "AWAITING_VALIDATION")

        await sql.execute(
            "UPDATE worker_roles SET worker_id = NULL, heartbeat_at = NULL WHERE role = $1", ROLE
        )
        await eventually(worker.shows(1, "wms_worker_active", role=ROLE))
        assert await worker.is_active()
        assert await worker.metric("wms_worker_epoch", role=ROLE) == 8
        await until_status(site, order_id, PACKING)


async def _is_ready(worker: Worker) -> bool:
    status, report = await worker.page("/ready")
    return bool(status == 200 and report["status"] == "ready")


async def test_nobody_is_active(site: Api, database_url: str) -> None:
    """An order waits for a worker, a run can't be asked for, and a worker that starts acts at once."""
    order_id = await order_of(site)
    assert "start one" in await until_waits(site, order_id, "NO_ACTIVE_WORKER")
    request = fulfillment_pb2.StartFulfillmentRequest()
    assert (await failing(site.fulfillment.StartFulfillment(request))).reason == "NO_ACTIVE_WORKER"
    async with open_worker(database_url):
        await until_status(site, order_id, PACKING)


async def test_conflicts_between_operations(site: Api, database: PostgresDatabase, database_url: str) -> None:
    """A worker that was replaced behind its back is refused, says so, and leaves no order done twice."""
    order_id = await order_of(site, items=[item(quantity=5)])
    async with open_worker(database_url, worker_id="w-1") as worker:
        await until_status(site, order_id, PACKING)
        rival = await PostgresRoles(database).claim(ROLE, "rival", timedelta(0))
        await eventually(worker.shows(1, "wms_worker_stale_writes_refused_total", role=ROLE))
        cause = {"role": ROLE, "cause": "a write was refused"}
        await eventually(worker.shows(1, "wms_worker_role_changes_total", **cause))
        await eventually(worker.shows(0, "wms_worker_active", role=ROLE))
        assert await worker.metric("wms_fulfillment_cycles_total", outcome="refused") == 1

        assert rival == 2
        await Fulfillment(database, Fence(ROLE, rival)).deliver(site)
    history = await site.orders.GetOrderHistory(orders_pb2.GetOrderHistoryRequest(order_id=order_id))
    changes = [(event.from_status, event.to_status) for event in history.events]
    assert len(changes) == len(set(changes)) == 5


async def test_incomplete_fulfilment_for_want_of_stock(site: Api, database_url: str) -> None:
    """What is owed is counted and explained; stock that comes fills it, and the rest is shipped."""
    order_id = await order_of(site, items=[item(quantity=8)])
    async with open_worker(database_url) as worker:
        await until_status(site, order_id, PACKING)
        await ship(site, order_id)
        await until_waits(site, order_id, "BACKORDERED")
        await eventually(worker.shows(3, "wms_backordered_units"))
        await eventually(worker.shows(1, "wms_waiting_orders", status="shipped", reason="backordered"))
        stats = await site.fulfillment.GetFulfillmentStats(fulfillment_pb2.GetFulfillmentStatsRequest())
        assert stats.warehouses[0].backordered_units == 3

        await site.storage.ReceiveCarriers(receive(("CAR-2", "SKU-001", 3)))

        async def filled() -> bool:
            await deliver(site)
            return await worker.metric("wms_backordered_units") == 0

        await eventually(filled)
        await ship(site, order_id)
        await until_waits(site, order_id, "AWAITING_DELIVERY")
        await eventually(worker.shows(1, "wms_order_events_total", type="backorder-fulfilled"))


async def test_incomplete_fulfilment_for_want_of_a_route(site: Api, database_url: str) -> None:
    """Stock in a zone that the destination is not served from is said to be there and out of reach."""
    await site.storage.PutLane(put_lane("LANE-B", zone="B"))
    await site.storage.ReceiveCarriers(receive(("CAR-B", "SKU-B", 5), lane_id="LANE-B"))
    order_id = await order_of(site, items=[item("SKU-B")])
    async with open_worker(database_url) as worker:
        await until_waits(site, order_id, "NO_ROUTE")
        why = {"status": "assigned_to_wave", "reason": "no_route"}
        await eventually(worker.shows(1, "wms_waiting_orders", **why))

        await site.storage.PutDestination(put_destination(zones=["A", "B"]))
        await until_status(site, order_id, PACKING)


async def test_a_step_that_breaks(site: Api, database_url: str, sql: Sql) -> None:
    """It is counted by name and recorded in the run; the other steps go on, and it recovers by itself."""
    await break_on(sql, "moves", "INSERT", "true")
    order_id = await order_of(site)
    async with open_worker(database_url) as worker:
        await eventually(worker.shows(1, "wms_fulfillment_step_items_total", step="allocate"))

        async def broken() -> bool:
            errors = await worker.metric("wms_fulfillment_step_errors_total", step="request_moves")
            failed = await worker.metric("wms_fulfillment_cycles_total", outcome="failed")
            return (errors or 0) > 1 and (failed or 0) > 1

        await eventually(broken)
        wanted = fulfillment_pb2.ListFulfillmentRunsRequest(
            statuses=[fulfillment_pb2.FULFILLMENT_RUN_STATUS_FAILED]
        )
        runs = (await site.fulfillment.ListFulfillmentRuns(wanted)).runs
        assert list(runs[0].errors) == ["request_moves: RaiseError"]

        await sql.execute("DROP TRIGGER trouble ON moves")
        await until_status(site, order_id, PACKING)


async def test_an_order_that_cannot_be_processed(site: Api, database_url: str, sql: Sql) -> None:
    """It alone fails, is counted and explained; the others go on, and cured it is tried again."""
    await break_on(sql, "orders", "UPDATE", "NEW.order_id = 'ORD-BAD' AND NEW.status = 'validated'")
    async with open_worker(database_url) as worker:
        await eventually(worker.shows(1, "wms_worker_active", role=ROLE))
        await order_of(site, order_id="ORD-BAD")
        good = await order_of(site)
        await until_status(site, good, PACKING)
        sentence = await until_waits(site, "ORD-BAD", "RETRY_NOT_DUE")
        assert "cannot be processed: RaiseError" in sentence
        await eventually(worker.shows(1, "wms_order_events_total", type="retry-scheduled"))
        await eventually(
            worker.shows(1, "wms_waiting_orders", status="pending_retry", reason="retry_not_due")
        )

        await sql.execute("DROP TRIGGER trouble ON orders")
        await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id="ORD-BAD"))
        await until_status(site, "ORD-BAD", PACKING)


async def break_on(sql: Sql, table: str, change: str, when: str) -> None:
    """Make a change of a table fail in the database."""
    await sql.execute(f"""
        CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'out of order'; END $$;
        CREATE TRIGGER trouble BEFORE {change} ON {table} FOR EACH ROW
            WHEN ({when}) EXECUTE FUNCTION trouble();
    """)

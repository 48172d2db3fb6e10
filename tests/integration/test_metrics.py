"""The worker's ports: health over gRPC and HTTP, and the metrics that the alerts are made of."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.api import Api, open_api
from tests.support.fulfillment import Fulfillment
from tests.support.operations import ship, until_status
from tests.support.relay import park
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from tests.support.waiting import eventually
from tests.support.worker import Worker, open_worker
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.listeners import PortInUse
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_dev.ports import free_port
from wms_worker.following import EventFollower
from wms_worker.levels import LevelGauges
from wms_worker.metrics import Metrics

Sql = asyncpg.Connection
GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture
async def site(api: Api) -> Api:
    """Give a warehouse with a lane, a destination and five units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 5)))
    return api


async def test_a_worker_answers_over_grpc_and_http(database_url: str) -> None:
    """Health and activity are told over both; the pages name the replica, its role and its epoch."""
    async with open_worker(database_url, worker_id="w-1") as worker:
        await eventually(worker.is_active)
        facts = {"worker_id": "w-1", "roles": [{"role": "fulfillment", "active": True, "epoch": 1}]}
        assert await worker.page("/health") == (200, {"status": "alive", **facts})
        status, ready = await worker.page("/ready")
        assert (status, ready["status"], ready["database"]["state"]) == (200, "ready", "writable")
        assert {name: ready[name] for name in facts} == facts
        assert (await worker.get("/nothing"))[0] == 404


async def test_without_its_database_a_worker_is_alive_and_not_ready() -> None:
    """The probe of readiness fails, that of life does not, and the metrics say that nothing can be read."""
    async with open_worker(f"postgresql://nobody@127.0.0.1:{free_port()}/none") as worker:
        assert (await worker.page("/health"))[0] == 200
        assert (await worker.page("/ready"))[0] == 503
        assert await worker.metric("wms_database_up") == 0
        assert await worker.metric("wms_worker_active", role="fulfillment") == 0
        assert await worker.metric("wms_outbox_events") is None


async def test_levels_that_cannot_be_read_are_not_told(empty_database_url: str) -> None:
    """Before the schema is there, the other metrics are told all the same."""
    async with open_database(empty_database_url, PoolOptions()) as database:
        gauges = LevelGauges(database, {}, timedelta(0))
        await gauges.refresh()
    (family,) = gauges.collect()
    assert [(sample.name, sample.value) for sample in family.samples] == [("wms_database_up", 0)]


async def test_levels_are_read_no_more_often_than_wanted(database: PostgresDatabase) -> None:
    """Two who look at once get one reading; so does everybody until it is due again."""
    gauges = LevelGauges(database, {}, timedelta(hours=1))
    await asyncio.gather(gauges.refresh(), gauges.refresh())
    first = gauges.levels
    await gauges.refresh()
    assert first is not None
    assert gauges.levels is first


async def test_a_port_that_is_taken_is_named(database_url: str) -> None:
    """The second worker on a port says which variable is wrong."""
    async with open_worker(database_url) as worker:
        for variable, port in (("WORKER_ADDR", worker.grpc_port), ("WORKER_HTTP_ADDR", worker.port)):
            settings: dict[str, Any] = {variable.lower(): f"127.0.0.1:{port}"}
            with pytest.raises(PortInUse, match=rf"{variable}=127\.0\.0\.1:{port} is in use"):
                async with open_worker(database_url, **settings):
                    pass


async def test_idle_connections_keep_no_probe_out(database_url: str) -> None:
    """Neither those of gRPC, however many, nor those of HTTP from another address."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    async with open_worker(database_url) as worker:
        opened = [await _connected("127.0.0.1", worker.grpc_port) for _ in range(130)]
        for _, writer in opened:
            writer.write(preface)
        opened += [await _connected("127.0.0.2", worker.port) for _ in range(130)]
        assert (await worker.get("/ready"))[0] == 200
        assert (await worker.get("/health"))[0] == 200
        for _, writer in opened:
            writer.close()
        await eventually(worker.is_active)


async def _connected(source: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def test_shipping_an_order_is_counted_and_timed(site: Api, database_url: str) -> None:
    """Its events, the time from creation to the first shipment by priority, the cycles and their steps."""
    async with open_worker(database_url) as worker:
        await eventually(worker.shows(1, "wms_worker_active", role="fulfillment"))
        order = create_order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        order_id = (await site.orders.CreateOrder(order)).order.order_id
        await until_status(site, order_id, order_pb2.ORDER_STATUS_PACKING)
        await ship(site, order_id)
        await eventually(worker.shows(1, "wms_fulfillment_seconds_count", priority="same_day"))
        for event in ("received", "validated", "wave-assigned", "picking-started", "shipped"):
            assert await worker.metric("wms_order_events_total", type=event) == 1
        assert await worker.metric("wms_order_events_total", type="moved-to-dlq") == 0
        assert await worker.metric("wms_fulfillment_step_items_total", step="allocate") == 1
        assert (await worker.metric("wms_fulfillment_cycles_total", outcome="completed") or 0) > 0
        assert (await worker.metric("wms_fulfillment_cycle_seconds_sum") or 0) > 0
        assert (await worker.metric("wms_fulfillment_step_seconds_sum", step="allocate") or 0) > 0
        assert await worker.metric("wms_worker_epoch", role="fulfillment") == 1
        assert await worker.metric("wms_worker_role_changes_total", role="fulfillment", cause="won") == 1


async def test_how_long_nobody_holds_a_role_is_told_by_every_replica(database_url: str, sql: Sql) -> None:
    """From the last sign of life on, by one that never held the role either; 0 while it is held."""
    name = "wms_role_without_holder_seconds"

    async def tells(least: float, most: float) -> bool:
        return least <= (await worker.metric(name, role="fulfillment") or 0) <= most

    await sql.execute(
        "INSERT INTO workers (worker_id, host, version, mode, started_at, heartbeat_at)"
        " VALUES ('w-1', 'h', '1', 'passive', now(), now())"
    )
    async with open_worker(database_url, worker_id="w-1") as worker:
        gone = "UPDATE worker_roles SET epoch = 7, worker_id = 'gone', heartbeat_at = now() - interval '90 s'"
        await sql.execute(gone)
        await eventually(lambda: tells(90, 120))
        assert await worker.metric("wms_role_epoch", role="fulfillment") == 7
        await sql.execute("UPDATE worker_roles SET heartbeat_at = now()")
        await eventually(lambda: tells(0, 0))
        await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = now() - interval '5 s'")
        await eventually(lambda: tells(5, 30))


async def test_what_waits_is_counted_by_status_reason_and_priority(site: Api, database_url: str) -> None:
    """Orders that wait, those that are late, and the age of the oldest, as the database has them."""
    await site.storage.PutDestination(put_destination(paused=True))
    for priority in (order_pb2.ORDER_PRIORITY_SAME_DAY, order_pb2.ORDER_PRIORITY_STANDARD):
        order = create_order(priority=priority)
        order.promised_delivery_at.FromJsonString("2020-01-01T00:00:00Z")
        await site.orders.CreateOrder(order)
    async with open_worker(database_url) as worker:
        why = {"status": "validated", "reason": "no_destination"}
        await eventually(worker.shows(2, "wms_waiting_orders", **why))
        assert await worker.metric("wms_orders_overdue", priority="same_day") == 1
        assert await worker.metric("wms_orders_unshipped", priority="standard") == 1
        assert await worker.metric("wms_orders_unshipped", priority="next_day") == 0
        assert await worker.metric("wms_orders_unfulfilled_too_long", priority="same_day") == 0
        assert 0 < (await worker.metric("wms_orders_oldest_seconds", priority="same_day") or 0) < 60


async def test_queues_are_counted_with_the_age_of_their_oldest(
    site: Api, fulfillment: Fulfillment, database_url: str, sql: Sql
) -> None:
    """Dead letters, backorders and their units, moves, pauses, and the outbox."""
    order_id = (await site.orders.CreateOrder(create_order(items=[item(quantity=8)]))).order.order_id
    await fulfillment.run()
    dead = (await site.orders.CreateOrder(create_order())).order.order_id
    await site.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=dead, failure_status=order_pb2.ORDER_STATUS_RECEIVED, failure_reason="broken"
        )
    )
    await sql.execute(
        "UPDATE backorders SET created_at = now() - interval '1 day' WHERE order_id = $1", order_id
    )
    await sql.execute("UPDATE dead_letter_entries SET created_at = now() - interval '2 days'")
    async with open_worker(database_url) as worker:
        assert await worker.metric("wms_backordered_units") == 3
        assert await worker.metric("wms_backorders") == 1
        assert (await worker.metric("wms_backorders_oldest_seconds") or 0) > 86_000
        assert await worker.metric("wms_dead_letters_unresolved") == 1
        assert (await worker.metric("wms_dead_letters_oldest_seconds") or 0) > 172_000
        assert await worker.metric("wms_moves_live") == 1
        assert await worker.metric("wms_fulfillment_pauses") == 0
        await eventually(worker.shows(0, "wms_outbox_events"))


async def test_the_relays_lag_and_what_is_parked_are_told(site: Api, database_url: str, sql: Sql) -> None:
    """By every replica; of a relay that never was, nothing."""
    orders = [(await site.orders.CreateOrder(create_order())).order.order_id for _ in range(3)]
    await park(sql, *orders)
    rows = await sql.fetch("SELECT position FROM order_events ORDER BY position")
    first, second, last = (row["position"] for row in rows)
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.metric("wms_log_position") == last
        assert await worker.metric("wms_parked_events") == 3
        assert await worker.metric("wms_relay_lag_events") is None
    await sql.execute("INSERT INTO relay_positions (relay, position) VALUES ('kafka', $1)", first)
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '1 day' WHERE position = $1", second
    )
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.metric("wms_relay_position") == first
        assert await worker.metric("wms_relay_lag_events") == last - first
        assert (await worker.metric("wms_relay_lag_seconds") or 0) > 86_000
    await sql.execute("UPDATE relay_positions SET position = $1", last)
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.metric("wms_relay_lag_seconds") == 0


async def test_events_of_before_the_term_are_not_counted(
    database: PostgresDatabase, site: Api, sql: Sql
) -> None:
    """The follower begins at the end of the log, and then misses none and counts none twice."""
    metrics = Metrics("fulfillment")

    def received() -> float | None:
        return metrics.registry.get_sample_value("wms_order_events_total", {"type": "received"})

    async def logged(count: int) -> None:
        query = "SELECT count(*) FROM order_events"
        await eventually(lambda: has(sql, query, count))

    await site.orders.CreateOrder(create_order())
    await logged(1)
    follower = EventFollower(database, metrics)
    assert await follower.look() == 0
    for _ in range(3):
        await site.orders.CreateOrder(create_order())
    await logged(4)
    assert [await follower.look(), await follower.look()] == [3, 0]
    assert received() == 3


async def test_what_becomes_of_orders_is_counted(site: Api, database: PostgresDatabase, sql: Sql) -> None:
    """Orders made and processed, failures, retries and how they ended, dead letters and their resolutions."""
    metrics = Metrics("fulfillment")
    follower = EventFollower(database, metrics)
    await follower.look()
    orders = [await new_order(site) for _ in range(6)]
    shipped, again, dead, moved, cancelled, waiting = orders
    request = create_order(request_id="once", priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    for _ in range(2):
        await site.orders.CreateOrder(request)
    for order_id in orders:
        await fail(site, order_id)
    await fail(site, waiting)
    for order_id in (shipped, again, moved, cancelled):
        await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id))
    await sql.execute("UPDATE orders SET retry_count = 4 WHERE order_id = $1", dead)
    await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=dead))
    await fail(site, dead)
    await fail(site, again)
    await give_up(site, moved)
    await site.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=cancelled, reason="no"))
    await resolve(site, dead, dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    await resolve(site, moved, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    await resolve(site, moved, dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED)
    never_tried = await new_order(site)
    await give_up(site, never_tried)
    await until_logged(sql)
    await follower.look()
    told = metrics.registry.get_sample_value
    assert told("wms_orders_created_total", {"priority": "same_day"}) == 1
    assert told("wms_orders_created_total", {"priority": "standard"}) == 7
    assert told("wms_orders_processed_total", {"status": "received"}) == 8 + 5 + 1
    assert told("wms_orders_processed_total", {"status": "pending_retry"}) == 8
    assert told("wms_orders_processed_total", {"status": "dead_letter"}) == 3
    assert told("wms_orders_processed_total", {"status": "cancelled"}) == 2
    assert told("wms_order_failures_total", {"failure_status": "received"}) == 8 + 3
    assert told("wms_order_failures_total", {"failure_status": "packing"}) == 0
    assert told("wms_order_retry_attempts_total", {"cause": "scheduled"}) == 5
    assert told("wms_order_retry_attempts_total", {"cause": "resolved"}) == 1
    assert told("wms_order_retry_outcome_total", {"outcome": "shipped"}) == 0
    assert told("wms_order_retry_outcome_total", {"outcome": "failed_again"}) == 1
    assert told("wms_order_retry_outcome_total", {"outcome": "dead_lettered"}) == 2
    assert told("wms_order_retry_outcome_total", {"outcome": "cancelled"}) == 1
    assert told("wms_dlq_entries_total", {"failure_status": "received"}) == 3
    for resolution in ("manual_retry", "cancelled", "escalated"):
        assert told("wms_dlq_resolutions_total", {"resolution": resolution}) == 1


async def test_a_retry_that_is_shipped_is_counted(site: Api, database_url: str) -> None:
    """Its first shipment is its outcome; that of an order that never failed is none."""
    retried, untroubled = await new_order(site), await new_order(site)
    await fail(site, retried)
    await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=retried))
    async with open_worker(database_url) as worker:
        for order_id in (retried, untroubled):
            await until_status(site, order_id, order_pb2.ORDER_STATUS_PACKING)
            await ship(site, order_id)
        await eventually(worker.shows(2, "wms_orders_processed_total", status="shipped"))
        assert await worker.metric("wms_order_retry_outcome_total", outcome="shipped") == 1


async def new_order(site: Api) -> str:
    """Take an order in and give its id."""
    return (await site.orders.CreateOrder(create_order())).order.order_id


async def fail(site: Api, order_id: str) -> None:
    """Count a failure of an order."""
    await site.reprocessing.IncrementRetryCount(
        reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason="broken")
    )


async def give_up(site: Api, order_id: str) -> None:
    """Move an order to the dead letter queue."""
    await site.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order_id, failure_reason="hopeless")
    )


async def resolve(
    site: Api, order_id: str, resolution: "dead_letter_pb2.DeadLetterResolution.ValueType"
) -> None:
    """Decide about a dead letter."""
    await site.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id, resolution=resolution, resolved_by="S-1"
        )
    )


async def until_logged(sql: Sql) -> None:
    """Wait until all events have their positions."""
    await eventually(lambda: has(sql, "SELECT count(*) FROM outbox", 0))


async def test_calls_are_counted_and_timed_by_method_and_code(database_url: str) -> None:
    """Over gRPC and HTTP, good and bad; a stream by its end only; those of nobody from 0 on."""
    port = free_port()
    page = Worker(port)

    async def requests(method: str, code: str) -> float | None:
        return await page.metric("wms_server_requests_total", method=method, code=code)

    async def took(method: str, code: str, le: str) -> float | None:
        return await page.metric("wms_server_request_seconds_bucket", method=method, code=code, le=le)

    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        for _ in range(3):
            await api.orders.CreateOrder(create_order())
        with pytest.raises(grpc.aio.AioRpcError):
            await api.orders.CreateOrder(orders_pb2.CreateOrderRequest())
        assert (await page.get("/api/v1/orders/ORD-none"))[0] == 404
        watching = api.orders.WatchOrders(orders_pb2.WatchOrdersRequest())
        await watching.read()
        watching.cancel()
        await eventually(page.shows(1, "wms_server_requests_total", method="WatchOrders", code="CANCELLED"))
        assert await requests("CreateOrder", "OK") == 3
        assert await requests("CreateOrder", "INVALID_ARGUMENT") == 1
        assert await requests("CreateOrder", "INTERNAL") == 0
        assert await requests("GetOrder", "NOT_FOUND") == 1
        assert await requests("ListOrders", "OK") == 0
        assert await took("CreateOrder", "OK", "+Inf") == 3
        assert await took("GetOrder", "NOT_FOUND", "+Inf") == 1
        assert await took("WatchOrders", "CANCELLED", "+Inf") is None
        seconds = await page.metric("wms_server_request_seconds_sum", method="CreateOrder", code="OK")
        assert 0 < (seconds or 0) < 3 * 10


async def has(sql: Sql, query: str, value: object) -> bool:
    """Say whether a query gives a value."""
    return bool(await sql.fetchval(query) == value)


async def test_every_metric_is_explained(database_url: str) -> None:
    """The operations guide has a row for each metric of ours, and none for one that does not exist."""
    port = free_port()
    async with open_worker(database_url) as worker, open_api(database_url, http_addr=f"127.0.0.1:{port}"):
        pages = [(await one.get("/metrics"))[1] for one in (worker, Worker(port))]
    exported = set(re.findall(r"^# TYPE (wms_\w+) ", "".join(pages), re.MULTILINE))
    explained = set(re.findall(r"^\| `(wms_\w+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))
    assert explained == exported

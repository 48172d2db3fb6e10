"""Endpoints of the worker: health over gRPC and HTTP, and the metrics of the alerts."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.load import ship_order, wait_until_status
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api, open_api
from tests.support.processes.relays import park_first_events
from tests.support.processes.workers import Worker, open_worker
from tests.support.waiting import eventually
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.runtime.listeners import PortInUse
from wms_dev.free_port import find_free_port
from wms_worker.observability.backlog_gauges import BacklogGauges
from wms_worker.observability.event_metrics import EventMetricsConsumer
from wms_worker.observability.metrics import WorkerMetrics

Sql = asyncpg.Connection
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "operations.md"


@pytest.fixture
async def site(api: Api) -> Api:
    """Return the API of a warehouse with a lane, a destination and five units of one SKU."""
    await api.storage.PutLane(put_lane())
    await api.storage.PutDestination(put_destination())
    await api.storage.ReceiveCarriers(receive(("CAR-1", "SKU-001", 5)))
    return api


async def test_a_worker_reports_health_over_grpc_and_http(database_url: str) -> None:
    """Health and roles over both. The pages have the replica, its role and its epoch."""
    async with open_worker(database_url, worker_id="w-1") as worker:
        await eventually(worker.is_active)
        facts = {"worker_id": "w-1", "roles": [{"role": "fulfillment", "active": True, "epoch": 1}]}
        assert await worker.get_json("/health") == (200, {"status": "alive", **facts})
        status, ready = await worker.get_json("/ready")
        assert (status, ready["status"], ready["database"]["state"]) == (200, "ready", "writable")
        assert {name: ready[name] for name in facts} == facts
        assert (await worker.get_page("/nothing"))[0] == 404


async def test_without_its_database_a_worker_is_live_and_not_ready() -> None:
    """Readiness fails, liveness succeeds, and the metrics report that the backlog cannot be read."""
    async with open_worker(f"postgresql://user@127.0.0.1:{find_free_port()}/none") as worker:
        assert (await worker.get_json("/health"))[0] == 200
        assert (await worker.get_json("/ready"))[0] == 503
        assert await worker.read_metric("wms_database_up") == 0
        assert await worker.read_metric("wms_worker_active", role="fulfillment") == 0
        assert await worker.read_metric("wms_outbox_events") is None


async def test_an_unreadable_backlog_is_not_exported(empty_database_url: str) -> None:
    """Before the migrations the other metrics are exported."""
    async with open_database(empty_database_url, PoolOptions()) as database:
        gauges = BacklogGauges(database, {}, timedelta(0))
        await gauges.refresh_snapshot()
    (family,) = gauges.collect()
    assert [(sample.name, sample.value) for sample in family.samples] == [("wms_database_up", 0)]


async def test_the_backlog_is_read_once_per_interval(database: PostgresDatabase) -> None:
    """Concurrent scrapes share a read, and so do all scrapes until the next one is due."""
    gauges = BacklogGauges(database, {}, timedelta(hours=1))
    await asyncio.gather(gauges.refresh_snapshot(), gauges.refresh_snapshot())
    first = gauges.backlog_snapshot
    await gauges.refresh_snapshot()
    assert first is not None
    assert gauges.backlog_snapshot is first


async def test_a_port_in_use_is_reported(database_url: str) -> None:
    """The second worker on a port reports the variable."""
    async with open_worker(database_url) as worker:
        for variable, port in (("WORKER_ADDR", worker.grpc_port), ("WORKER_HTTP_ADDR", worker.port)):
            settings: dict[str, Any] = {variable.lower(): f"127.0.0.1:{port}"}
            with pytest.raises(PortInUse, match=rf"{variable}=127\.0\.0\.1:{port} is in use"):
                async with open_worker(database_url, **settings):
                    pass


async def test_idle_connections_do_not_block_probes(database_url: str) -> None:
    """Any number of gRPC connections, and HTTP connections from another address."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
    async with open_worker(database_url) as worker:
        opened = [await _connect("127.0.0.1", worker.grpc_port) for _ in range(130)]
        for _, writer in opened:
            writer.write(preface)
        opened += [await _connect("127.0.0.2", worker.port) for _ in range(130)]
        assert (await worker.get_page("/ready"))[0] == 200
        assert (await worker.get_page("/health"))[0] == 200
        for _, writer in opened:
            writer.close()
        await eventually(worker.is_active)


async def _connect(source: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def test_shipping_an_order_is_counted_and_timed(site: Api, database_url: str) -> None:
    """Its events, the time from creation to the first shipment by priority, the cycles and their steps."""
    async with open_worker(database_url) as worker:
        await eventually(worker.metric_condition(1, "wms_worker_active", role="fulfillment"))
        order = create_order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
        order_id = (await site.orders.CreateOrder(order)).order.order_id
        await wait_until_status(site, order_id, order_pb2.ORDER_STATUS_PACKING)
        await ship_order(site, order_id)
        await eventually(worker.metric_condition(1, "wms_fulfillment_seconds_count", priority="same_day"))
        for event in ("received", "validated", "wave-assigned", "picking-started", "shipped"):
            assert await worker.read_metric("wms_order_events_total", type=event) == 1
        assert await worker.read_metric("wms_order_events_total", type="moved-to-dlq") == 0
        assert await worker.read_metric("wms_fulfillment_step_items_total", step="allocate") == 1
        assert (await worker.read_metric("wms_fulfillment_cycles_total", outcome="completed") or 0) > 0
        assert (await worker.read_metric("wms_fulfillment_cycle_seconds_sum") or 0) > 0
        assert (await worker.read_metric("wms_fulfillment_step_seconds_sum", step="allocate") or 0) > 0
        assert await worker.read_metric("wms_worker_epoch", role="fulfillment") == 1
        assert await worker.read_metric("wms_worker_role_changes_total", role="fulfillment", cause="won") == 1


async def test_every_replica_exports_the_time_without_a_leader(database_url: str, sql: Sql) -> None:
    """Since the last heartbeat, also from a replica that never had the role. 0 while there is a leader."""
    name = "wms_role_without_holder_seconds"

    async def is_between(min_seconds: float, max_seconds: float) -> bool:
        return min_seconds <= (await worker.read_metric(name, role="fulfillment") or 0) <= max_seconds

    await sql.execute(
        "INSERT INTO workers (worker_id, host, version, mode, started_at, heartbeat_at)"
        " VALUES ('w-1', 'h', '1', 'passive', now(), now())"
    )
    async with open_worker(database_url, worker_id="w-1") as worker:
        dead_leader = (
            "UPDATE worker_roles SET epoch = 7, worker_id = 'gone', heartbeat_at = now() - interval '90 s'"
        )
        await sql.execute(dead_leader)
        await eventually(lambda: is_between(90, 120))
        assert await worker.read_metric("wms_role_epoch", role="fulfillment") == 7
        await sql.execute("UPDATE worker_roles SET heartbeat_at = now()")
        await eventually(lambda: is_between(0, 0))
        await sql.execute("UPDATE worker_roles SET worker_id = NULL, heartbeat_at = now() - interval '5 s'")
        await eventually(lambda: is_between(5, 30))


async def test_waiting_orders_are_counted_by_status_reason_and_priority(site: Api, database_url: str) -> None:
    """Waiting orders, overdue orders, and the age of the oldest order, from the database."""
    await site.storage.PutDestination(put_destination(paused=True))
    for priority in (order_pb2.ORDER_PRIORITY_SAME_DAY, order_pb2.ORDER_PRIORITY_STANDARD):
        order = create_order(priority=priority)
        order.promised_delivery_at.FromJsonString("2020-01-01T00:00:00Z")
        await site.orders.CreateOrder(order)
    async with open_worker(database_url) as worker:
        why = {"status": "validated", "reason": "no_destination"}
        await eventually(worker.metric_condition(2, "wms_waiting_orders", **why))
        assert await worker.read_metric("wms_orders_overdue", priority="same_day") == 1
        assert await worker.read_metric("wms_orders_unshipped", priority="standard") == 1
        assert await worker.read_metric("wms_orders_unshipped", priority="next_day") == 0
        assert await worker.read_metric("wms_orders_unfulfilled_too_long", priority="same_day") == 0
        assert 0 < (await worker.read_metric("wms_orders_oldest_seconds", priority="same_day") or 0) < 60


async def test_queues_are_counted_with_the_age_of_their_oldest_entry(
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
        assert await worker.read_metric("wms_backordered_units") == 3
        assert await worker.read_metric("wms_backorders") == 1
        assert (await worker.read_metric("wms_backorders_oldest_seconds") or 0) > 86_000
        assert await worker.read_metric("wms_dead_letters_unresolved") == 1
        assert (await worker.read_metric("wms_dead_letters_oldest_seconds") or 0) > 172_000
        assert await worker.read_metric("wms_moves_live") == 1
        assert await worker.read_metric("wms_fulfillment_pauses") == 0
        await eventually(worker.metric_condition(0, "wms_outbox_events"))


async def test_the_relay_lag_and_the_parked_events_are_exported(
    site: Api, database_url: str, sql: Sql
) -> None:
    """By every replica. Without any relay there is no such metric."""
    orders = [(await site.orders.CreateOrder(create_order())).order.order_id for _ in range(3)]
    await park_first_events(sql, *orders)
    rows = await sql.fetch("SELECT position FROM order_events ORDER BY position")
    first, second, last = (row["position"] for row in rows)
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.read_metric("wms_log_position") == last
        assert await worker.read_metric("wms_parked_events") == 3
        assert await worker.read_metric("wms_relay_lag_events") is None
    await sql.execute("INSERT INTO relay_positions (relay, position) VALUES ('kafka', $1)", first)
    await sql.execute(
        "UPDATE order_events SET occurred_at = now() - interval '1 day' WHERE position = $1", second
    )
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.read_metric("wms_relay_position") == first
        assert await worker.read_metric("wms_relay_lag_events") == last - first
        assert (await worker.read_metric("wms_relay_lag_seconds") or 0) > 86_000
    await sql.execute("UPDATE relay_positions SET position = $1", last)
    async with open_worker(database_url, auto_validate=False) as worker:
        assert await worker.read_metric("wms_relay_lag_seconds") == 0


async def test_events_before_the_tenure_are_not_counted(
    database: PostgresDatabase, site: Api, sql: Sql
) -> None:
    """The consumer starts at the end of the log. From there it misses no event, and counts none twice."""
    metrics = WorkerMetrics("fulfillment")

    def count_received() -> float | None:
        return metrics.collector_registry.get_sample_value("wms_order_events_total", {"type": "received"})

    async def are_logged(count: int) -> None:
        query = "SELECT count(*) FROM order_events"
        await eventually(lambda: is_result(sql, query, count))

    await site.orders.CreateOrder(create_order())
    await are_logged(1)
    follower = EventMetricsConsumer(database, metrics)
    assert await follower.poll() == 0
    for _ in range(3):
        await site.orders.CreateOrder(create_order())
    await are_logged(4)
    assert [await follower.poll(), await follower.poll()] == [3, 0]
    assert count_received() == 3


async def test_outcomes_of_orders_are_counted(site: Api, database: PostgresDatabase, sql: Sql) -> None:
    """Created and processed orders, failures, retries and their outcomes, dead letters and resolutions."""
    metrics = WorkerMetrics("fulfillment")
    follower = EventMetricsConsumer(database, metrics)
    await follower.poll()
    orders = [await place_order(site) for _ in range(6)]
    shipped, retried, dead, moved, cancelled, waiting = orders
    request = create_order(request_id="once", priority=order_pb2.ORDER_PRIORITY_SAME_DAY)
    for _ in range(2):
        await site.orders.CreateOrder(request)
    for order_id in orders:
        await record_failure(site, order_id)
    await record_failure(site, waiting)
    for order_id in (shipped, retried, moved, cancelled):
        await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id))
    await sql.execute("UPDATE orders SET retry_count = 4 WHERE order_id = $1", dead)
    await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=dead))
    await record_failure(site, dead)
    await record_failure(site, retried)
    await dead_letter_order(site, moved)
    await site.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=cancelled, reason="no"))
    await resolve_dead_letter(site, dead, dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    await resolve_dead_letter(site, moved, dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED)
    await resolve_dead_letter(site, moved, dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED)
    never_tried = await place_order(site)
    await dead_letter_order(site, never_tried)
    await wait_until_sequenced(sql)
    await follower.poll()
    read_sample = metrics.collector_registry.get_sample_value
    assert read_sample("wms_orders_created_total", {"priority": "same_day"}) == 1
    assert read_sample("wms_orders_created_total", {"priority": "standard"}) == 7
    assert read_sample("wms_orders_processed_total", {"status": "received"}) == 8 + 5 + 1
    assert read_sample("wms_orders_processed_total", {"status": "pending_retry"}) == 8
    assert read_sample("wms_orders_processed_total", {"status": "dead_letter"}) == 3
    assert read_sample("wms_orders_processed_total", {"status": "cancelled"}) == 2
    assert read_sample("wms_order_failures_total", {"failure_status": "received"}) == 8 + 3
    assert read_sample("wms_order_failures_total", {"failure_status": "packing"}) == 0
    assert read_sample("wms_order_retry_attempts_total", {"cause": "scheduled"}) == 5
    assert read_sample("wms_order_retry_attempts_total", {"cause": "resolved"}) == 1
    assert read_sample("wms_order_retry_outcome_total", {"outcome": "shipped"}) == 0
    assert read_sample("wms_order_retry_outcome_total", {"outcome": "failed_again"}) == 1
    assert read_sample("wms_order_retry_outcome_total", {"outcome": "dead_lettered"}) == 2
    assert read_sample("wms_order_retry_outcome_total", {"outcome": "cancelled"}) == 1
    assert read_sample("wms_dlq_entries_total", {"failure_status": "received"}) == 3
    for resolution in ("manual_retry", "cancelled", "escalated"):
        assert read_sample("wms_dlq_resolutions_total", {"resolution": resolution}) == 1


async def test_a_shipped_retry_is_counted(site: Api, database_url: str) -> None:
    """The outcome of a retry is its first shipment. An order without failures has no outcome."""
    retried, untroubled = await place_order(site), await place_order(site)
    await record_failure(site, retried)
    await site.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=retried))
    async with open_worker(database_url) as worker:
        for order_id in (retried, untroubled):
            await wait_until_status(site, order_id, order_pb2.ORDER_STATUS_PACKING)
            await ship_order(site, order_id)
        await eventually(worker.metric_condition(2, "wms_orders_processed_total", status="shipped"))
        assert await worker.read_metric("wms_order_retry_outcome_total", outcome="shipped") == 1


async def place_order(site: Api) -> str:
    """Create an order and return its id."""
    return (await site.orders.CreateOrder(create_order())).order.order_id


async def record_failure(site: Api, order_id: str) -> None:
    """Record a failure of an order."""
    await site.reprocessing.IncrementRetryCount(
        reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason="broken")
    )


async def dead_letter_order(site: Api, order_id: str) -> None:
    """Move an order to the dead letter queue."""
    await site.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order_id, failure_reason="hopeless")
    )


async def resolve_dead_letter(
    site: Api, order_id: str, resolution: "dead_letter_pb2.DeadLetterResolution.ValueType"
) -> None:
    """Resolve a dead letter."""
    await site.dead_letters.ResolveDeadLetterEntry(
        dead_letters_pb2.ResolveDeadLetterEntryRequest(
            order_id=order_id, resolution=resolution, resolved_by="S-1"
        )
    )


async def wait_until_sequenced(sql: Sql) -> None:
    """Wait until all events have positions."""
    await eventually(lambda: is_result(sql, "SELECT count(*) FROM outbox", 0))


async def test_calls_are_counted_and_timed_by_method_and_code(database_url: str) -> None:
    """Over gRPC and HTTP, successful and failed.

    A stream at its end only. Uncalled methods have the value 0.
    """
    port = find_free_port()
    page = Worker(port)

    async def requests(method: str, code: str) -> float | None:
        return await page.read_metric("wms_server_requests_total", method=method, code=code)

    async def count_within(method: str, code: str, le: str) -> float | None:
        return await page.read_metric("wms_server_request_seconds_bucket", method=method, code=code, le=le)

    async with open_api(database_url, http_addr=f"127.0.0.1:{port}") as api:
        for _ in range(3):
            await api.orders.CreateOrder(create_order())
        with pytest.raises(grpc.aio.AioRpcError):
            await api.orders.CreateOrder(orders_pb2.CreateOrderRequest())
        assert (await page.get_page("/api/v1/orders/ORD-none"))[0] == 404
        watching = api.orders.WatchOrders(orders_pb2.WatchOrdersRequest())
        await watching.read()
        watching.cancel()
        await eventually(
            page.metric_condition(1, "wms_server_requests_total", method="WatchOrders", code="CANCELLED")
        )
        assert await requests("CreateOrder", "OK") == 3
        assert await requests("CreateOrder", "INVALID_ARGUMENT") == 1
        assert await requests("CreateOrder", "INTERNAL") == 0
        assert await requests("GetOrder", "NOT_FOUND") == 1
        assert await requests("ListOrders", "OK") == 0
        assert await count_within("CreateOrder", "OK", "+Inf") == 3
        assert await count_within("GetOrder", "NOT_FOUND", "+Inf") == 1
        assert await count_within("WatchOrders", "CANCELLED", "+Inf") is None
        seconds = await page.read_metric("wms_server_request_seconds_sum", method="CreateOrder", code="OK")
        assert 0 < (seconds or 0) < 3 * 10


async def is_result(sql: Sql, query: str, value: object) -> bool:
    """Return whether a query has this result."""
    return bool(await sql.fetchval(query) == value)


async def test_every_metric_is_documented(database_url: str) -> None:
    """The operations guide has one row for each metric of the service, and no other rows."""
    port = find_free_port()
    async with open_worker(database_url) as worker, open_api(database_url, http_addr=f"127.0.0.1:{port}"):
        pages = [(await process.get_page("/metrics"))[1] for process in (worker, Worker(port))]
    exported = set(re.findall(r"^# TYPE (wms_\w+) ", "".join(pages), re.MULTILINE))
    explained = set(re.findall(r"^\| `(wms_\w+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE))
    assert explained == exported

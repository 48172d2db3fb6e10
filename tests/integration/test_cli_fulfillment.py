"""`wms-orders runs`, `events` and `health`: what the worker does, and whether all is well."""

import re
import signal

import pytest

from tests.support.api import Api
from tests.support.cli import done, run
from tests.support.invariants import Sql
from tests.support.orders import created
from tests.support.processes import FULFILLMENT, Processes
from tests.support.proxy import open_proxy
from tests.support.relay import park
from tests.support.waiting import eventually
from wms.orders.v1 import fulfillment_pb2 as pb

pytestmark = pytest.mark.one_postgres


async def test_a_cycle_is_asked_for_and_followed(api: Api, processes: Processes, database_url: str) -> None:
    """Refused while nobody acts; with a worker it runs, and tells what it did step by step."""
    refused = await run(api.address, "runs", "start")
    assert refused.code == 1
    assert "NO_ACTIVE_WORKER" in refused.complaint
    worker = processes.worker(database_url, worker_id="worker-1")
    await worker.serving(FULFILLMENT)
    run_id = (await done(api.address, "runs", "start", "--warehouse", "WH-01"))["run"]["runId"]

    async def completed() -> bool:
        asked = pb.GetFulfillmentRunRequest(run_id=run_id)
        found = (await api.fulfillment.GetFulfillmentRun(asked)).run
        return found.status == pb.FULFILLMENT_RUN_STATUS_COMPLETED

    await eventually(completed)
    assert (await done(api.address, "runs", "show", run_id))["run"]["workerId"] == "worker-1"
    shown = await run(api.address, "runs", "show", run_id)
    assert "plan_waves" in shown.text
    listed = await run(api.address, "runs", "list", "--requested", "--status", "completed")
    assert run_id in listed.text
    assert (await done(api.address, "runs", "list", "--requested"))["runs"][0]["runId"] == run_id
    assert (await run(api.address, "runs", "show", "RUN-0")).code == 3


async def test_parked_events_are_seen_and_released(api: Api, sql: Sql) -> None:
    """With what Kafka said; an id that is none is told so."""
    order_id = (await created(api)).order_id
    await park(sql, order_id)
    listed = await run(api.address, "events", "parked", "--order", order_id)
    assert "wms.order.received" in listed.text
    assert "MessageSizeTooLarge" in listed.text
    event_id = (await done(api.address, "events", "parked"))["events"][0]["event"]["eventId"]
    assert (await done(api.address, "events", "release", event_id))["event"]["event"]["orderId"] == order_id
    assert await sql.fetchval("SELECT count(*) FROM parked_events WHERE released_at IS NOT NULL") == 1
    absent = await run(api.address, "events", "release", "no-such-event")
    assert absent.code == 3
    assert "events parked" in absent.complaint


async def test_health_is_told_of_servers_and_workers(database_url: str, processes: Processes) -> None:
    """Who acts; and exit code 1 when a server has lost its database."""
    worker = processes.worker(database_url, worker_id="worker-1")
    server = processes.server(database_url)
    await worker.serving(FULFILLMENT)
    await server.serving()
    shown = await run(server.address, "health")
    assert shown.code == 0
    words = [line.split() for line in shown.text.splitlines()]
    assert ["ready", "serving"] in words
    assert ["fulfillment", "worker-1"] in [line[:2] for line in words]
    assert ["relay", "nobody"] in words
    both = await run("127.0.0.1:1", "health", server.address, worker.address, "--output", "json")
    assert both.code == 0
    first, second = both.json["targets"]
    assert first["roles"]["fulfillment"]["workerId"] == "worker-1"
    readiness = second.pop("readiness")
    assert (readiness["status"], readiness["kafka"]) == ("ready", {"state": "no_relay"})
    assert second == {
        "address": worker.address,
        "reachable": True,
        "checks": {"ready": "SERVING", "alive": "SERVING", "acts as fulfillment": "SERVING"},
        "roles": None,
        "problem": None,
    }


async def test_health_says_why_a_server_can_not_tell_who_acts(
    database_url: str, processes: Processes
) -> None:
    """Its database is gone: it is alive and not ready, which is exit code 1."""
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url)
        await server.serving()
        await proxy.cut()
        await server.not_serving()
        ended = await run(server.address, "health")
    assert ended.code == 1
    assert re.search(r"ready +not_serving +the database can't be written to", ended.text)
    assert re.search(r"roles +unknown +DATABASE_UNAVAILABLE", ended.text)
    assert "can't tell who acts. DATABASE_UNAVAILABLE: " in ended.complaint


async def test_a_server_that_is_draining_is_not_well(database_url: str, processes: Processes) -> None:
    """It is alive and not ready: exit code 1."""
    server = processes.server(database_url, drain_delay="30s")
    await server.serving()
    server.signal(signal.SIGTERM)
    await server.not_serving()
    ended = await run(server.address, "health")
    assert ended.code == 1
    assert "not_serving" in ended.text

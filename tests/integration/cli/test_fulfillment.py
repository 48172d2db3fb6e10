"""`wms-orders runs`, `events` and `health`."""

import re
import signal

import pytest
from tests.support.builders.orders import place_order
from tests.support.clients.cli import run_command, run_json_command
from tests.support.clients.grpc_api import Api
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.database import SqlConnection
from tests.support.processes.processes import FULFILLMENT_HEALTH, Processes
from tests.support.processes.relays import park_first_events
from tests.support.waiting import eventually

from wms.orders.v1 import fulfillment_pb2 as pb

pytestmark = pytest.mark.one_postgres


async def test_a_run_is_requested_and_shown(api: Api, processes: Processes, database_url: str) -> None:
    """Rejected without an active worker. With a worker the run is done, and its steps are shown."""
    rejection = await run_command(api.address, "runs", "start")
    assert rejection.exit_code == 1
    assert "NO_ACTIVE_WORKER" in rejection.stderr_text
    worker = processes.worker(database_url, worker_id="worker-1")
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    run_id = (await run_json_command(api.address, "runs", "start", "--warehouse", "WH-01"))["run"]["runId"]

    async def is_completed() -> bool:
        request = pb.GetFulfillmentRunRequest(run_id=run_id)
        run = (await api.fulfillment.GetFulfillmentRun(request)).run
        return run.status == pb.FULFILLMENT_RUN_STATUS_COMPLETED

    await eventually(is_completed)
    assert (await run_json_command(api.address, "runs", "show", run_id))["run"]["workerId"] == "worker-1"
    result = await run_command(api.address, "runs", "show", run_id)
    assert "plan_waves" in result.stdout_text
    listed = await run_command(api.address, "runs", "list", "--requested", "--status", "completed")
    assert run_id in listed.stdout_text
    assert (await run_json_command(api.address, "runs", "list", "--requested"))["runs"][0]["runId"] == run_id
    assert (await run_command(api.address, "runs", "show", "RUN-0")).exit_code == 3


async def test_parked_events_are_listed_and_released(api: Api, sql: SqlConnection) -> None:
    """With the error of Kafka. An invalid id is reported."""
    order_id = (await place_order(api)).order_id
    await park_first_events(sql, order_id)
    listed = await run_command(api.address, "events", "parked", "--order", order_id)
    assert "wms.order.received" in listed.stdout_text
    assert "MessageSizeTooLarge" in listed.stdout_text
    event_id = (await run_json_command(api.address, "events", "parked"))["events"][0]["event"]["eventId"]
    assert (await run_json_command(api.address, "events", "release", event_id))["event"]["event"][
        "orderId"
    ] == order_id
    assert await sql.fetchval("SELECT count(*) FROM parked_events WHERE released_at IS NOT NULL") == 1
    absent = await run_command(api.address, "events", "release", "no-such-event")
    assert absent.exit_code == 3
    assert "events parked" in absent.stderr_text


async def test_health_shows_servers_and_workers(database_url: str, processes: Processes) -> None:
    """With the active workers. The exit code is 1 when a server has lost its database."""
    worker = processes.worker(database_url, worker_id="worker-1")
    server = processes.server(database_url)
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    await server.wait_until_serving()
    result = await run_command(server.address, "health")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout_text.splitlines()]
    assert ["ready", "serving"] in rows
    assert ["fulfillment", "worker-1"] in [line[:2] for line in rows]
    assert ["relay", "none"] in rows
    json_result = await run_command(
        "127.0.0.1:1", "health", server.address, worker.address, "--output", "json"
    )
    assert json_result.exit_code == 0
    first, second = json_result.stdout_json["targets"]
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


async def test_health_reports_why_the_roles_are_unknown(database_url: str, processes: Processes) -> None:
    """The database is down: the server is live and not ready, which is exit code 1."""
    async with open_proxy(database_url) as proxy:
        server = processes.server(proxy.url)
        await server.wait_until_serving()
        await proxy.cut()
        await server.wait_until_not_serving()
        result = await run_command(server.address, "health")
    assert result.exit_code == 1
    assert re.search(r"ready +not_serving +the database can't be written to", result.stdout_text)
    assert re.search(r"roles +unknown +DATABASE_UNAVAILABLE", result.stdout_text)
    assert "can't list the holders of the roles. DATABASE_UNAVAILABLE: " in result.stderr_text


async def test_a_draining_server_is_not_healthy(database_url: str, processes: Processes) -> None:
    """It is live and not ready: exit code 1."""
    server = processes.server(database_url, drain_delay="30s")
    await server.wait_until_serving()
    server.send_signal(signal.SIGTERM)
    await server.wait_until_not_serving()
    result = await run_command(server.address, "health")
    assert result.exit_code == 1
    assert "not_serving" in result.stdout_text

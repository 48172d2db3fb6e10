"""SIGTERM under load: every call gets a response, and acknowledged orders are in Postgres (invariant I1)."""

import asyncio
import signal
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.builders.requests import create_order
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.processes.processes import Processes, open_client
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres


@dataclass(slots=True)
class _Responses:
    """The responses to a client, by order id."""

    acknowledged: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of an error, or its details when no server sent it."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            info = ErrorInfo()
            Status.FromString(value).details[0].Unpack(info)  # type: ignore[arg-type]
            return info.reason
    return f"{error.code().name}: {error.details()}"


async def _place_until(api: Api, responses: _Responses, stopped: asyncio.Event, *, stubborn: bool) -> None:
    """Place orders. On SHUTTING_DOWN change to another server, unless `stubborn`."""
    while not stopped.is_set():
        order_id = f"ORD-{uuid.uuid4()}"
        try:
            await api.orders.CreateOrder(create_order(order_id=order_id), timeout=10)
        except grpc.aio.AioRpcError as error:
            reason = _reason(error)
            never_sent = "failed to connect" in reason.lower() or "connection refused" in reason.lower()
            responses.reasons.add("REFUSED" if never_sent else reason)
            clear = never_sent or reason == "SHUTTING_DOWN"
            (responses.rejected if clear else responses.unknown).append(order_id)
            if clear and not stubborn:
                return
            await asyncio.sleep(0.01)
        else:
            responses.acknowledged.append(order_id)


@pytest.mark.parametrize("stubborn", [False, True], ids=["polite", "stubborn"])
async def test_a_server_stopped_under_load_answers_every_call(
    processes: Processes, database_url: str, sql: SqlConnection, stubborn: bool
) -> None:
    """A call is done and acknowledged, or rejected and not done. An open health watch does not delay the end.

    Callers that ignore SHUTTING_DOWN may see calls that gRPC cancels without a reason. These are not done
    either.
    """
    server = processes.server(database_url)
    await server.wait_until_serving()
    responses, stopped = _Responses(), asyncio.Event()
    async with open_client(server.address) as api:
        stub: Any = health_pb2_grpc.HealthStub(api.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        callers = [
            asyncio.create_task(_place_until(api, responses, stopped, stubborn=stubborn)) for _ in range(60)
        ]

        async def is_warm() -> bool:
            return len(responses.acknowledged) > 300

        await eventually(is_warm)
        stopwatch = Stopwatch()
        assert await server.terminate_and_wait() == 0
        assert stopwatch.seconds < 5
        stopped.set()
        await asyncio.gather(*callers)
        watch.cancel()
    expected = {"SHUTTING_DOWN", "REFUSED"} | ({"CANCELLED: CANCELLED"} if stubborn else set())
    assert responses.reasons <= expected
    not_done = responses.rejected + responses.unknown
    violations = await find_violations(sql, acknowledged_ids=responses.acknowledged, rejected_ids=not_done)
    assert violations == []
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(responses.acknowledged)


async def test_an_in_flight_call_is_finished(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """It waits for a row lock when the signal arrives. It gets its response, then the server exits."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            call = api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="late"))
            waiting = asyncio.ensure_future(call)
            await eventually(lambda: _waits_for_a_lock(sql))
            server.send_signal(signal.SIGTERM)
            await eventually(lambda: _draining(server.log_entries))
        response = await waiting
        assert response.order.cancel_reason == "late"
    assert await server.wait_for_exit(within=5) == 0


@pytest.mark.slow
async def test_a_call_that_never_ends_delays_the_shutdown_by_its_grace(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """After DRAIN_GRACE it is cancelled, and writes nothing."""
    server = processes.server(database_url, drain_grace="300ms", database_statement_timeout="30s")
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            call = api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="late"))
            waiting = asyncio.ensure_future(call)
            await eventually(lambda: _waits_for_a_lock(sql))
            assert await server.terminate_and_wait(within=8) == 0
            assert server.find_log_entries("drain_timed_out")
        with suppress(grpc.aio.AioRpcError):
            await waiting
    assert await sql.fetchval("SELECT status FROM orders") == "received"


async def test_a_server_is_not_ready_before_it_rejects_calls(processes: Processes, database_url: str) -> None:
    """For DRAIN_DELAY a load balancer sees that it drains, while it serves calls."""
    server = processes.server(database_url, drain_delay="30s")
    await server.wait_until_serving()
    async with open_client(server.address) as api:
        server.send_signal(signal.SIGTERM)
        await server.wait_until_not_serving()
        assert (await api.orders.CreateOrder(create_order())).order.order_id
    server.send_signal(signal.SIGTERM)
    assert await server.wait_for_exit() == 0


async def test_several_signals_shut_down_like_the_first(processes: Processes, database_url: str) -> None:
    """Sooner, and as cleanly."""
    server = processes.server(database_url, drain_delay="500ms")
    await server.wait_until_serving()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        server.send_signal(number)
    assert await server.wait_for_exit() == 0
    assert "Traceback" not in server.output_text


async def _waits_for_a_lock(sql: SqlConnection) -> bool:
    waiting: int = await sql.fetchval("""
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'""")
    return waiting > 0


async def _draining(entries: list[dict[str, object]]) -> bool:
    return any(entry["event"] == "draining" for entry in entries)

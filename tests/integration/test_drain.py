"""SIGTERM under load: every call gets its answer, and what was acknowledged is in Postgres (I1)."""

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

from tests.support.api import Api
from tests.support.invariants import Sql, breaches
from tests.support.processes import Processes, open_client
from tests.support.requests import create_order
from tests.support.waiting import Stopwatch, eventually
from wms.orders.v1 import orders_pb2

pytestmark = pytest.mark.one_postgres


@dataclass(slots=True)
class _Answers:
    """What a client was told, by order id."""

    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Give the reason of an error, or its details when it comes from no server."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            info = ErrorInfo()
            Status.FromString(value).details[0].Unpack(info)  # type: ignore[arg-type]
            return info.reason
    return f"{error.code().name}: {error.details()}"


async def _place_until(api: Api, answers: _Answers, over: asyncio.Event, *, stubborn: bool) -> None:
    """Place orders; leave for another server when this one says that it shuts down, unless stubborn."""
    while not over.is_set():
        order_id = f"ORD-{uuid.uuid4()}"
        try:
            await api.orders.CreateOrder(create_order(order_id=order_id), timeout=10)
        except grpc.aio.AioRpcError as error:
            reason = _reason(error)
            never_sent = "failed to connect" in reason.lower() or "connection refused" in reason.lower()
            answers.reasons.add("REFUSED" if never_sent else reason)
            clear = never_sent or reason == "SHUTTING_DOWN"
            (answers.refused if clear else answers.unknown).append(order_id)
            if clear and not stubborn:
                return
            await asyncio.sleep(0.01)
        else:
            answers.acknowledged.append(order_id)


@pytest.mark.parametrize("stubborn", [False, True], ids=["polite", "stubborn"])
async def test_a_server_that_is_stopped_under_load_answers_every_call(
    processes: Processes, database_url: str, sql: Sql, stubborn: bool
) -> None:
    """A call is done and acknowledged, or refused and not done; an open health watch holds nothing up.

    Callers who go on calling a server that told them to leave may see some of these calls cancelled by gRPC's
    own end, which names no reason; of those, too, nothing is done.
    """
    server = processes.server(database_url)
    await server.serving()
    answers, over = _Answers(), asyncio.Event()
    async with open_client(server.address) as api:
        stub: Any = health_pb2_grpc.HealthStub(api.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        callers = [
            asyncio.create_task(_place_until(api, answers, over, stubborn=stubborn)) for _ in range(60)
        ]

        async def warm() -> bool:
            return len(answers.acknowledged) > 300

        await eventually(warm)
        stopwatch = Stopwatch()
        assert await server.stopped() == 0
        assert stopwatch.seconds < 5
        over.set()
        await asyncio.gather(*callers)
        watch.cancel()
    expected = {"SHUTTING_DOWN", "REFUSED"} | ({"CANCELLED: CANCELLED"} if stubborn else set())
    assert answers.reasons <= expected
    not_done = answers.refused + answers.unknown
    found = await breaches(sql, acknowledged=answers.acknowledged, refused=not_done)
    assert found == []
    assert await sql.fetchval("SELECT count(*) FROM orders") == len(answers.acknowledged)


async def test_a_call_at_work_is_finished(processes: Processes, database_url: str, sql: Sql) -> None:
    """It waits for a row when the signal comes; it still gets its answer, then the server ends."""
    server = processes.server(database_url)
    await server.serving()
    async with open_client(server.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            call = api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="late"))
            waiting = asyncio.ensure_future(call)
            await eventually(lambda: _waits_for_a_lock(sql))
            server.signal(signal.SIGTERM)
            await eventually(lambda: _draining(server.entries))
        answer = await waiting
        assert answer.order.cancel_reason == "late"
    assert await server.ended(within=5) == 0


@pytest.mark.slow
async def test_a_call_that_never_ends_holds_the_server_up_for_its_grace_only(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """After DRAIN_GRACE it is cut off; nothing of it is written."""
    server = processes.server(database_url, drain_grace="300ms", database_statement_timeout="30s")
    await server.serving()
    async with open_client(server.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with sql.transaction():
            await sql.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            call = api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="late"))
            waiting = asyncio.ensure_future(call)
            await eventually(lambda: _waits_for_a_lock(sql))
            assert await server.stopped(within=8) == 0
            assert server.said("drain_cut_off")
        with suppress(grpc.aio.AioRpcError):
            await waiting
    assert await sql.fetchval("SELECT status FROM orders") == "received"


async def test_a_server_is_unready_before_it_refuses(processes: Processes, database_url: str) -> None:
    """For DRAIN_DELAY a load balancer sees that it goes while it still serves those that come."""
    server = processes.server(database_url, drain_delay="30s")
    await server.serving()
    async with open_client(server.address) as api:
        server.signal(signal.SIGTERM)
        await server.not_serving()
        assert (await api.orders.CreateOrder(create_order())).order.order_id
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0


async def test_many_signals_end_it_as_one_does(processes: Processes, database_url: str) -> None:
    """Impatience ends it sooner, and as cleanly."""
    server = processes.server(database_url, drain_delay="500ms")
    await server.serving()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        server.signal(number)
    assert await server.ended() == 0
    assert "Traceback" not in server.text


async def _waits_for_a_lock(sql: Sql) -> bool:
    waiting: int = await sql.fetchval("""
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'""")
    return waiting > 0


async def _draining(entries: list[dict[str, object]]) -> bool:
    return any(entry["event"] == "draining" for entry in entries)

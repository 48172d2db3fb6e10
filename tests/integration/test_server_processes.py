"""A server of several processes: they share ports and load, end together, and lose nothing."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import asyncpg
import grpc
import pytest

from tests.support.event_log import make_orders, write_and_commit
from tests.support.invariants import Sql
from tests.support.locks import order_locked, until_waiting
from tests.support.processes import Processes, open_client
from tests.support.requests import create_order
from tests.support.several import Callers, Several
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_dev.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


# Sharing


async def test_two_processes_share_what_comes(processes: Processes, database_url: str) -> None:
    """Connections to one port are spread over both."""
    server, callers = Several(processes, database_url), Callers()
    await server.serving()
    async with callers.calling(server.supervisor.address, 16):

        async def both_are_connected() -> bool:
            return all(server.connections(child) for child in server.children)

        await eventually(both_are_connected, 60.0)
        await callers.get_on()
    assert await server.stopped() == 0


async def test_one_of_two_processes_makes_the_schema(processes: Processes, empty_database_url: str) -> None:
    """The other one waits for it."""
    server = Several(processes, empty_database_url)
    await server.serving()
    made = [bool(entry["applied"]) for entry in server.supervisor.said("schema_ready")]
    assert sorted(made) == [False, True]
    assert await server.stopped() == 0


async def test_events_are_put_in_order_while_the_first_process_is_gone(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """The second one looks for them too."""
    server = Several(processes, database_url)
    await server.serving()
    os.kill(server.newest(0), signal.SIGSTOP)
    try:
        await make_orders(sql, ["ORD-1"])
        await write_and_commit(sql, "ORD-1", 1)

        async def in_the_log() -> bool:
            return bool(await sql.fetchval("SELECT count(*) = 1 FROM order_events"))

        await eventually(in_the_log, 60.0)
    finally:
        os.kill(server.newest(0), signal.SIGCONT)
    assert await server.stopped() == 0


async def test_a_server_of_one_process_is_that_process(processes: Processes, database_url: str) -> None:
    """SERVER_PROCESSES=1 starts nothing else, and says 1 of itself."""
    server = Several(processes, database_url, server_processes="1")
    await server.serving()
    assert server.started == []
    assert await server.metric("wms_server_processes") == 1
    assert await server.metric("wms_server_process_restarts_total") == 0
    assert await server.stopped() == 0


async def test_metrics_are_those_of_all_processes(processes: Processes, database_url: str) -> None:
    """Whichever process is asked. What a dead one was doing is forgotten, what it has counted is not."""
    server = Several(processes, database_url)
    await server.serving()
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(_watch(server.supervisor.address)) for _ in range(12)]

        async def all_counted() -> bool:
            asked = [await server.metric("wms_server_watchers", stream="orders") for _ in range(8)]
            return asked == [12] * 8

        await eventually(all_counted, 60.0)
        assert await server.metric("wms_server_processes") == 2
        used = await server.metric("process_cpu_seconds_total")
        for child in server.children:
            os.kill(child.pid, signal.SIGKILL)
        await asyncio.wait(watching)
    await eventually(lambda: _replaced(server, 2), 60.0)
    await server.serving()
    assert await server.metric("wms_server_watchers", stream="orders") == 0
    assert await server.metric("wms_server_processes") == 2
    assert await server.metric("wms_server_process_restarts_total") == 2
    assert (await server.metric("process_cpu_seconds_total") or 0) > (used or 0) > 0


async def test_calls_are_counted_once_whichever_process_serves_them(
    processes: Processes, database_url: str
) -> None:
    """The counts and the times of all processes are summed; those of dead ones stay, and none is lost."""
    server = Several(processes, database_url)
    await server.serving()
    done = 0

    async def create(count: int) -> None:
        for _ in range(count):
            async with open_client(server.supervisor.address) as api:
                await api.orders.CreateOrder(create_order())

    async def counted() -> bool:
        labels = {"method": "CreateOrder", "code": "OK"}
        counts = [await server.metric("wms_server_requests_total", **labels) for _ in range(8)]
        times = await server.metric("wms_server_request_seconds_bucket", le="+Inf", **labels)
        return counts == [done] * 8 and times == done

    await create(20)
    done = 20
    await eventually(counted)
    for child in server.children:
        os.kill(child.pid, signal.SIGKILL)
    await eventually(lambda: _replaced(server, 2), 60.0)
    await server.serving()
    await create(10)
    done = 30
    await eventually(counted)


async def _watch(address: str) -> None:
    """Watch orders until the server is gone."""
    async with open_client(address) as api:
        with suppress(grpc.aio.AioRpcError):
            async for _ in api.orders.WatchOrders(orders_pb2.WatchOrdersRequest()):
                pass


async def _replaced(server: Several, count: int) -> bool:
    return len(server.replaced) == count and len(server.children) == 2


# A process ends


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
async def test_a_process_that_ends_under_load_is_replaced(
    processes: Processes, database_url: str, sql: Sql, ending: signal.Signals
) -> None:
    """Callers who try again go on, at another process or the new one; what was acknowledged is there."""
    server, callers = Several(processes, database_url), Callers()
    await server.serving()
    first = server.children[0].pid
    async with callers.calling(server.supervisor.address, 16):
        await callers.get_on()
        os.kill(first, ending)
        await eventually(lambda: _replaced(server, 1), 60.0)
        await callers.get_on()
        await server.serving()
        await callers.get_on()
    assert await callers.lost(sql) == set()
    (ended,) = server.supervisor.said("process_ended")
    assert (ended["ended"], ended["pause"]) == (first, 0)
    assert ended["cause"] == {signal.SIGKILL: "SIGKILL", signal.SIGTERM: "exit code 0"}[ending]
    assert server.said_by(first, "stopped") == (ending == signal.SIGTERM)
    assert await server.stopped() == 0


async def test_a_process_that_hangs_is_replaced(processes: Processes, database_url: str) -> None:
    """The kernel would go on to give it its share of the connections."""
    server, callers = Several(processes, database_url), Callers()
    await server.serving()
    first = server.children[0].pid
    os.kill(first, signal.SIGSTOP)
    await eventually(lambda: _replaced(server, 1), 90.0)
    (hanging,) = server.supervisor.said("process_hangs")
    (ended,) = server.supervisor.said("process_ended")
    assert (hanging["hanging"], ended["ended"], ended["cause"]) == (first, first, "SIGKILL")
    await server.serving()
    async with callers.calling(server.supervisor.address, 16):
        await callers.get_on()
    assert await server.stopped() == 0


async def test_a_process_that_keeps_dying_is_started_ever_more_seldom(
    processes: Processes, database_url: str
) -> None:
    """At once the first time, then after pauses that grow; the other one serves and counts meanwhile."""
    server = Several(processes, database_url)
    await server.serving()
    for times in range(1, 6):
        os.kill(server.newest(0), signal.SIGKILL)
        await eventually(lambda times=times: _ended(server, times), 60.0)  # type: ignore[misc]
        if times < 5:
            await eventually(lambda times=times: _replaced(server, times), 60.0)  # type: ignore[misc]
        await server.supervisor.serving(within=60.0)

    async def one_is_counted() -> bool:
        return await server.metric("wms_server_processes") == 1

    await eventually(one_is_counted, 60.0)
    pauses = [entry["pause"] for entry in server.supervisor.said("process_ended")]
    assert pauses[0] == 0
    assert pauses[1] < pauses[3] < pauses[4]
    # It ends at once, whatever it waits for.
    assert await server.stopped() == 0


async def _ended(server: Several, count: int) -> bool:
    return len(server.replaced) == count


# All end


async def test_a_server_that_is_stopped_under_load_loses_nothing(
    processes: Processes, database_url: str, sql: Sql
) -> None:
    """Both processes drain at the same time, and nothing is left of them."""
    server, callers = Several(processes, database_url), Callers()
    await server.serving()
    children = server.children
    async with callers.calling(server.supervisor.address, 32):
        await callers.get_on(300)
        assert await server.stopped() == 0
    assert await callers.lost(sql) == set()
    assert [server.said_by(child.pid, "stopped") for child in children] == [1, 1]
    assert server.supervisor.said("drain_cut_off") == []
    await server.gone(children)


async def test_ctrl_c_drains_once(processes: Processes, database_url: str, sql: Sql) -> None:
    """The terminal sends it to the whole group; a call at work gets its answer all the same."""
    server = Several(processes, database_url)
    await server.serving()
    async with open_client(server.supervisor.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with order_locked(sql, order_id):
            call = asyncio.ensure_future(_cancel(api.orders, order_id))
            await until_waiting(sql)
            server.supervisor.interrupt()
            await eventually(lambda: _draining(server), 60.0)
        assert (await call).order.cancel_reason == "late"
    assert await server.ended() == 0
    assert [server.said_by(child.pid, "draining") for child in server.children] == [1, 1]


@pytest.mark.parametrize("count", ["1", "2"])
async def test_a_second_signal_hurries(processes: Processes, database_url: str, sql: Sql, count: str) -> None:
    """What is at work is cut off, and nothing of it is written."""
    server = Several(
        processes,
        database_url,
        server_processes=count,
        drain_grace="1h",
        database_statement_timeout="1h",
        deadline_cap="1h",
    )
    await server.serving()
    async with open_client(server.supervisor.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with order_locked(sql, order_id):
            call = asyncio.ensure_future(_cancel(api.orders, order_id))
            await until_waiting(sql)
            server.supervisor.signal(signal.SIGTERM)
            await eventually(lambda: _draining(server, int(count)), 60.0)
            server.supervisor.signal(signal.SIGTERM)
            assert await server.ended() == 0
            assert len(server.supervisor.said("drain_cut_off")) == 1
        with suppress(grpc.aio.AioRpcError):
            await call
    assert await sql.fetchval("SELECT status FROM orders") == "received"


async def _cancel(orders: object, order_id: str) -> orders_pb2.CancelOrderResponse:
    request = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late")
    answer: orders_pb2.CancelOrderResponse = await orders.CancelOrder(request)  # type: ignore[attr-defined]
    return answer


async def _draining(server: Several, count: int = 2) -> bool:
    return len(server.supervisor.said("draining")) == count


async def test_nothing_outlives_a_supervisor_that_is_killed(
    processes: Processes, database_url: str, tmp_path: Path
) -> None:
    """Its processes drain by themselves, the ports are free, and no file is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    server = Several(processes, database_url, tmpdir=str(folder))
    await server.serving()
    children = server.children
    server.supervisor.signal(signal.SIGKILL)
    await server.gone(children)
    assert [server.said_by(child.pid, "stopped") for child in children] == [1, 1]
    assert list(folder.iterdir()) == []


# What it refuses


@pytest.mark.parametrize("variable", ["SERVER_ADDR", "HTTP_ADDR"])
@pytest.mark.parametrize("options", [(), (socket.SO_REUSEPORT,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
async def test_a_port_that_a_stranger_has_is_refused(
    processes: Processes, database_url: str, variable: str, options: tuple[int, ...]
) -> None:
    """Also when the stranger is ready to share it; no process is started."""
    with socket.socket() as taken:
        for option in options:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = Several(processes, database_url, **{variable.lower(): address})
        assert await server.ended() == 1
    assert f"The server can't start: {variable}={address} is in use" in server.supervisor.text
    assert "Traceback" not in server.supervisor.text
    assert "process_started" not in server.supervisor.text


@pytest.mark.parametrize("count", ["1", "2"])
async def test_a_second_server_is_refused(processes: Processes, database_url: str, count: str) -> None:
    """Whether it wants several processes or one; the first one goes on."""
    first = Several(processes, database_url)
    await first.serving()
    second = Several(processes, database_url, first.supervisor.address, server_processes=count)
    assert await second.ended() == 1
    assert f"SERVER_ADDR={first.supervisor.address} is in use" in second.supervisor.text
    await first.supervisor.serving()


async def test_of_two_servers_that_start_at_once_one_is_refused(
    processes: Processes, database_url: str
) -> None:
    """They never share the port."""
    address = f"127.0.0.1:{free_port()}"
    servers = [Several(processes, database_url, address) for _ in range(3)]
    refused = asyncio.gather(*(_refused(server) for server in servers))
    (winner,) = [server for server, was in zip(servers, await refused, strict=True) if not was]
    await winner.serving()
    assert await winner.stopped() == 0


async def _refused(server: Several) -> bool:
    """Wait until a server either serves or is refused."""
    told = ("process_started", "is in use")
    said = await eventually(lambda: _said_any(server, told), 60.0)
    return said == "is in use"


async def _said_any(server: Several, words: tuple[str, ...]) -> str:
    return next((word for word in words if word in server.supervisor.text), "")


async def test_a_database_that_can_not_be_used_as_the_url_says_ends_all_at_once(
    processes: Processes, postgres: str
) -> None:
    """With the reason, and without trying again and again: there are no certificates to verify it by."""
    server = Several(processes, f"{postgres}?sslmode=verify-ca")
    assert await server.ended() == 1
    assert "The server can't start: the database of DATABASE_URL can't be used" in server.supervisor.text
    assert "process_ended" not in server.supervisor.text
    assert server.supervisor.text.count('"process_started"') == 2


async def test_a_schema_of_a_later_version_ends_all_processes(
    processes: Processes, database_url: str
) -> None:
    """It is as little a ground for starting again."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    finally:
        await connection.close()
    server = Several(processes, database_url)
    assert await server.ended() == 1
    assert "9999" in server.supervisor.text
    assert "process_ended" not in server.supervisor.text


async def test_processes_are_alive_while_there_is_no_database(processes: Processes) -> None:
    """They wait for it, each by itself, and are ended as ever."""
    server = Several(processes, f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    await server.supervisor.serving("liveness", 60.0)
    assert not await server.supervisor.is_serving()
    assert await server.stopped() == 0

"""A server of several processes: they share ports and load, shut down together, and lose nothing."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import asyncpg
import grpc
import pytest

from tests.support.builders.requests import create_order
from tests.support.faults.row_locks import hold_order_lock, wait_for_lock_waiters
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events, make_orders
from tests.support.processes.processes import Processes, open_client
from tests.support.processes.server_group import ConcurrentCallers, ServerGroup
from tests.support.waiting import eventually
from wms.orders.v1 import orders_pb2
from wms_dev.free_port import find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]


# Sharing


async def test_two_processes_share_connections(processes: Processes, database_url: str) -> None:
    """Connections to the same port are spread over both."""
    server, callers = ServerGroup(processes, database_url), ConcurrentCallers()
    await server.wait_until_serving()
    async with callers.place_orders_concurrently(server.supervisor.address, 16):

        async def both_are_connected() -> bool:
            return all(server.count_connections(child) for child in server.children)

        await eventually(both_are_connected, 60.0)
        await callers.wait_for_progress()
    assert await server.terminate_and_wait() == 0


async def test_one_of_two_processes_runs_the_migrations(
    processes: Processes, empty_database_url: str
) -> None:
    """The other one waits for it."""
    server = ServerGroup(processes, empty_database_url)
    await server.wait_until_serving()
    has_migrated = [bool(entry["applied"]) for entry in server.supervisor.find_log_entries("schema_ready")]
    assert sorted(has_migrated) == [False, True]
    assert await server.terminate_and_wait() == 0


async def test_events_are_sequenced_while_the_first_process_is_gone(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """The second process has a sequencer, too."""
    server = ServerGroup(processes, database_url)
    await server.wait_until_serving()
    os.kill(server.find_newest_pid(0), signal.SIGSTOP)
    try:
        await make_orders(sql, ["ORD-1"])
        await commit_events(sql, "ORD-1", 1)

        async def is_in_event_log() -> bool:
            return bool(await sql.fetchval("SELECT count(*) = 1 FROM order_events"))

        await eventually(is_in_event_log, 60.0)
    finally:
        os.kill(server.find_newest_pid(0), signal.SIGCONT)
    assert await server.terminate_and_wait() == 0


async def test_a_server_of_one_process_is_that_process(processes: Processes, database_url: str) -> None:
    """SERVER_PROCESSES=1 starts no child process, and the metric counts one process."""
    server = ServerGroup(processes, database_url, server_processes="1")
    await server.wait_until_serving()
    assert server.started_pids == []
    assert await server.read_metric("wms_server_processes") == 1
    assert await server.read_metric("wms_server_process_restarts_total") == 0
    assert await server.terminate_and_wait() == 0


async def test_metrics_cover_all_processes(processes: Processes, database_url: str) -> None:
    """From any of the processes. Gauges of a dead process are dropped, its counters are kept."""
    server = ServerGroup(processes, database_url)
    await server.wait_until_serving()
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(_watch(server.supervisor.address)) for _ in range(12)]

        async def are_all_counted() -> bool:
            values = [await server.read_metric("wms_server_watchers", stream="orders") for _ in range(8)]
            return values == [12] * 8

        await eventually(are_all_counted, 60.0)
        assert await server.read_metric("wms_server_processes") == 2
        used = await server.read_metric("process_cpu_seconds_total")
        for child in server.children:
            os.kill(child.pid, signal.SIGKILL)
        await asyncio.wait(watching)
    await eventually(lambda: _is_replaced(server, 2), 60.0)
    await server.wait_until_serving()
    assert await server.read_metric("wms_server_watchers", stream="orders") == 0
    assert await server.read_metric("wms_server_processes") == 2
    assert await server.read_metric("wms_server_process_restarts_total") == 2
    assert (await server.read_metric("process_cpu_seconds_total") or 0) > (used or 0) > 0


async def test_each_call_is_counted_once_over_all_processes(processes: Processes, database_url: str) -> None:
    """Counters and durations of all processes are summed, including those of dead processes."""
    server = ServerGroup(processes, database_url)
    await server.wait_until_serving()
    done = 0

    async def create(count: int) -> None:
        for _ in range(count):
            async with open_client(server.supervisor.address) as api:
                await api.orders.CreateOrder(create_order())

    async def are_counted() -> bool:
        labels = {"method": "CreateOrder", "code": "OK"}
        counts = [await server.read_metric("wms_server_requests_total", **labels) for _ in range(8)]
        times = await server.read_metric("wms_server_request_seconds_bucket", le="+Inf", **labels)
        return counts == [done] * 8 and times == done

    await create(20)
    done = 20
    await eventually(are_counted)
    for child in server.children:
        os.kill(child.pid, signal.SIGKILL)
    await eventually(lambda: _is_replaced(server, 2), 60.0)
    await server.wait_until_serving()
    await create(10)
    done = 30
    await eventually(are_counted)


async def _watch(address: str) -> None:
    """Watch orders until the server is gone."""
    async with open_client(address) as api:
        with suppress(grpc.aio.AioRpcError):
            async for _ in api.orders.WatchOrders(orders_pb2.WatchOrdersRequest()):
                pass


async def _is_replaced(server: ServerGroup, count: int) -> bool:
    return len(server.ended_pids) == count and len(server.children) == 2


# Restart of a process


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
async def test_a_process_that_ends_under_load_is_replaced(
    processes: Processes, database_url: str, sql: SqlConnection, ending: signal.Signals
) -> None:
    """Callers that retry are served by another process or the new one. Acknowledged orders are there."""
    server, callers = ServerGroup(processes, database_url), ConcurrentCallers()
    await server.wait_until_serving()
    first = server.children[0].pid
    async with callers.place_orders_concurrently(server.supervisor.address, 16):
        await callers.wait_for_progress()
        os.kill(first, ending)
        await eventually(lambda: _is_replaced(server, 1), 60.0)
        await callers.wait_for_progress()
        await server.wait_until_serving()
        await callers.wait_for_progress()
    assert await callers.find_lost_orders(sql) == set()
    (entry,) = server.supervisor.find_log_entries("process_ended")
    assert (entry["ended"], entry["pause"]) == (first, 0)
    assert entry["cause"] == {signal.SIGKILL: "SIGKILL", signal.SIGTERM: "exit code 0"}[ending]
    assert server.count_log_entries(first, "stopped") == (ending == signal.SIGTERM)
    assert await server.terminate_and_wait() == 0


async def test_a_process_that_hangs_is_replaced(processes: Processes, database_url: str) -> None:
    """The kernel would continue to assign connections to it."""
    server, callers = ServerGroup(processes, database_url), ConcurrentCallers()
    await server.wait_until_serving()
    first = server.children[0].pid
    os.kill(first, signal.SIGSTOP)
    await eventually(lambda: _is_replaced(server, 1), 90.0)
    (hanging,) = server.supervisor.find_log_entries("process_unresponsive")
    (entry,) = server.supervisor.find_log_entries("process_ended")
    assert (hanging["hanging"], entry["ended"], entry["cause"]) == (first, first, "SIGKILL")
    await server.wait_until_serving()
    async with callers.place_orders_concurrently(server.supervisor.address, 16):
        await callers.wait_for_progress()
    assert await server.terminate_and_wait() == 0


async def test_a_process_that_dies_repeatedly_is_restarted_with_backoff(
    processes: Processes, database_url: str
) -> None:
    """Immediately the first time, then after growing delays. The other process serves meanwhile."""
    server = ServerGroup(processes, database_url)
    await server.wait_until_serving()
    for times in range(1, 6):
        os.kill(server.find_newest_pid(0), signal.SIGKILL)
        await eventually(lambda times=times: _has_ended(server, times), 60.0)  # type: ignore[misc]
        if times < 5:
            await eventually(lambda times=times: _is_replaced(server, times), 60.0)  # type: ignore[misc]
        await server.supervisor.wait_until_serving(within=60.0)

    async def is_single() -> bool:
        return await server.read_metric("wms_server_processes") == 1

    await eventually(is_single, 60.0)
    pauses = [entry["pause"] for entry in server.supervisor.find_log_entries("process_ended")]
    assert pauses[0] == 0
    assert pauses[1] < pauses[3] < pauses[4]
    # The supervisor exits immediately, also during a delay.
    assert await server.terminate_and_wait() == 0


async def _has_ended(server: ServerGroup, count: int) -> bool:
    return len(server.ended_pids) == count


# Shutdown


async def test_a_server_that_is_stopped_under_load_loses_nothing(
    processes: Processes, database_url: str, sql: SqlConnection
) -> None:
    """Both processes drain concurrently, and none is left."""
    server, callers = ServerGroup(processes, database_url), ConcurrentCallers()
    await server.wait_until_serving()
    children = server.children
    async with callers.place_orders_concurrently(server.supervisor.address, 32):
        await callers.wait_for_progress(300)
        assert await server.terminate_and_wait() == 0
    assert await callers.find_lost_orders(sql) == set()
    assert [server.count_log_entries(child.pid, "stopped") for child in children] == [1, 1]
    assert server.supervisor.find_log_entries("drain_timed_out") == []
    await server.wait_until_gone(children)


async def test_ctrl_c_drains_once(processes: Processes, database_url: str, sql: SqlConnection) -> None:
    """The terminal sends SIGINT to the whole group. An in-flight call gets its response."""
    server = ServerGroup(processes, database_url)
    await server.wait_until_serving()
    async with open_client(server.supervisor.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with hold_order_lock(sql, order_id):
            call = asyncio.ensure_future(_cancel(api.orders, order_id))
            await wait_for_lock_waiters(sql)
            server.supervisor.interrupt()
            await eventually(lambda: _is_draining(server), 60.0)
        assert (await call).order.cancel_reason == "late"
    assert await server.wait_for_exit() == 0
    assert [server.count_log_entries(child.pid, "draining") for child in server.children] == [1, 1]


@pytest.mark.parametrize("count", ["1", "2"])
async def test_a_second_signal_forces_the_shutdown(
    processes: Processes, database_url: str, sql: SqlConnection, count: str
) -> None:
    """In-flight calls are cancelled, and write nothing."""
    server = ServerGroup(
        processes,
        database_url,
        server_processes=count,
        drain_grace="1h",
        database_statement_timeout="1h",
        deadline_cap="1h",
    )
    await server.wait_until_serving()
    async with open_client(server.supervisor.address) as api:
        order_id = (await api.orders.CreateOrder(create_order())).order.order_id
        async with hold_order_lock(sql, order_id):
            call = asyncio.ensure_future(_cancel(api.orders, order_id))
            await wait_for_lock_waiters(sql)
            server.supervisor.send_signal(signal.SIGTERM)
            await eventually(lambda: _is_draining(server, int(count)), 60.0)
            server.supervisor.send_signal(signal.SIGTERM)
            assert await server.wait_for_exit() == 0
            assert len(server.supervisor.find_log_entries("drain_timed_out")) == 1
        with suppress(grpc.aio.AioRpcError):
            await call
    assert await sql.fetchval("SELECT status FROM orders") == "received"


async def _cancel(orders: object, order_id: str) -> orders_pb2.CancelOrderResponse:
    request = orders_pb2.CancelOrderRequest(order_id=order_id, reason="late")
    response: orders_pb2.CancelOrderResponse = await orders.CancelOrder(request)  # type: ignore[attr-defined]
    return response


async def _is_draining(server: ServerGroup, count: int = 2) -> bool:
    return len(server.supervisor.find_log_entries("draining")) == count


async def test_no_process_outlives_a_killed_supervisor(
    processes: Processes, database_url: str, tmp_path: Path
) -> None:
    """Its processes drain by themselves, the ports are free, and no file is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    server = ServerGroup(processes, database_url, tmpdir=str(folder))
    await server.wait_until_serving()
    children = server.children
    server.supervisor.send_signal(signal.SIGKILL)
    await server.wait_until_gone(children)
    assert [server.count_log_entries(child.pid, "stopped") for child in children] == [1, 1]
    assert list(folder.iterdir()) == []


# Rejected configurations


@pytest.mark.parametrize("variable", ["SERVER_ADDR", "HTTP_ADDR"])
@pytest.mark.parametrize("options", [(), (socket.SO_REUSEPORT,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
async def test_a_port_of_another_process_is_rejected(
    processes: Processes, database_url: str, variable: str, options: tuple[int, ...]
) -> None:
    """Also when that process allows sharing it. No child process is started."""
    with socket.socket() as listener:
        for option in options:
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(("127.0.0.1", find_free_port()))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        server = ServerGroup(processes, database_url, **{variable.lower(): address})
        assert await server.wait_for_exit() == 1
    assert f"The server can't start: {variable}={address} is in use" in server.supervisor.output_text
    assert "Traceback" not in server.supervisor.output_text
    assert "process_started" not in server.supervisor.output_text


@pytest.mark.parametrize("count", ["1", "2"])
async def test_a_second_server_is_rejected(processes: Processes, database_url: str, count: str) -> None:
    """With one process or several. The first server continues."""
    first = ServerGroup(processes, database_url)
    await first.wait_until_serving()
    second = ServerGroup(processes, database_url, first.supervisor.address, server_processes=count)
    assert await second.wait_for_exit() == 1
    assert f"SERVER_ADDR={first.supervisor.address} is in use" in second.supervisor.output_text
    await first.supervisor.wait_until_serving()


async def test_only_one_of_several_concurrent_servers_starts(processes: Processes, database_url: str) -> None:
    """They never share the port."""
    address = f"127.0.0.1:{find_free_port()}"
    servers = [ServerGroup(processes, database_url, address) for _ in range(3)]
    rejections = asyncio.gather(*(_is_rejected(server) for server in servers))
    (winner,) = [
        server for server, is_rejected in zip(servers, await rejections, strict=True) if not is_rejected
    ]
    await winner.wait_until_serving()
    assert await winner.terminate_and_wait() == 0


async def _is_rejected(server: ServerGroup) -> bool:
    """Wait until a server either starts or is rejected, and return whether it is rejected."""
    markers = ("process_started", "is in use")
    marker = await eventually(lambda: _find_marker(server, markers), 60.0)
    return marker == "is in use"


async def _find_marker(server: ServerGroup, markers: tuple[str, ...]) -> str:
    return next((marker for marker in markers if marker in server.supervisor.output_text), "")


async def test_an_unusable_database_url_ends_all_processes(processes: Processes, postgres: str) -> None:
    """With the reason and without retries: there are no certificates to verify the database by."""
    server = ServerGroup(processes, f"{postgres}?sslmode=verify-ca")
    assert await server.wait_for_exit() == 1
    assert (
        "The server can't start: the database of DATABASE_URL can't be used" in server.supervisor.output_text
    )
    assert "process_ended" not in server.supervisor.output_text
    assert server.supervisor.output_text.count('"process_started"') == 2


async def test_a_schema_of_a_later_version_ends_all_processes(
    processes: Processes, database_url: str
) -> None:
    """The processes are not restarted either."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    finally:
        await connection.close()
    server = ServerGroup(processes, database_url)
    assert await server.wait_for_exit() == 1
    assert "9999" in server.supervisor.output_text
    assert "process_ended" not in server.supervisor.output_text


async def test_processes_are_live_without_a_database(processes: Processes) -> None:
    """Each of them waits for it, and they shut down as usual."""
    server = ServerGroup(processes, f"postgresql://user@127.0.0.1:{find_free_port()}/none")
    await server.supervisor.wait_until_serving("liveness", 60.0)
    assert not await server.supervisor.is_serving()
    assert await server.terminate_and_wait() == 0

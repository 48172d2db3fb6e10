"""`wms-orders orders watch`: each event is printed once, with any interruption."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.support.builders.orders import place_order
from tests.support.clients.cli import (
    build_command,
    build_environment,
    run_command,
    start_command,
    wait_for_result,
)
from tests.support.clients.grpc_api import Api
from tests.support.processes.processes import Processes, open_client
from tests.support.waiting import with_timeout

pytestmark = pytest.mark.one_postgres


@asynccontextmanager
async def open_watch(address: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a watch in JSON from the oldest event on. Kill it at the end of the block."""
    process = await start_command(address, "orders", "watch", "--position", "0", "-o", "json", *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await wait_for_result(process)


async def read_order_id(process: asyncio.subprocess.Process) -> str:
    """Return the order id of the next event."""
    assert process.stdout is not None
    line = await with_timeout(process.stdout.readline(), 30)
    return str(json.loads(line)["orderId"])


async def read_error_line(process: asyncio.subprocess.Process) -> str:
    """Return the next line of standard error."""
    assert process.stderr is not None
    return (await with_timeout(process.stderr.readline(), 30)).decode()


async def test_events_are_printed_for_people_and_filtered(api: Api) -> None:
    """One line for each event, up to the limit."""
    orders = [(await place_order(api, customer_id=f"C{number}")).order_id for number in range(3)]
    result = await run_command(api.address, "orders", "watch", "--position", "0", "--limit", "3")
    assert result.exit_code == 0
    assert [line.split()[2] for line in result.stdout_text.splitlines()] == orders
    assert "received  new → received" in result.stdout_text
    filtered = await run_command(
        api.address,
        "orders",
        "watch",
        "--position",
        "0",
        "-n",
        "1",
        "-c",
        "C2",
        "--status",
        "received",
        "-o",
        "json",
    )
    assert [event["orderId"] for event in filtered.stdout_json_lines] == [orders[2]]


async def test_an_interrupted_watch_shows_where_to_continue(api: Api) -> None:
    """From there each further event is printed, and no printed event again."""
    first = (await place_order(api)).order_id
    async with open_watch(api.address) as process:
        assert await read_order_id(process) == first
        process.send_signal(signal.SIGINT)
        result = await wait_for_result(process)
    assert result.exit_code == 130
    position = result.stderr_text.split("--position ")[1].strip()
    second = (await place_order(api)).order_id
    more = await run_command(api.address, "orders", "watch", "--position", position, "-n", "1", "-o", "json")
    assert [event["orderId"] for event in more.stdout_json_lines] == [second]


async def test_a_watch_continues_after_a_server_restart(database_url: str, processes: Processes) -> None:
    """The interruption is reported once, and no event is missed or printed twice."""
    server = processes.server(database_url)
    await server.wait_until_serving()
    async with open_client(server.address) as api, open_watch(server.address) as process:
        before = (await place_order(api)).order_id
        assert await read_order_id(process) == before
        server.send_signal(signal.SIGKILL)
        assert "resuming from position" in await read_error_line(process)
        await server.wait_for_exit()
        restarted = processes.server(database_url, address=server.address)
        await restarted.wait_until_serving()
        after = [(await place_order(api)).order_id for _ in range(2)]
        assert [await read_order_id(process), await read_order_id(process)] == after
        assert await read_error_line(process) == "Reconnected.\n"


async def test_a_closed_pipe_ends_a_watch_quietly(api: Api) -> None:
    """As with `head`: standard error is empty."""
    await place_order(api)
    ours, theirs = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *build_command("orders", "watch", "--position", "0"),
        env=build_environment(api.address),
        stdout=theirs,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(theirs)
    with os.fdopen(ours) as reader:
        assert "received" in await asyncio.to_thread(reader.readline)
    await place_order(api)
    result = await wait_for_result(process)
    assert (result.exit_code, result.stderr_text) == (141, "")


async def test_a_position_of_another_database_is_rejected(api: Api) -> None:
    """Immediately and without retries."""
    result = await run_command(api.address, "orders", "watch", "--position", "999999")
    assert (result.exit_code, result.stdout_text) == (1, "")
    assert "POSITION_NOT_KEPT" in result.stderr_text
    assert "--position 0" in result.stderr_text


async def test_an_unreachable_server_ends_a_watch(api: Api) -> None:
    """A watch that never started is not resumed."""
    result = await run_command("127.0.0.1:1", "orders", "watch", "-n", "1")
    assert (result.exit_code, result.stdout_text) == (4, "")
    assert "--address" in result.stderr_text

"""`wms-orders orders watch`: what comes is printed once, whatever breaks in between."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.api import Api
from tests.support.cli import command, environment, finished, run, start
from tests.support.orders import created
from tests.support.processes import Processes, open_client
from tests.support.waiting import bounded

pytestmark = pytest.mark.one_postgres


@asynccontextmanager
async def watching(address: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a watch that runs from the oldest event on, in JSON; ended at the end, whatever it does."""
    process = await start(address, "orders", "watch", "--position", "0", "-o", "json", *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await finished(process)


async def told(process: asyncio.subprocess.Process) -> str:
    """Give the order that the next event tells of."""
    assert process.stdout is not None
    line = await bounded(process.stdout.readline(), 30)
    return str(json.loads(line)["orderId"])


async def complained(process: asyncio.subprocess.Process) -> str:
    """Give the next line of standard error."""
    assert process.stderr is not None
    return (await bounded(process.stderr.readline(), 30)).decode()


async def test_events_are_printed_for_people_and_filtered(api: Api) -> None:
    """A line each, as many as are asked for."""
    orders = [(await created(api, customer_id=f"C{number}")).order_id for number in range(3)]
    seen = await run(api.address, "orders", "watch", "--position", "0", "--limit", "3")
    assert seen.code == 0
    assert [line.split()[2] for line in seen.text.splitlines()] == orders
    assert "received  new → received" in seen.text
    one = await run(
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
    assert [event["orderId"] for event in one.lines] == [orders[2]]


async def test_an_interrupted_watch_says_where_to_go_on(api: Api) -> None:
    """From there each further event comes, and none that was printed."""
    first = (await created(api)).order_id
    async with watching(api.address) as process:
        assert await told(process) == first
        process.send_signal(signal.SIGINT)
        ended = await finished(process)
    assert ended.code == 130
    position = ended.complaint.split("--position ")[1].strip()
    second = (await created(api)).order_id
    more = await run(api.address, "orders", "watch", "--position", position, "-n", "1", "-o", "json")
    assert [event["orderId"] for event in more.lines] == [second]


async def test_a_watch_goes_on_when_the_server_comes_back(database_url: str, processes: Processes) -> None:
    """Killed in the middle: it is said once, and no event is left out or told twice."""
    server = processes.server(database_url)
    await server.serving()
    async with open_client(server.address) as api, watching(server.address) as process:
        before = (await created(api)).order_id
        assert await told(process) == before
        server.signal(signal.SIGKILL)
        assert "trying again from position" in await complained(process)
        await server.ended()
        again = processes.server(database_url, address=server.address)
        await again.serving()
        after = [(await created(api)).order_id for _ in range(2)]
        assert [await told(process), await told(process)] == after
        assert await complained(process) == "Connected again.\n"


async def test_a_reader_that_goes_away_ends_it_quietly(api: Api) -> None:
    """As `head` does: nothing on standard error, and an end."""
    await created(api)
    ours, theirs = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *command("orders", "watch", "--position", "0"),
        env=environment(api.address),
        stdout=theirs,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(theirs)
    with os.fdopen(ours) as reader:
        assert "received" in await asyncio.to_thread(reader.readline)
    await created(api)
    ended = await finished(process)
    assert (ended.code, ended.complaint) == (141, "")


async def test_a_position_of_another_database_is_refused(api: Api) -> None:
    """At once, and not tried again for ever."""
    ended = await run(api.address, "orders", "watch", "--position", "999999")
    assert (ended.code, ended.text) == (1, "")
    assert "POSITION_NOT_KEPT" in ended.complaint
    assert "--position 0" in ended.complaint


async def test_a_server_that_is_not_there_ends_it(api: Api) -> None:
    """What has never begun is not taken up again."""
    ended = await run("127.0.0.1:1", "orders", "watch", "-n", "1")
    assert (ended.code, ended.text) == (4, "")
    assert "--address" in ended.complaint

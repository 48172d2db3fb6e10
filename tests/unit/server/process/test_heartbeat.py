"""The heartbeat of a process: it is received while the event loop runs.

A blocked process dumps its stacks.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from tests.support.waiting import with_timeout

from wms_server.process import heartbeat
from wms_server.process.heartbeat import DUMP_STACKS_SIGNAL, HeartbeatPipe

_CHILD_PROGRAM = """
import asyncio, sys, time
from wms_server.process import heartbeat

async def block_event_loop():
    time.sleep(600)

async def main():
    heartbeat._BEAT_INTERVAL_SECONDS = 0.01
    task = asyncio.create_task(heartbeat.send_heartbeats(int(sys.argv[1])))
    await asyncio.to_thread(sys.stdin.readline)
    await block_event_loop()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    # The process counts as blocked after a second without a heartbeat. A busy machine delays it for less.
    monkeypatch.setattr(heartbeat, "_BEAT_INTERVAL_SECONDS", 0.05)


@asynccontextmanager
async def _start_child(pipe: HeartbeatPipe) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a process that sends heartbeats until it reads a line, and then blocks its event loop."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CHILD_PROGRAM, str(pipe.sender_descriptor)),
        pass_fds=(pipe.sender_descriptor,),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        child.kill()
        await child.communicate()


async def test_blocked_process_is_detected_and_dumps_its_stacks() -> None:
    """It is not detected earlier or while it starts."""
    with HeartbeatPipe() as pipe:
        async with _start_child(pipe) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            missed = asyncio.create_task(pipe.wait_until_missed())
            done, _ = await asyncio.wait({missed}, timeout=2)
            assert not done
            child.stdin.write(b"\n")
            await with_timeout(missed, 30)
            child.send_signal(DUMP_STACKS_SIGNAL)
            output = b""
            while b"in block_event_loop" not in output:
                output += await with_timeout(child.stderr.read(1_000), 30)
            assert child.returncode is None


async def test_process_survives_a_blocked_or_closed_receiver() -> None:
    """The pipe is full, and no process reads it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65_536))
    heartbeats = asyncio.create_task(heartbeat.send_heartbeats(writer))
    await asyncio.wait({heartbeats}, timeout=0.1)
    os.close(reader)
    await asyncio.wait({heartbeats}, timeout=0.1)
    assert not heartbeats.done()
    heartbeats.cancel()
    os.close(writer)

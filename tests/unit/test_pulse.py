"""The pulse of a process: heard while its event loop turns, and what it says when that stands still."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.waiting import bounded
from wms_server import pulse
from wms_server.pulse import TELL, Pulse

_BEATS = """
import asyncio, sys, time
from wms_server import pulse

async def stand_still():
    time.sleep(600)

async def main():
    pulse._PERIOD = 0.01
    beating = asyncio.create_task(pulse.beat(int(sys.argv[1])))
    await asyncio.to_thread(sys.stdin.readline)
    await stand_still()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # A second without a sign of life is silence: a busy machine keeps a process from it for less.
    monkeypatch.setattr(pulse, "_PERIOD", 0.05)


@asynccontextmanager
async def _beating(heart: Pulse) -> AsyncIterator[asyncio.subprocess.Process]:
    """Give a process that beats until it reads a line, and then stands still."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _BEATS, str(heart.sender)),
        pass_fds=(heart.sender,),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        child.kill()
        await child.communicate()


async def test_a_process_that_stands_still_is_noticed_and_says_where() -> None:
    """Not before it does, and not while it is only starting."""
    with Pulse() as heart:
        async with _beating(heart) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            ceased = asyncio.create_task(heart.ceased())
            done, _ = await asyncio.wait({ceased}, timeout=2)
            assert not done
            child.stdin.write(b"\n")
            await bounded(ceased, 30)
            child.send_signal(TELL)
            said = b""
            while b"in stand_still" not in said:
                said += await bounded(child.stderr.read(1_000), 30)
            assert child.returncode is None


async def test_a_process_whose_listener_stands_still_or_is_gone_lives_on() -> None:
    """It fills the pipe, and nobody reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65_536))
    beating = asyncio.create_task(pulse.beat(writer))
    await asyncio.wait({beating}, timeout=0.1)
    os.close(reader)
    await asyncio.wait({beating}, timeout=0.1)
    assert not beating.done()
    beating.cancel()
    os.close(writer)

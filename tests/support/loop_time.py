"""How much processor time the event loop uses at a stretch: what others wait for, also on a busy machine."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wms_core.tasks import running

#: Processor time that no request may use between two ticks of the loop.
LONGEST_SECONDS = 0.1


class LoopTime:
    """The most processor time, in seconds, that the loop's thread has used between two of its ticks."""

    def __init__(self) -> None:
        """Begin with none."""
        self.longest_seconds = 0.0

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.longest_seconds = max(self.longest_seconds, now - before)
            before = now


@asynccontextmanager
async def measured_loop() -> AsyncIterator[LoopTime]:
    """Measure the loop of a server that runs in the test, without what the collector looks at in a test."""
    gc.collect()
    gc.freeze()
    found = LoopTime()
    try:
        async with running(found.watch()):
            await asyncio.sleep(0.005)
            found.longest_seconds = 0.0
            yield found
            await asyncio.sleep(0.005)
    finally:
        gc.unfreeze()

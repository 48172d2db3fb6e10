"""Measure the processor time that the event loop uses without a break, independent of the machine's load."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wms_core.runtime.background_tasks import background_task

#: Maximum processor time of a request between two ticks of the loop.
MAX_LOOP_SECONDS = 0.1


class LoopTime:
    """The maximum processor time in seconds of the loop's thread between two of its ticks."""

    def __init__(self) -> None:
        self.max_seconds = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            self.max_seconds = max(self.max_seconds, now - before)
            before = now


@asynccontextmanager
async def measure_loop_time() -> AsyncIterator[LoopTime]:
    """Measure the loop of a server in this process, without garbage collection of older objects."""
    gc.collect()
    gc.freeze()
    loop_time = LoopTime()
    try:
        async with background_task(loop_time.watch()):
            await asyncio.sleep(0.005)
            loop_time.max_seconds = 0.0
            yield loop_time
            await asyncio.sleep(0.005)
    finally:
        gc.unfreeze()

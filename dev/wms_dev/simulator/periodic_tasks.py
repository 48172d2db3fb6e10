"""Repetition of the simulator's rounds, also after outages of the service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import grpc

from wms_dev.api_client import UNREACHABLE_STATUS_CODES
from wms_dev.simulator.counters import Counters
from wms_dev.simulator.timing import Timing

log = logging.getLogger("simulator")


async def repeat_round(
    run_round: Callable[[], Awaitable[bool]], *, name: str, timing: Timing, counters: Counters
) -> None:
    """Repeat a round until cancelled. The round returns whether there was work.

    A round that fails because the service is unreachable is counted and skipped. Other errors are raised.
    """
    while True:
        is_busy = False
        try:
            is_busy = await run_round()
        except grpc.aio.AioRpcError as error:
            if error.code() not in UNREACHABLE_STATUS_CODES:
                raise
            counters.rounds_lost += 1
            log.warning("%s: %s: %s", name, error.code().name, error.details())
        await asyncio.sleep(timing.poll_seconds(busy=is_busy))

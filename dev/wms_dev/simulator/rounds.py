"""The simulator's habit: do a round, wait, do the next, through outages of the service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import grpc

from wms_dev.client import UNREACHABLE
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.tally import Tally

log = logging.getLogger("simulator")


async def keep_doing(do_round: Callable[[], Awaitable[bool]], *, name: str, pace: Pace, tally: Tally) -> None:
    """Repeat a round until cancelled; it says whether there was something to do.

    A round that the service could not be reached for is lost, and counted. Other errors go on.
    """
    while True:
        busy = False
        try:
            busy = await do_round()
        except grpc.aio.AioRpcError as error:
            if error.code() not in UNREACHABLE:
                raise
            tally.rounds_lost += 1
            log.warning("%s: %s: %s", name, error.code().name, error.details())
        await asyncio.sleep(pace.poll(busy=busy))

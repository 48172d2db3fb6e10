"""File descriptors: as many as the system allows, and a clear log line before they run out.

A process without free descriptors accepts no connection and opens none to Postgres. gRPC, asyncio and uvloop
then wait in silence, or log every attempt.
"""

import asyncio
import os
import resource

import structlog

#: Files, pipes and sockets of a process beside its clients and its connections to Postgres.
OTHER_DESCRIPTORS = 64
#: Free descriptors below which it is time to say so.
_FEW = 32
_CHECK_SECONDS = 1.0
_ADVICE = "raise the limit of open files: ulimit -n, LimitNOFILE of systemd, or ulimits of the container"
_log = structlog.get_logger(__name__)


def raise_descriptor_limit() -> int:
    """Raise this process's limit of descriptors to the highest that the system allows; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return soft
    return hard


def fit_connections(descriptors: int, other: int, **wanted: int) -> dict[str, int]:
    """Return the numbers of connections that descriptors allow, scaled down alike where all are too many.

    `other` are the descriptors that have to be left. Logs what is scaled down.
    """
    room = max(descriptors - other - OTHER_DESCRIPTORS, len(wanted))
    total = sum(wanted.values())
    if total <= room:
        return wanted
    fitted = {name: max(1, number * room // total) for name, number in wanted.items()}
    needed = total + other + OTHER_DESCRIPTORS
    _log.warning("file_descriptor_limit_low", limit=descriptors, needed=needed, advice=_ADVICE, **fitted)
    return fitted


async def watch_descriptors() -> None:
    """Log when few descriptors are free, and when there are enough again; runs until it is cancelled."""
    was_low = False
    while True:
        free = _free_descriptors()
        is_low = free < _FEW if not was_low else free < 2 * _FEW
        if is_low and not was_low:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            _log.error("file_descriptors_low", free=free, limit=limit, advice=_ADVICE)
        elif was_low and not is_low:
            _log.warning("file_descriptors_recovered", free=free)
        was_low = is_low
        await asyncio.sleep(_CHECK_SECONDS)


def _free_descriptors() -> int:
    """Return how many descriptors are free at most: a new one gets the lowest number that is not in use."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return 0
    os.close(lowest)
    return limit - lowest

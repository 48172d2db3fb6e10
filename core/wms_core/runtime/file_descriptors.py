"""File descriptors: raises the limit to the maximum, and logs before they run out.

A process without free descriptors accepts no connections and opens none to Postgres. gRPC, asyncio and uvloop
then wait silently, or log every attempt.
"""

import asyncio
import os
import resource

import structlog

#: Files, pipes and sockets of a process other than its clients and connections to Postgres.
OTHER_DESCRIPTORS = 64
#: Minimum of free descriptors; below it a log line is written.
_LOW_FREE_DESCRIPTORS = 32
_CHECK_INTERVAL_SECONDS = 1.0
_LIMIT_ADVICE = (
    "raise the limit of open files: ulimit -n, LimitNOFILE of systemd, or ulimits of the container"
)
_log = structlog.get_logger(__name__)


def raise_descriptor_limit() -> int:
    """Raise this process's descriptor limit to the maximum that the system allows; return it."""
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    except (ValueError, OSError):
        return soft_limit
    return hard_limit


def fit_connections(
    descriptor_limit: int, reserved_descriptors: int, **requested_connections: int
) -> dict[str, int]:
    """Return the numbers of connections that the limit allows, scaled down proportionally if needed.

    `reserved_descriptors` are not available for connections. A reduction is logged.
    """
    connection_capacity = max(
        descriptor_limit - reserved_descriptors - OTHER_DESCRIPTORS, len(requested_connections)
    )
    total = sum(requested_connections.values())
    if total <= connection_capacity:
        return requested_connections
    fitted_connections = {
        name: max(1, number * connection_capacity // total) for name, number in requested_connections.items()
    }
    needed_descriptors = total + reserved_descriptors + OTHER_DESCRIPTORS
    _log.warning(
        "file_descriptor_limit_low",
        limit=descriptor_limit,
        needed=needed_descriptors,
        advice=_LIMIT_ADVICE,
        **fitted_connections,
    )
    return fitted_connections


async def watch_descriptors() -> None:
    """Log when few descriptors are free, and when enough are free again; runs until it is cancelled."""
    was_low = False
    while True:
        free_descriptors = _count_free_descriptors()
        is_low = (
            free_descriptors < _LOW_FREE_DESCRIPTORS
            if not was_low
            else free_descriptors < 2 * _LOW_FREE_DESCRIPTORS
        )
        if is_low and not was_low:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            _log.error("file_descriptors_low", free=free_descriptors, limit=limit, advice=_LIMIT_ADVICE)
        elif was_low and not is_low:
            _log.warning("file_descriptors_recovered", free=free_descriptors)
        was_low = is_low
        await asyncio.sleep(_CHECK_INTERVAL_SECONDS)


def _count_free_descriptors() -> int:
    """Return the maximum number of free descriptors: a new one gets the lowest unused number."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        lowest_descriptor = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return 0
    os.close(lowest_descriptor)
    return limit - lowest_descriptor

"""Workers as processes that are elected by ZooKeeper."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.support.external.zookeeper import new_zookeeper_path
from tests.support.processes.processes import FULFILLMENT_HEALTH, Process, Processes
from tests.support.pytest_helpers import FAULT_DURATIONS
from tests.support.waiting import eventually

SESSION_SECONDS = FAULT_DURATIONS.session_seconds


class Replicas:
    """The workers of one database with one ZooKeeper path, started by `start`."""

    def __init__(self, processes: Processes, database_url: str, hosts: str) -> None:
        self._processes = processes
        self._database_url = database_url
        self._hosts = hosts
        self._path = new_zookeeper_path()

    def start(self, worker_id: str, *, database: str = "", **environment: str) -> Process:
        """Start a worker, optionally with another database URL; names of variables may be in lower case."""
        settings = {
            "worker_id": worker_id,
            "zookeeper_hosts": self._hosts,
            "zookeeper_path": self._path,
            "zookeeper_session_timeout": f"{SESSION_SECONDS}s",
            **environment,
        }
        return self._processes.worker(database or self._database_url, **settings)

    async def start_active(self, worker_id: str, *, database: str = "", **environment: str) -> Process:
        """Start a worker and wait until it is active."""
        worker = self.start(worker_id, database=database, **environment)
        await worker.wait_until_serving(FULFILLMENT_HEALTH)
        return worker

    async def start_passive(self, worker_id: str, **environment: str) -> Process:
        """Start a worker and wait until it is passive."""
        worker = self.start(worker_id, **environment)
        await wait_for_log_entries(worker, "passive")
        assert not await worker.is_serving(FULFILLMENT_HEALTH)
        return worker

    async def start_pair(self) -> tuple[Process, Process]:
        """Start two workers. Return the active one and the passive one."""
        return await self.start_active("first"), await self.start_passive("second")


async def wait_for_log_entries(worker: Process, event: str, times: int = 1, within: float = 20.0) -> None:
    """Wait until a worker has logged an event at least `times` times."""

    async def is_logged_often_enough() -> bool:
        return len(worker.find_log_entries(event)) >= times

    await eventually(is_logged_often_enough, within)


async def measure_seconds_until(condition: Callable[[], Awaitable[None]]) -> float:
    """Return how long a wait took, in seconds."""
    started_at = time.monotonic()
    await condition()
    return time.monotonic() - started_at


async def holds_for(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Return whether a condition was true for all of this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not await condition():
            return False
        await asyncio.sleep(0.1)
    return True

"""Workers that are elected by ZooKeeper, as processes of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.support.durations import CHOSEN
from tests.support.processes import FULFILLMENT, Process, Processes
from tests.support.waiting import eventually
from tests.support.zookeeper import fresh_path

SESSION = CHOSEN.session


class Replicas:
    """The workers that stand in one place of a ZooKeeper, on one database."""

    def __init__(self, processes: Processes, database_url: str, hosts: str) -> None:
        """With nobody standing yet."""
        self._processes = processes
        self._database_url = database_url
        self._hosts = hosts
        self._path = fresh_path()

    def start(self, worker_id: str, *, database: str = "", **environment: str) -> Process:
        """Start one, if wanted by its own way to the database; settings may be given in small letters."""
        settings = {
            "worker_id": worker_id,
            "zookeeper_hosts": self._hosts,
            "zookeeper_path": self._path,
            "zookeeper_session_timeout": f"{SESSION}s",
            **environment,
        }
        return self._processes.worker(database or self._database_url, **settings)

    async def active(self, worker_id: str, *, database: str = "", **environment: str) -> Process:
        """Start one that becomes active."""
        worker = self.start(worker_id, database=database, **environment)
        await worker.serving(FULFILLMENT)
        return worker

    async def passive(self, worker_id: str, **environment: str) -> Process:
        """Start one that stands behind another."""
        worker = self.start(worker_id, **environment)
        await said(worker, "passive")
        assert not await worker.is_serving(FULFILLMENT)
        return worker

    async def pair(self) -> tuple[Process, Process]:
        """Start two; gives the active one first."""
        return await self.active("first"), await self.passive("second")


async def said(worker: Process, event: str, times: int = 1, within: float = 20.0) -> None:
    """Wait until a worker has logged an event so often."""

    async def enough() -> bool:
        return len(worker.said(event)) >= times

    await eventually(enough, within)


async def seconds_until(condition: Callable[[], Awaitable[None]]) -> float:
    """Give how long something took."""
    began = time.monotonic()
    await condition()
    return time.monotonic() - began


async def stays(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Say whether a condition held all that time."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if not await condition():
            return False
        await asyncio.sleep(0.1)
    return True

"""Starts a candidate on a database and stops it, and sees what it and Postgres use."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.api.candidates import Candidate
from benchmarks.children import ADVICE, STOP_SECONDS, Children
from benchmarks.effort import cpu_seconds, memory_mb
from wms_dev.problem import Problem
from wms_dev.processes.child import Child
from wms_dev.stack.address import Address

_READY_SECONDS = 60.0


class NotReady(Problem):
    """A candidate did not come up."""


@dataclass(frozen=True, slots=True)
class Service:
    """A candidate that runs."""

    address: Address
    children: Sequence[Child]

    def cpu_seconds(self) -> float:
        """Give the processor time of all its processes so far."""
        return sum(cpu_seconds(child.process.pid) for child in self.children)

    def memory_mb(self) -> float:
        """Give the memory of all its processes."""
        return sum(memory_mb(child.process.pid) for child in self.children)


@asynccontextmanager
async def running(children: Children, candidate: Candidate, database_url: str) -> AsyncIterator[Service]:
    """Run a candidate until the end."""
    address = Address.free()
    settings = {
        **candidate.settings,
        "DATABASE_URL": database_url,
        # Ours listens there too when it is called over HTTP.
        "SERVER_ADDR": str(Address.free()),
        candidate.listens: str(address),
    }
    command = [part.format(host=address.host, port=address.port) for part in candidate.module]
    started: list[Child] = []
    try:
        count = 1 if candidate.alone else candidate.processes
        name = f"{candidate.name}-{address.port}"
        started.extend(children.run(name, command, settings) for _ in range(count))
        await _ready(candidate, started)
        yield Service(address, started)
    finally:
        for child in started:
            child.process.terminate()
        for child in started:
            await asyncio.to_thread(child.stop, STOP_SECONDS)


async def _ready(candidate: Candidate, started: Sequence[Child]) -> None:
    """Wait until each process has said so in the log that all of them share. Raises NotReady."""
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while started[0].log.read_text(encoding="utf-8").count(candidate.ready) < candidate.processes:
                for child in started:
                    child.check(ADVICE)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NotReady(f"{candidate.name} was not ready in time:\n{started[0].tail()}") from None

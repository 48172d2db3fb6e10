"""Start and stop a candidate on a database, and measure its processor time and memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.api.candidates import Candidate
from benchmarks.children import CHILD_ENDED_ADVICE, STOP_SECONDS, ChildProcesses
from benchmarks.effort import cpu_seconds, memory_mb
from wms_dev.errors import UserError
from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess

_READY_SECONDS = 60.0


class CandidateNotReady(UserError):
    """A candidate did not become ready in time."""


@dataclass(frozen=True, slots=True)
class RunningCandidate:
    """A running candidate."""

    address: Address
    children: Sequence[ChildProcess]

    def cpu_seconds(self) -> float:
        """Return the processor time of all its processes in seconds."""
        return sum(cpu_seconds(child.process.pid) for child in self.children)

    def memory_mb(self) -> float:
        """Return the memory of all its processes in megabytes."""
        return sum(memory_mb(child.process.pid) for child in self.children)


@asynccontextmanager
async def run_candidate(
    children: ChildProcesses, candidate: Candidate, database_url: str
) -> AsyncIterator[RunningCandidate]:
    """Run a candidate during the block."""
    address = Address.on_free_port()
    settings = {
        **candidate.settings,
        "DATABASE_URL": database_url,
        # wms-orders needs a gRPC address also when it is called over HTTP.
        "SERVER_ADDR": str(Address.on_free_port()),
        candidate.address_variable: str(address),
    }
    command = [part.format(host=address.host, port=address.port) for part in candidate.start_command]
    started_children: list[ChildProcess] = []
    try:
        count = 1 if candidate.is_single_program else candidate.processes
        name = f"{candidate.name}-{address.port}"
        started_children.extend(children.run_program(name, command, settings) for _ in range(count))
        await _wait_until_ready(candidate, started_children)
        yield RunningCandidate(address, started_children)
    finally:
        for child in started_children:
            child.process.terminate()
        for child in started_children:
            await asyncio.to_thread(child.stop, STOP_SECONDS)


async def _wait_until_ready(candidate: Candidate, started_children: Sequence[ChildProcess]) -> None:
    """Wait until each process has logged that it is ready; they share a log. Raises CandidateNotReady."""
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while (
                started_children[0].log_path.read_text(encoding="utf-8").count(candidate.ready_text)
                < candidate.processes
            ):
                for child in started_children:
                    child.raise_if_exited(CHILD_ENDED_ADVICE)
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise CandidateNotReady(
            f"{candidate.name} was not ready in time:\n{started_children[0].read_log_tail()}"
        ) from None

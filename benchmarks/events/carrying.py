"""The relay at work: a backlog in the log, and a burst in the outbox."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.connection import Connection
from benchmarks.memory import resident_mb
from benchmarks.queries import query

LOOK = 0.01
SAMPLE = 0.5
STUCK_SECONDS = 60.0


@dataclass(slots=True)
class Memory:
    """What a process had in use while it worked, in megabytes."""

    samples: list[float] = field(default_factory=list)

    @property
    def at_tenth(self) -> float:
        """After a tenth of the work."""
        return self.samples[len(self.samples) // 10]

    @property
    def at_half(self) -> float:
        """After half of it, when the caches are full."""
        return self.samples[len(self.samples) // 2]

    @property
    def at_end(self) -> float:
        """At the end of it."""
        return self.samples[-1]

    @property
    def most(self) -> float:
        """The most that was seen."""
        return max(self.samples)


async def carried(
    connection: Connection, until: int, moved: Callable[[int], None], pid: int | None = None
) -> Memory:
    """Wait until the relay has come to a position, and watch its memory.

    Raises TimeoutError when it stands.
    """
    memory, looked = Memory(), 0.0
    before: int = await connection.fetchval(query("log.carried"))
    progressed = time.monotonic()
    while before < until:
        await asyncio.sleep(LOOK)
        now: int = await connection.fetchval(query("log.carried"))
        if now > before:
            progressed = time.monotonic()
        elif time.monotonic() > progressed + STUCK_SECONDS:
            raise TimeoutError(f"The relay stands at {now} and has to come to {until}")
        moved(now - before)
        before = now
        if pid is not None and time.monotonic() > looked + SAMPLE:
            looked = time.monotonic()
            memory.samples.append(resident_mb(pid))
    return memory


async def burst_rate(connection: Connection, count: int, moved: Callable[[int], None]) -> float:
    """Commit so many events at once; gives how many a second the sequencer and the relay bring to Kafka."""
    start: int = await connection.fetchval(query("log.newest"))
    written = await connection.execute(query("log.tell"), count)
    assert written == f"INSERT 0 {count}"
    began = time.perf_counter()
    await carried(connection, start + count, moved)
    return count / (time.perf_counter() - began)


async def all_carried(connection: Connection) -> None:
    """Wait until nothing is left to bring to Kafka."""
    while await connection.fetchval(query("log.untold")):  # noqa: ASYNC110 # another process
        await asyncio.sleep(LOOK)
    await carried(connection, await connection.fetchval(query("log.newest")), lambda _: None)

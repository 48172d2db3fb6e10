"""Measure the relay with a backlog in the log, and with a burst in the outbox."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.connection import Connection
from benchmarks.memory import resident_mb
from benchmarks.queries import query

POLL_SECONDS = 0.01
MEMORY_SAMPLE_SECONDS = 0.5
STUCK_SECONDS = 60.0


@dataclass(slots=True)
class MemorySamples:
    """Samples of the memory of a process during its work, in megabytes."""

    samples: list[float] = field(default_factory=list)

    @property
    def at_tenth(self) -> float:
        """The memory after a tenth of the work."""
        return self.samples[len(self.samples) // 10]

    @property
    def at_half(self) -> float:
        """The memory after half of the work, when the caches are full."""
        return self.samples[len(self.samples) // 2]

    @property
    def at_end(self) -> float:
        """The memory at the end of the work."""
        return self.samples[-1]

    @property
    def maximum(self) -> float:
        """The maximum of the samples."""
        return max(self.samples)


async def wait_until_published(
    connection: Connection,
    until_position: int,
    count_published: Callable[[int], None],
    pid: int | None = None,
) -> MemorySamples:
    """Wait until the relay reaches a position, and sample the memory of the process `pid`.

    Raises TimeoutError if the relay makes no progress for `STUCK_SECONDS`.
    """
    memory_samples, sampled_at = MemorySamples(), 0.0
    position_before: int = await connection.fetchval(query("log.relay_position"))
    progressed_at = time.monotonic()
    while position_before < until_position:
        await asyncio.sleep(POLL_SECONDS)
        now: int = await connection.fetchval(query("log.relay_position"))
        if now > position_before:
            progressed_at = time.monotonic()
        elif time.monotonic() > progressed_at + STUCK_SECONDS:
            raise TimeoutError(f"The relay is stuck at position {now}, before {until_position}")
        count_published(now - position_before)
        position_before = now
        if pid is not None and time.monotonic() > sampled_at + MEMORY_SAMPLE_SECONDS:
            sampled_at = time.monotonic()
            memory_samples.samples.append(resident_mb(pid))
    return memory_samples


async def measure_burst_rate(
    connection: Connection, count: int, count_published: Callable[[int], None]
) -> float:
    """Commit `count` events at once. Return the rate per second of sequencer and relay to Kafka."""
    start: int = await connection.fetchval(query("log.newest"))
    insert_status = await connection.execute(query("log.insert_burst"), count)
    assert insert_status == f"INSERT 0 {count}"
    started_at = time.perf_counter()
    await wait_until_published(connection, start + count, count_published)
    return count / (time.perf_counter() - started_at)


async def wait_until_all_published(connection: Connection) -> None:
    """Wait until the outbox is empty and the log is published."""
    while await connection.fetchval(query("log.has_outbox_events")):  # noqa: ASYNC110 # changed by another process
        await asyncio.sleep(POLL_SECONDS)
    await wait_until_published(connection, await connection.fetchval(query("log.newest")), lambda _: None)

"""Whether a server process grows with what it has done."""

from collections.abc import Callable

from benchmarks.api.batches import create_many
from benchmarks.api.candidates import ours
from benchmarks.api.databases import Database
from benchmarks.api.services import running
from benchmarks.api.turns import Bench


async def grown(bench: Bench, database: Database, made: Callable[[int], None]) -> tuple[float, float]:
    """Give the megabytes of a server process after a few and after many orders."""
    scale = bench.scale
    async with running(bench.children, ours(1), database.url) as service:
        address = str(service.address)
        await create_many(address, bench.batches, scale.grown_from, made)
        before = service.memory_mb()
        await create_many(address, bench.batches, scale.grown - scale.grown_from, made)
        after = service.memory_mb()
    await database.clear()
    return before, after

"""Measure whether the memory of a server process grows with the number of orders."""

from collections.abc import Callable

from benchmarks.api.batches import create_many
from benchmarks.api.candidates import own_server
from benchmarks.api.databases import BenchmarkDatabase
from benchmarks.api.services import run_candidate
from benchmarks.api.turns import BenchmarkRun


async def measure_memory_growth(
    bench: BenchmarkRun, database: BenchmarkDatabase, count_created: Callable[[int], None]
) -> tuple[float, float]:
    """Return the memory of a server process in megabytes after a few and after many orders."""
    scale = bench.scale
    async with run_candidate(bench.children, own_server(1), database.url) as service:
        address = str(service.address)
        await create_many(address, bench.batches, scale.grown_from, count_created)
        memory_before_mb = service.memory_mb()
        await create_many(address, bench.batches, scale.grown - scale.grown_from, count_created)
        memory_after_mb = service.memory_mb()
    await database.delete_created()
    return memory_before_mb, memory_after_mb

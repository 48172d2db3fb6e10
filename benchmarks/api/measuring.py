"""The complete measurement: databases, rounds, memory."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.api import memory
from benchmarks.api.batches import build_batch_requests
from benchmarks.api.bodies import as_json, as_message, new_orders, record_bodies
from benchmarks.api.candidates import GRPC_PATH, HTTP_PATH
from benchmarks.api.databases import BenchmarkDatabase, open_databases
from benchmarks.api.figures import Figures
from benchmarks.api.filling import fill_database
from benchmarks.api.loading import LoadTarget
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import count_loads, turns_of_round
from benchmarks.api.turns import BenchmarkRun
from benchmarks.children import POSTGRES, ChildProcesses
from benchmarks.progress import PhaseProgress
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir

#: Commits are durable. The connections suffice for the largest pool, and checkpoints are rare.
POSTGRES_SETTINGS: Mapping[str, str] = {
    **POSTGRES,
    "shared_buffers": "2GB",
    "max_connections": "150",
    "checkpoint_timeout": "15min",
}


async def measure(stack: ExitStack, scale: Scale, phase_progress: PhaseProgress) -> Figures:
    """Measure all cases. Raises UserError if a process does not start, or responses or counts are wrong."""
    postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES_SETTINGS)
    stack.callback(postgres.stop)
    postgres.start()
    children = ChildProcesses(stack, {})
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wms-orders-")))
    bench = BenchmarkRun(
        children,
        postgres.postmaster_pid,
        scale,
        folder,
        _record_create_requests(scale.seed, folder),
        build_batch_requests(scale.seed),
        Figures(),
    )
    async with open_databases(postgres, children) as databases:
        await _fill(bench, databases[1], phase_progress)
        await _measure_rounds(bench, {database.name: database for database in databases}, phase_progress)
        await _measure_growth(bench, databases[0], phase_progress)
    return bench.figures


def _record_create_requests(seed: int, folder: Path) -> dict[str, LoadTarget]:
    orders = new_orders(seed)
    messages = (as_message(order).SerializeToString() for order in orders)
    return {
        "grpc": LoadTarget("grpc", GRPC_PATH, record_bodies(folder / "create-grpc", messages)),
        "http": LoadTarget("http", HTTP_PATH, record_bodies(folder / "create-http", as_json(orders))),
    }


async def _fill(bench: BenchmarkRun, database: BenchmarkDatabase, phase_progress: PhaseProgress) -> None:
    started_at = time.perf_counter()
    with phase_progress.show_phase("orders inserted", bench.scale.orders) as count_filled:
        bench.figures.sizes = await fill_database(database, bench.scale.orders, count_filled)
    bench.figures.filling_seconds = time.perf_counter() - started_at


async def _measure_rounds(
    bench: BenchmarkRun, databases: Mapping[str, BenchmarkDatabase], phase_progress: PhaseProgress
) -> None:
    with phase_progress.show_phase("loads", count_loads(bench.scale.rounds)) as count_done:
        for number in range(bench.scale.rounds):
            for turn in turns_of_round(number):
                await bench.measure_turn(turn, databases[turn.database])
                count_done(len(turn.loads))
            for database in databases.values():
                await bench.measure_row_inserts(database)
                count_done(1)


async def _measure_growth(
    bench: BenchmarkRun, database: BenchmarkDatabase, phase_progress: PhaseProgress
) -> None:
    with phase_progress.show_phase("orders created for the memory", bench.scale.grown) as count_created:
        bench.figures.memory = await memory.measure_memory_growth(bench, database, count_created)

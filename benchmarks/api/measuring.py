"""The whole measurement: databases, rounds, memory."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.api import memory
from benchmarks.api.batches import requests
from benchmarks.api.bodies import as_json, as_message, new_orders, record
from benchmarks.api.candidates import GRPC_PATH, HTTP_PATH
from benchmarks.api.databases import Database, open_databases
from benchmarks.api.figures import Figures
from benchmarks.api.filling import fill
from benchmarks.api.loading import Target
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import order_of, steps
from benchmarks.api.turns import Bench
from benchmarks.children import POSTGRES, Children
from benchmarks.progress import Phases
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir

#: What is committed is on the disk. Room for the largest pool, and seldom a checkpoint.
SETTINGS: Mapping[str, str] = {
    **POSTGRES,
    "shared_buffers": "2GB",
    "max_connections": "150",
    "checkpoint_timeout": "15min",
}


async def measure(stack: ExitStack, scale: Scale, shown: Phases) -> Figures:
    """Measure everything. Raises Problem when a part does not come up, or answers or books are wrong."""
    postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=SETTINGS)
    stack.callback(postgres.stop)
    postgres.start()
    children = Children(stack, {})
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wms-orders-")))
    bench = Bench(
        children,
        postgres.postmaster_pid,
        scale,
        folder,
        _creates(scale.seed, folder),
        requests(scale.seed),
        Figures(),
    )
    async with open_databases(postgres, children) as databases:
        await _fill(bench, databases[1], shown)
        await _rounds(bench, {one.name: one for one in databases}, shown)
        await _grow(bench, databases[0], shown)
    return bench.figures


def _creates(seed: int, folder: Path) -> dict[str, Target]:
    orders = new_orders(seed)
    messages = (as_message(order).SerializeToString() for order in orders)
    return {
        "grpc": Target("grpc", GRPC_PATH, record(folder / "create-grpc", messages)),
        "http": Target("http", HTTP_PATH, record(folder / "create-http", as_json(orders))),
    }


async def _fill(bench: Bench, database: Database, shown: Phases) -> None:
    began = time.perf_counter()
    with shown.phase("orders put in", bench.scale.orders) as filled:
        bench.figures.sizes = await fill(database, bench.scale.orders, filled)
    bench.figures.filling_seconds = time.perf_counter() - began


async def _rounds(bench: Bench, databases: Mapping[str, Database], shown: Phases) -> None:
    with shown.phase("loads", steps(bench.scale.rounds)) as done:
        for number in range(bench.scale.rounds):
            for turn in order_of(number):
                await bench.turn(turn, databases[turn.database])
                done(len(turn.loads))
            for database in databases.values():
                await bench.rows(database)
                done(1)


async def _grow(bench: Bench, database: Database, shown: Phases) -> None:
    with shown.phase("orders made for the memory", bench.scale.grown) as made:
        bench.figures.memory = await memory.grown(bench, database, made)

"""Rounds of wms-orders (in batches and one by one), the bare update and the competitors, in turn."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import asyncpg

from benchmarks.connection import Connection
from benchmarks.fulfillment.bare import measure_bare_rate
from benchmarks.fulfillment.moves import InstantControlSystem
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.fulfillment.site import put_warehouse
from benchmarks.progress import PhaseProgress
from benchmarks.queries import query
from benchmarks.workers.competitors import (
    COMPETITORS,
    Competitor,
    measure_competitor_rate,
    run_temporal_server,
)
from benchmarks.workers.goods import put_stock_at_destinations
from benchmarks.workers.ours import OwnWorker
from benchmarks.workers.work import CompetitorTask
from wms_core.runtime.background_tasks import background_task
from wms_dev.api_client import connect_client, seeded_generator

BATCHES, ONE_BY_ONE = "ours, in batches", "ours, one order a transaction"
AT_HAND_BATCHES, AT_HAND_ONE_BY_ONE = (
    "ours, goods at hand, in batches",
    "ours, goods at hand, one order a transaction",
)
BARE = "bare four updates by set"
OWN_NAMES = (BATCHES, ONE_BY_ONE, AT_HAND_BATCHES, AT_HAND_ONE_BY_ONE)
_MIGRATED_SECONDS = 60.0
_MEASURED_COUNT = len((*OWN_NAMES, BARE, *COMPETITORS))
_ONE_ORDER_SETTINGS = {"CYCLE_BATCH": "1"}


@dataclass(frozen=True, slots=True)
class Rounds:
    """Number of rounds, and orders per round; slow candidates get fewer orders, to keep rounds short."""

    rounds: int = 5
    orders: int = 5_000
    single: int = 300
    rival: int = 300
    bare: int = 5_000


@dataclass(slots=True)
class Rates:
    """Orders per second by name, for each round."""

    rates_by_name: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, rate: float) -> None:
        """Add the rate of a round."""
        self.rates_by_name.setdefault(name, []).append(rate)

    def complete_rounds(self) -> "Rates":
        """Return the rates of the complete rounds."""
        rounds = (
            min(len(round_rates) for round_rates in self.rates_by_name.values())
            if len(self.rates_by_name) == _MEASURED_COUNT
            else 0
        )
        return Rates(
            {name: round_rates[:rounds] for name, round_rates in self.rates_by_name.items()} if rounds else {}
        )


async def measure(services: Services, round_sizes: Rounds, phases: PhaseProgress, rates: Rates) -> None:
    """Measure all candidates in turn in each round, so that disturbances affect all of them."""
    async with AsyncExitStack() as stack:
        own_worker = await stack.enter_async_context(_open_own_warehouse(services, phases))
        connection = await stack.enter_async_context(_open_competitor_database(services, round_sizes))
        for number in range(round_sizes.rounds):
            with phases.show_phase(
                f"round {number + 1}: ours", 2 * (round_sizes.orders + round_sizes.single)
            ):
                rates.add(BATCHES, await own_worker.measure_rate(round_sizes.orders, {}))
                rates.add(ONE_BY_ONE, await own_worker.measure_rate(round_sizes.single, _ONE_ORDER_SETTINGS))
                rates.add(
                    AT_HAND_BATCHES, await own_worker.measure_rate(round_sizes.orders, {}, at_hand=True)
                )
                rates.add(
                    AT_HAND_ONE_BY_ONE,
                    await own_worker.measure_rate(round_sizes.single, _ONE_ORDER_SETTINGS, at_hand=True),
                )
            with phases.show_phase(f"round {number + 1}: bare", round_sizes.bare):
                rates.add(
                    BARE, await measure_bare_rate(connection, Scale(orders=round_sizes.bare), number + 1)
                )
                await connection.execute("TRUNCATE outbox")
            for competitor in COMPETITORS:
                with phases.show_phase(f"round {number + 1}: {competitor.name}", round_sizes.rival):
                    rates.add(
                        competitor.name,
                        await _measure_competitor(services, connection, competitor, round_sizes, number),
                    )


async def _measure_competitor(
    services: Services, connection: Connection, competitor: Competitor, round_sizes: Rounds, number: int
) -> float:
    competitor_task = CompetitorTask(
        _competitor_database_url(services),
        f"{competitor.package.upper()}-{number}-",
        round_sizes.rival,
        competitor.concurrency,
    )
    if competitor.package != "temporalio":
        return await measure_competitor_rate(competitor, services.children, connection, competitor_task)
    with run_temporal_server(services.children) as engine:
        return await measure_competitor_rate(
            competitor, services.children, connection, replace(competitor_task, engine_address=engine)
        )


@asynccontextmanager
async def _open_own_warehouse(services: Services, phases: PhaseProgress) -> AsyncIterator[OwnWorker]:
    """Start the server, and fill the warehouse, with a control system without delays."""
    services.children.migrate()
    await services.children.start_server(services.server)
    scale = Scale()
    connection = await asyncpg.connect(services.database_url, server_settings={"jit": "off"})
    try:
        async with connect_client(services.server.target, "bench", seeded_generator(scale.seed)) as client:
            with phases.show_phase("carriers in lanes", scale.lanes * scale.carriers_per_lane):
                await put_warehouse(client, scale)
                await put_stock_at_destinations(client, scale)
            async with background_task(InstantControlSystem(client).run()):
                yield OwnWorker(services, client, connection, scale)
    finally:
        await connection.close()


@asynccontextmanager
async def _open_competitor_database(services: Services, round_sizes: Rounds) -> AsyncIterator[Connection]:
    """Create the database of the competitors, with the schema of wms-orders and the function of a step."""
    admin = await asyncpg.connect(services.database_url)
    try:
        await admin.execute("CREATE DATABASE competitors")
    finally:
        await admin.close()
    services.children.start_subcommand(
        "migrate", {"DATABASE_URL": _competitor_database_url(services)}
    ).wait_for_success(_MIGRATED_SECONDS, "")
    connection = await asyncpg.connect(_competitor_database_url(services), server_settings={"jit": "off"})
    try:
        await connection.execute(query("bare.create_destination"))
        await connection.execute(query("bare.waves"), 0, round_sizes.bare)
        await connection.execute(query("steps.install"))
        yield connection
    finally:
        await connection.close()


def _competitor_database_url(services: Services) -> str:
    return services.database_url.rpartition("/")[0] + "/competitors"

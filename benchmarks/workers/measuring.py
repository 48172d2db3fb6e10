"""Rounds: in each ours, in batches and one by one, the bare update, and the rivals, one after the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import asyncpg

from benchmarks.connection import Connection
from benchmarks.fulfillment.bare import bare_rate
from benchmarks.fulfillment.moves import Cranes
from benchmarks.fulfillment.scale import Scale
from benchmarks.fulfillment.services import Services
from benchmarks.fulfillment.site import open_site
from benchmarks.progress import Phases
from benchmarks.queries import query
from benchmarks.workers.goods import put_goods
from benchmarks.workers.ours import Ours
from benchmarks.workers.rivals import RIVALS, Rival, rival_rate, temporal_server
from benchmarks.workers.work import Work
from wms_core.tasks import running
from wms_dev.client import connect, dice

BATCHES, ONE_BY_ONE = "ours, in batches", "ours, one order a transaction"
HAND_BATCHES, HAND_ONE_BY_ONE = (
    "ours, goods at hand, in batches",
    "ours, goods at hand, one order a transaction",
)
BARE = "bare four updates by set"
OURS = (BATCHES, ONE_BY_ONE, HAND_BATCHES, HAND_ONE_BY_ONE)
_MIGRATED_SECONDS = 60.0
_MEASURED = len((*OURS, BARE, *RIVALS))
_ONE = {"CYCLE_BATCH": "1"}


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many rounds, and how many orders each takes; the slow ones fewer, so that a round is short."""

    rounds: int = 5
    orders: int = 5_000
    single: int = 300
    rival: int = 300
    bare: int = 5_000


@dataclass(slots=True)
class Rates:
    """The orders a second of each, round by round."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, rate: float) -> None:
        """Note one round."""
        self.found.setdefault(name, []).append(rate)

    def whole_rounds(self) -> "Rates":
        """Give the rounds in which all were measured."""
        rounds = min(len(found) for found in self.found.values()) if len(self.found) == _MEASURED else 0
        return Rates({name: found[:rounds] for name, found in self.found.items()} if rounds else {})


async def measure(services: Services, wanted: Rounds, phases: Phases, rates: Rates) -> None:
    """Measure all of them in turn, so often; what disturbs the machine disturbs all of them."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(_our_side(services, phases))
        connection = await stack.enter_async_context(_their_side(services, wanted))
        for number in range(wanted.rounds):
            with phases.phase(f"round {number + 1}: ours", 2 * (wanted.orders + wanted.single)):
                rates.add(BATCHES, await ours.rate(wanted.orders, {}))
                rates.add(ONE_BY_ONE, await ours.rate(wanted.single, _ONE))
                rates.add(HAND_BATCHES, await ours.rate(wanted.orders, {}, at_hand=True))
                rates.add(HAND_ONE_BY_ONE, await ours.rate(wanted.single, _ONE, at_hand=True))
            with phases.phase(f"round {number + 1}: bare", wanted.bare):
                rates.add(BARE, await bare_rate(connection, Scale(orders=wanted.bare), number + 1))
                await connection.execute("TRUNCATE outbox")
            for rival in RIVALS:
                with phases.phase(f"round {number + 1}: {rival.name}", wanted.rival):
                    rates.add(rival.name, await _rival(services, connection, rival, wanted, number))


async def _rival(
    services: Services, connection: Connection, rival: Rival, wanted: Rounds, number: int
) -> float:
    work = Work(_theirs(services), f"{rival.package.upper()}-{number}-", wanted.rival, rival.at_once)
    if rival.package != "temporalio":
        return await rival_rate(rival, services.children, connection, work)
    with temporal_server(services.children) as engine:
        return await rival_rate(rival, services.children, connection, replace(work, engine=engine))


@asynccontextmanager
async def _our_side(services: Services, phases: Phases) -> AsyncIterator[Ours]:
    """Open our warehouse, with a server and cranes that take no time."""
    services.children.migrate()
    await services.children.start_server(services.server)
    scale = Scale()
    connection = await asyncpg.connect(services.database_url, server_settings={"jit": "off"})
    try:
        async with connect(services.server.target, "bench", dice(scale.seed)) as client:
            with phases.phase("carriers in lanes", scale.lanes * scale.carriers_per_lane):
                await open_site(client, scale)
                await put_goods(client, scale)
            async with running(Cranes(client).run()):
                yield Ours(services, client, connection, scale)
    finally:
        await connection.close()


@asynccontextmanager
async def _their_side(services: Services, wanted: Rounds) -> AsyncIterator[Connection]:
    """Make the rivals' database, with our schema and the function that takes a step."""
    admin = await asyncpg.connect(services.database_url)
    try:
        await admin.execute("CREATE DATABASE rivals")
    finally:
        await admin.close()
    services.children.start("migrate", {"DATABASE_URL": _theirs(services)}).finish(_MIGRATED_SECONDS, "")
    connection = await asyncpg.connect(_theirs(services), server_settings={"jit": "off"})
    try:
        await connection.execute(query("bare.place"))
        await connection.execute(query("bare.waves"), 0, wanted.bare)
        await connection.execute(query("steps.install"))
        yield connection
    finally:
        await connection.close()


def _theirs(services: Services) -> str:
    return services.database_url.rpartition("/")[0] + "/rivals"

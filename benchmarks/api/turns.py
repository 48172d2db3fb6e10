"""One turn: a candidate is started on a database, loaded, stopped, and what it has made is counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.api import reading
from benchmarks.api.batches import ROWS, Batched, BatchFailed, call_batches, insert_rows
from benchmarks.api.bodies import LINES
from benchmarks.api.checking import check
from benchmarks.api.databases import Database
from benchmarks.api.figures import Case, Figure, Figures
from benchmarks.api.loading import Load, LoadFailed, Target, load
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import Turn
from benchmarks.api.services import Service, running
from benchmarks.children import Children
from benchmarks.effort import cpu_seconds

#: Each candidate is called for a moment before it is measured, by so many callers.
_FIRST = 16


@dataclass(frozen=True, slots=True)
class Bench:
    """What all turns use."""

    children: Children
    postmaster: int
    scale: Scale
    folder: Path
    creates: dict[str, Target]
    batches: Sequence[bytes]
    figures: Figures

    async def turn(self, turn: Turn, database: Database) -> None:
        """Measure, once more when a call failed, which is told. Raises what `_loads` raises then."""
        try:
            found = await self._loads(turn, database)
        except (LoadFailed, BatchFailed) as failure:
            self.figures.repeated.append(f"{turn.candidate.name} {database.name}: {failure}")
            await database.clear()
            found = await self._loads(turn, database)
        for case, figure in found:
            self.figures.add(case, figure)

    async def _loads(self, turn: Turn, database: Database) -> list[tuple[Case, Figure]]:
        """Do the loads of a turn. Raises LoadFailed, BatchFailed, AnswerWrong, BooksWrong."""
        candidate, since = turn.candidate, await database.now()
        create = replace(self.creates[candidate.protocol], path=candidate.path)
        found = []
        async with running(self.children, candidate, database.url) as service:
            made = (await load(create, str(service.address), _FIRST, 0, self.scale.warm * 2)).total
            for call, in_flight in turn.loads:
                case = Case(candidate.name, database.name, call, in_flight)
                total, figure = await self._measure(service, database, case, create)
                made += total if call in {"create", "batch"} else 0
                found.append((case, figure))
        if candidate.writes:
            await database.check(since, made, LINES)
        await database.clear()
        return found

    async def _measure(
        self, service: Service, database: Database, case: Case, create: Target
    ) -> tuple[int, Figure]:
        target = create if case.call in {"create", "batch"} else await self._read(database, case.call)
        server, postgres = service.cpu_seconds(), cpu_seconds(self.postmaster)
        address = str(service.address)
        seen: Load | Batched
        if case.call == "batch":
            warm, seconds = 2 * self.scale.warm, 2 * self.scale.seconds
            seen = await call_batches(address, self.batches, warm, seconds)
        else:
            answered = await load(target, address, case.in_flight, self.scale.warm, self.scale.seconds)
            check(case.call, target.protocol, answered.answer)
            seen = answered
        return seen.total, Figure(
            seen.rate,
            seen.p50_ms,
            seen.p99_ms,
            1000 * (service.cpu_seconds() - server) / seen.total,
            1000 * (cpu_seconds(self.postmaster) - postgres) / seen.total,
            service.memory_mb(),
        )

    async def _read(self, database: Database, call: str) -> Target:
        if call == "get":
            return await reading.gets(database, self.scale, self.folder)
        return await reading.page(database, self.scale.deep if call == "list_deep" else 0, self.folder)

    async def rows(self, database: Database) -> None:
        """Measure the one connection that inserts a thousand orders a transaction."""
        case = Case("unnest", database.name, "batch", 1)
        since, postgres = await database.now(), cpu_seconds(self.postmaster)
        name = f"{since:%H%M%S}"
        total, rate = await insert_rows(database.sql, self.scale.seed, self.scale.seconds, name)
        spent = 1000 * (cpu_seconds(self.postmaster) - postgres) / total
        self.figures.add(case, Figure(rate, 1000 * ROWS / rate, 0, 0, spent, 0))
        await database.check(since, total, LINES)
        await database.clear()

"""One turn: start a candidate on a database, load it, stop it, and count the created orders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.api import reading
from benchmarks.api.batches import ORDERS_PER_TRANSACTION, BatchFailed, BatchLoad, call_batches, insert_rows
from benchmarks.api.bodies import LINES_PER_ORDER
from benchmarks.api.checking import check_response
from benchmarks.api.databases import BenchmarkDatabase
from benchmarks.api.figures import Figures, LoadFigures, MeasuredCase
from benchmarks.api.loading import LoadFailed, LoadResult, LoadTarget, run_load
from benchmarks.api.scale import Scale
from benchmarks.api.schedule import CandidateTurn
from benchmarks.api.services import RunningCandidate, run_candidate
from benchmarks.children import ChildProcesses
from benchmarks.effort import cpu_seconds

#: Callers of the warm-up of each candidate.
_WARM_UP_CALLERS = 16


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """Processes, requests and figures that all turns share."""

    children: ChildProcesses
    postmaster: int
    scale: Scale
    folder: Path
    creates: dict[str, LoadTarget]
    batches: Sequence[bytes]
    figures: Figures

    async def measure_turn(self, turn: CandidateTurn, database: BenchmarkDatabase) -> None:
        """Measure a turn; repeat and record it if a call failed. Raises the errors of `_measure_loads`."""
        try:
            case_figures = await self._measure_loads(turn, database)
        except (LoadFailed, BatchFailed) as failure:
            self.figures.repeated.append(f"{turn.candidate.name} {database.name}: {failure}")
            await database.delete_created()
            case_figures = await self._measure_loads(turn, database)
        for case, figure in case_figures:
            self.figures.add(case, figure)

    async def _measure_loads(
        self, turn: CandidateTurn, database: BenchmarkDatabase
    ) -> list[tuple[MeasuredCase, LoadFigures]]:
        """Run the loads of a turn. Raises LoadFailed, BatchFailed, WrongResponse, OrderCountMismatch."""
        candidate, started_at = turn.candidate, await database.read_time()
        create = replace(self.creates[candidate.protocol], path=candidate.path)
        case_figures = []
        async with run_candidate(self.children, candidate, database.url) as service:
            created_orders = (
                await run_load(create, str(service.address), _WARM_UP_CALLERS, 0, self.scale.warm * 2)
            ).total
            for call, in_flight in turn.loads:
                case = MeasuredCase(candidate.name, database.name, call, in_flight)
                total, figure = await self._measure_load(service, database, case, create)
                created_orders += total if call in {"create", "batch"} else 0
                case_figures.append((case, figure))
        if candidate.creates_orders:
            await database.check_created(started_at, created_orders, LINES_PER_ORDER)
        await database.delete_created()
        return case_figures

    async def _measure_load(
        self, service: RunningCandidate, database: BenchmarkDatabase, case: MeasuredCase, create: LoadTarget
    ) -> tuple[int, LoadFigures]:
        target = (
            create if case.call in {"create", "batch"} else await self._build_read_target(database, case.call)
        )
        server, postgres = service.cpu_seconds(), cpu_seconds(self.postmaster)
        address = str(service.address)
        load_result: LoadResult | BatchLoad
        if case.call == "batch":
            warm, seconds = 2 * self.scale.warm, 2 * self.scale.seconds
            load_result = await call_batches(address, self.batches, warm, seconds)
        else:
            call_load = await run_load(target, address, case.in_flight, self.scale.warm, self.scale.seconds)
            check_response(case.call, target.protocol, call_load.answer)
            load_result = call_load
        return load_result.total, LoadFigures(
            load_result.rate,
            load_result.p50_ms,
            load_result.p99_ms,
            1000 * (service.cpu_seconds() - server) / load_result.total,
            1000 * (cpu_seconds(self.postmaster) - postgres) / load_result.total,
            service.memory_mb(),
        )

    async def _build_read_target(self, database: BenchmarkDatabase, call: str) -> LoadTarget:
        if call == "get":
            return await reading.build_get_requests(database, self.scale, self.folder)
        return await reading.build_list_request(
            database, self.scale.deep if call == "list_deep" else 0, self.folder
        )

    async def measure_row_inserts(self, database: BenchmarkDatabase) -> None:
        """Measure the baseline: one connection that inserts 1,000 orders a transaction."""
        case = MeasuredCase("unnest", database.name, "batch", 1)
        started_at, postgres = await database.read_time(), cpu_seconds(self.postmaster)
        name = f"{started_at:%H%M%S}"
        total, rate = await insert_rows(database.sql, self.scale.seed, self.scale.seconds, name)
        postgres_ms_per_order = 1000 * (cpu_seconds(self.postmaster) - postgres) / total
        self.figures.add(
            case, LoadFigures(rate, 1000 * ORDERS_PER_TRANSACTION / rate, 0, 0, postgres_ms_per_order, 0)
        )
        await database.check_created(started_at, total, LINES_PER_ORDER)
        await database.delete_created()

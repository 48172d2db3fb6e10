"""Replicas of the worker in Postgres."""

from collections import defaultdict
from collections.abc import Sequence

from asyncpg import Record

from wms_core.domain.workers import Part, Report, Told, Worker, WorkerMode
from wms_core.postgres.connection import Connection
from wms_core.postgres.queries import query


class PostgresWorkerStore:
    """See `application.ports.WorkerStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def report(self, report: Report) -> None:
        """Write down that a replica is there."""
        await self._connection.execute(
            query("workers.report"),
            report.worker_id,
            report.host,
            report.version,
            report.started_at,
            report.last_cycle_at,
            report.role,
            report.epoch,
            report.roles,
        )

    async def forget(self) -> None:
        """Forget replicas that are long gone."""
        await self._connection.execute(query("workers.forget"))

    async def told(self, worker_id: str, role: str, epoch: int) -> Told | None:
        """Give what a replica was told about a role, of which it has the epoch of its last term.

        None before its first report.
        """
        row = await self._connection.fetchrow(query("workers.told"), worker_id, role, epoch)
        return Told(**row) if row else None

    async def page(self, after: str, limit: int) -> list[Worker]:
        """Give replicas that reported lately, by id."""
        return await self._whole(await self._connection.fetch(query("workers.page"), after, limit))

    async def worker(self, worker_id: str) -> Worker | None:
        """Give a replica that reported lately, or that was told to stay passive."""
        found = await self._whole(await self._connection.fetch(query("workers.worker"), worker_id))
        return found[0] if found else None

    async def set_mode(self, worker_id: str, mode: WorkerMode) -> None:
        """Tell a replica whether to take part in elections."""
        await self._connection.execute(query("workers.set_mode"), worker_id, mode)

    async def holder(self, role: str) -> str | None:
        """Give who holds a role, "" for nobody; None when there is no such role."""
        row = await self._connection.fetchrow(query("workers.holder"), role)
        return (row["worker_id"] or "") if row else None

    async def ask_to_step_down(self, role: str) -> None:
        """Ask whoever holds the role now to hand it over."""
        await self._connection.execute(query("workers.ask_to_step_down"), role)

    async def _whole(self, rows: Sequence[Record]) -> list[Worker]:
        parts: dict[str, list[Part]] = defaultdict(list)
        names = [row["worker_id"] for row in rows]
        for row in await self._connection.fetch(query("workers.parts"), names):
            parts[row["worker_id"]].append(Part(row["role"], row["epoch"], row["held_for"], row["lease_age"]))
        return [_worker(row, parts[row["worker_id"]]) for row in rows]


def _worker(row: Record, parts: Sequence[Part]) -> Worker:
    return Worker(
        worker_id=row["worker_id"],
        host=row["host"],
        version=row["version"],
        mode=WorkerMode(row["mode"]),
        started_at=row["started_at"],
        heartbeat_at=row["heartbeat_at"],
        last_cycle_at=row["last_cycle_at"],
        parts=tuple(parts),
    )

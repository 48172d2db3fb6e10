"""Worker replicas in Postgres."""

from collections import defaultdict
from collections.abc import Sequence

from asyncpg import Record

from wms_core.domain.workers import ReplicaCommands, ReplicaReport, RoleStatus, Worker, WorkerMode
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query


class PostgresWorkerRepository:
    """Implement `wms_core.application.database.WorkerRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def save_report(self, replica_report: ReplicaReport) -> None:
        """Save the report of a replica, including the time."""
        await self._connection.execute(
            query("workers.save_report"),
            replica_report.worker_id,
            replica_report.host,
            replica_report.version,
            replica_report.started_at,
            replica_report.last_cycle_at,
            replica_report.role,
            replica_report.epoch,
            replica_report.candidate_roles,
        )

    async def delete_expired(self) -> None:
        """Delete replicas that have not reported for a day and are not set to passive."""
        await self._connection.execute(query("workers.delete_expired"))

    async def read_commands(self, worker_id: str, role: str, epoch: int) -> ReplicaCommands | None:
        """Return the commands to a replica for a role; None before its first report.

        `epoch` is that of the replica's latest tenure.
        """
        row = await self._connection.fetchrow(query("workers.read_commands"), worker_id, role, epoch)
        return ReplicaCommands(**row) if row else None

    async def list_page(self, after_id: str, limit: int) -> list[Worker]:
        """Return replicas that reported recently, in order of id."""
        return await self._attach_roles(
            await self._connection.fetch(query("workers.list_workers"), after_id, limit)
        )

    async def get_worker(self, worker_id: str) -> Worker | None:
        """Return a replica that reported recently or is set to passive, or None."""
        matching_workers = await self._attach_roles(
            await self._connection.fetch(query("workers.get_worker"), worker_id)
        )
        return matching_workers[0] if matching_workers else None

    async def set_mode(self, worker_id: str, mode: WorkerMode) -> None:
        """Set whether a replica takes part in elections."""
        await self._connection.execute(query("workers.set_mode"), worker_id, mode)

    async def get_holder(self, role: str) -> str | None:
        """Return the worker that has a role, "" without a holder; None if the role does not exist."""
        row = await self._connection.fetchrow(query("workers.get_holder"), role)
        return (row["worker_id"] or "") if row else None

    async def ask_to_step_down(self, role: str) -> None:
        """Ask the current leader of a role to release it."""
        await self._connection.execute(query("workers.request_step_down"), role)

    async def _attach_roles(self, rows: Sequence[Record]) -> list[Worker]:
        roles_by_worker: dict[str, list[RoleStatus]] = defaultdict(list)
        worker_ids = [row["worker_id"] for row in rows]
        for row in await self._connection.fetch(query("workers.list_roles"), worker_ids):
            roles_by_worker[row["worker_id"]].append(
                RoleStatus(row["role"], row["epoch"], row["held_for"], row["lease_age"])
            )
        return [_to_worker(row, roles_by_worker[row["worker_id"]]) for row in rows]


def _to_worker(row: Record, role_statuses: Sequence[RoleStatus]) -> Worker:
    return Worker(
        worker_id=row["worker_id"],
        host=row["host"],
        version=row["version"],
        mode=WorkerMode(row["mode"]),
        started_at=row["started_at"],
        heartbeat_at=row["heartbeat_at"],
        last_cycle_at=row["last_cycle_at"],
        role_statuses=tuple(role_statuses),
    )

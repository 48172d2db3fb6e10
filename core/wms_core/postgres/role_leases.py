"""Claim, renew and release worker roles in Postgres (docs/adr/0005)."""

import asyncio
from datetime import timedelta

from asyncpg import Record

from wms_core.application.database import ElectionToken, Fence
from wms_core.domain.errors import StaleEpoch
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.named_queries import query

_ACQUIRE_TIMEOUT_SECONDS = 5.0
#: Time for the transactions of the previous holder to end before their sessions are terminated.
_HOLDER_TIMEOUT_SECONDS = 0.5


class PostgresRoleLeases:
    """Implement `wms_core.application.database.RoleLeases`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Claim the role and return the new epoch; None while another worker's lease is valid."""
        row = await self._read_role(role)
        is_fresh = row["silent"] is not None and row["silent"] <= lease
        if is_fresh and row["worker_id"] not in (None, worker_id):
            return None
        return await self._claim_role(row["lock_key"], query("roles.claim_role"), role, worker_id, lease)

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Claim the role and return the new epoch; None if the winner of a later election has claimed it."""
        row = await self._read_role(role)
        claim_arguments = (
            query("roles.claim_elected_role"),
            role,
            worker_id,
            token.folder_created_ms,
            token.node_number,
        )
        return await self._claim_role(row["lock_key"], *claim_arguments)

    async def _read_role(self, role: str) -> Record:
        async with self._database.acquire_connection() as connection:
            row = await connection.fetchrow(query("roles.get_role"), role)
        if row is None:
            raise LookupError(f"no role {role!r}; run `wms-orders migrate`")
        return row

    async def _claim_role(self, lock_key: int, claim_query: str, *values: object) -> int | None:
        """Run a claim query when no fenced transaction of the previous holder is in flight."""
        acquire_timeout_seconds = _ACQUIRE_TIMEOUT_SECONDS
        async with (
            self._database.acquire_connection(acquire_timeout_seconds=acquire_timeout_seconds) as connection,
            connection.transaction(),
        ):
            lock_task = asyncio.ensure_future(connection.execute(query("roles.lock_role"), lock_key))
            try:
                done_tasks, _ = await asyncio.wait({lock_task}, timeout=_HOLDER_TIMEOUT_SECONDS)
                if not done_tasks:
                    async with self._database.acquire_connection(
                        acquire_timeout_seconds=acquire_timeout_seconds
                    ) as second_connection:
                        await second_connection.fetch(query("roles.terminate_fence_holders"), lock_key)
                await lock_task
            finally:
                if not lock_task.done():
                    # The statement must end before the transaction can be rolled back.
                    lock_task.cancel()
                    await asyncio.wait({lock_task})
            epoch: int | None = await connection.fetchval(claim_query, *values)
            return epoch

    async def send_heartbeat(self, fence: Fence) -> None:
        """Renew the lease.

        Raises:
            StaleEpoch: another worker has the role.
        """
        async with self._database.acquire_connection(
            acquire_timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS
        ) as connection:
            is_holder = await connection.fetchval(
                query("roles.record_heartbeat"), fence.role, fence.epoch, timeout=5
            )
        if is_holder is None:
            raise StaleEpoch(role=fence.role, epoch=fence.epoch, current="a later one")

    async def release(self, fence: Fence) -> None:
        """Release the role; do nothing if another worker has it."""
        async with self._database.acquire_connection(
            acquire_timeout_seconds=_ACQUIRE_TIMEOUT_SECONDS
        ) as connection:
            await connection.execute(query("roles.release_role"), fence.role, fence.epoch, timeout=5)

"""Claiming, keeping and giving up a worker role in Postgres (docs/adr/0005)."""

import asyncio
from datetime import timedelta

from asyncpg import Record

from wms_core.application.ports import ElectionToken, Fence
from wms_core.domain.errors import StaleEpoch
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.queries import query

_ACQUIRE_SECONDS = 5.0  # that a connection is waited for
_PATIENCE = 0.5  # seconds that the old holder's transactions are waited for before they are ended


class PostgresRoles:
    """See `application.ports.RoleStore`."""

    def __init__(self, database: PostgresDatabase) -> None:
        """Use connections of the database's pool."""
        self._database = database

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Take the role by a new epoch, or None while another worker's heartbeat is fresh."""
        row = await self._role(role)
        fresh = row["silent"] is not None and row["silent"] <= lease
        if fresh and row["worker_id"] not in (None, worker_id):
            return None
        return await self._claim(row["lock_key"], query("roles.claim"), role, worker_id, lease)

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Take the role by a new epoch, or None when the winner of a later election has claimed it."""
        row = await self._role(role)
        claim = (query("roles.claim_elected"), role, worker_id, token.folder, token.node)
        return await self._claim(row["lock_key"], *claim)

    async def _role(self, role: str) -> Record:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query("roles.role"), role)
        if row is None:
            raise LookupError(f"no role {role!r}; run `wms-orders migrate`")
        return row

    async def _claim(self, lock_key: int, claim: str, *values: object) -> int | None:
        """Claim by this query once no transaction of the old holder is under way."""
        within = _ACQUIRE_SECONDS
        async with self._database.connection(within=within) as connection, connection.transaction():
            locked = asyncio.ensure_future(connection.execute(query("roles.lock"), lock_key))
            try:
                done, _ = await asyncio.wait({locked}, timeout=_PATIENCE)
                if not done:
                    async with self._database.connection(within=within) as another:
                        await another.fetch(query("roles.holders"), lock_key)
                await locked
            finally:
                if not locked.done():
                    # It has to be over before the transaction can be rolled back.
                    locked.cancel()
                    await asyncio.wait({locked})
            epoch: int | None = await connection.fetchval(claim, *values)
            return epoch

    async def heartbeat(self, fence: Fence) -> None:
        """Say that the holder is alive; raises StaleEpoch when it is the holder no more."""
        async with self._database.connection(within=_ACQUIRE_SECONDS) as connection:
            alive = await connection.fetchval(query("roles.heartbeat"), fence.role, fence.epoch, timeout=5)
        if alive is None:
            raise StaleEpoch(role=fence.role, epoch=fence.epoch, current="a later one")

    async def release(self, fence: Fence) -> None:
        """Give the role up; does nothing when another one has it."""
        async with self._database.connection(within=_ACQUIRE_SECONDS) as connection:
            await connection.execute(query("roles.release"), fence.role, fence.epoch, timeout=5)

"""A database and a role of a test's own, for which an administrator changes what they may do."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tests.support.invariants import Sql


@dataclass(frozen=True, slots=True)
class Refusal:
    """What closes a database to a role that has used it, and what opens it again; it may be hidden then."""

    closing: str
    opening: str
    hiding: tuple[str, ...] = ()


REFUSALS = {
    "another password": Refusal(
        "ALTER ROLE {role} PASSWORD 'other'", "ALTER ROLE {role} PASSWORD '{password}'"
    ),
    "no login": Refusal("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
    "a password that has expired": Refusal(
        "ALTER ROLE {role} VALID UNTIL '2001-01-01'", "ALTER ROLE {role} VALID UNTIL 'infinity'"
    ),
    "no right to connect": Refusal(
        "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC, {role}",
        "GRANT CONNECT ON DATABASE {database} TO {role}",
    ),
    "no connections allowed": Refusal(
        "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    ),
    "no connection left": Refusal(
        "ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1"
    ),
    "another name of the database": Refusal(
        "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {database}_away RENAME TO {database}",
        (
            "ALTER DATABASE {database} RENAME TO {database}_away",
            "ALTER DATABASE {database}_away ALLOW_CONNECTIONS true",
        ),
    ),
}
READ_ONLY = Refusal(
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} RESET default_transaction_read_only",
)


@dataclass(frozen=True, slots=True)
class OwnDatabase:
    """A database of a role that is no superuser; `admin` is a connection of one who is."""

    admin: Sql
    role: str
    database: str
    password: str
    host: str

    def url(self, hosts: int = 1) -> str:
        """Return where to connect, with so many hosts; of several one is wanted that can be written to."""
        wanted = "?target_session_attrs=read-write" if hosts > 1 else ""
        hosts_text = ",".join([self.host] * hosts)
        return f"postgresql://{self.role}:{self.password}@{hosts_text}/{self.database}{wanted}"

    async def close(self, refusal: Refusal) -> None:
        """Close the database to the role, whose sessions end."""
        await self._run(refusal.closing)
        await self.admin.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1", self.role
        )
        for statement in refusal.hiding:
            await self._run(statement)

    async def open(self, refusal: Refusal) -> None:
        """Open it again; sessions that were made meanwhile go on."""
        await self._run(refusal.opening)

    async def _run(self, statement: str) -> None:
        names = {"role": self.role, "database": self.database, "password": self.password}
        await self.admin.execute(statement.format(**names))


@asynccontextmanager
async def own_database(admin_url: str) -> AsyncIterator[OwnDatabase]:
    """Make an empty database with a role that owns it, and remove both at the end."""
    name = f"own_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    host = admin_url.rpartition("@")[2].partition("/")[0]
    own = OwnDatabase(admin, name, name, uuid.uuid4().hex, host)
    try:
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{own.password}'")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            yield own
        finally:
            for left in (name, f"{name}_away"):
                await admin.execute(f"DROP DATABASE IF EXISTS {left} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {name}")
    finally:
        await admin.close()

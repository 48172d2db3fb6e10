"""A database and a role for one test, whose permissions an administrator changes."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tests.support.invariants.database import SqlConnection


@dataclass(frozen=True, slots=True)
class DatabaseRefusal:
    """Statements that deny a role the access to a database, allow it again, or rename the database."""

    closing_statement: str
    opening_statement: str
    hiding_statements: tuple[str, ...] = ()


REFUSALS = {
    "another password": DatabaseRefusal(
        "ALTER ROLE {role} PASSWORD 'other'", "ALTER ROLE {role} PASSWORD '{password}'"
    ),
    "no login": DatabaseRefusal("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
    "a password that has expired": DatabaseRefusal(
        "ALTER ROLE {role} VALID UNTIL '2001-01-01'", "ALTER ROLE {role} VALID UNTIL 'infinity'"
    ),
    "no right to connect": DatabaseRefusal(
        "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC, {role}",
        "GRANT CONNECT ON DATABASE {database} TO {role}",
    ),
    "no connections allowed": DatabaseRefusal(
        "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {database} ALLOW_CONNECTIONS true",
    ),
    "no connection left": DatabaseRefusal(
        "ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1"
    ),
    "no visible schema": DatabaseRefusal(
        "ALTER ROLE {role} SET search_path = nowhere", "ALTER ROLE {role} RESET search_path"
    ),
    "another name of the database": DatabaseRefusal(
        "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {database}_away RENAME TO {database}",
        (
            "ALTER DATABASE {database} RENAME TO {database}_away",
            "ALTER DATABASE {database}_away ALLOW_CONNECTIONS true",
        ),
    ),
}
READ_ONLY = DatabaseRefusal(
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} RESET default_transaction_read_only",
)


@dataclass(frozen=True, slots=True)
class IsolatedDatabase:
    """A database of a role that is not a superuser; `admin` is a connection of a superuser."""

    admin: SqlConnection
    role: str
    database: str
    password: str
    host: str

    def url(self, hosts: int = 1) -> str:
        """Return the URL with the host repeated `hosts` times; several require a writable session."""
        session_parameter = "?target_session_attrs=read-write" if hosts > 1 else ""
        hosts_text = ",".join([self.host] * hosts)
        return f"postgresql://{self.role}:{self.password}@{hosts_text}/{self.database}{session_parameter}"

    async def refuse_access(self, refusal: DatabaseRefusal) -> None:
        """Deny the role the access to the database, and end its sessions."""
        await self._run(refusal.closing_statement)
        await self.admin.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1", self.role
        )
        for statement in refusal.hiding_statements:
            await self._run(statement)

    async def allow_access(self, refusal: DatabaseRefusal) -> None:
        """Allow the access again; sessions opened meanwhile continue."""
        await self._run(refusal.opening_statement)

    async def _run(self, statement: str) -> None:
        names = {"role": self.role, "database": self.database, "password": self.password}
        await self.admin.execute(statement.format(**names))


@asynccontextmanager
async def open_isolated_database(admin_url: str) -> AsyncIterator[IsolatedDatabase]:
    """Create an empty database and a role that owns it; drop both at the end."""
    name = f"own_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    host = admin_url.rpartition("@")[2].partition("/")[0]
    isolated_database = IsolatedDatabase(admin, name, name, uuid.uuid4().hex, host)
    try:
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{isolated_database.password}'")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        try:
            yield isolated_database
        finally:
            for database_name in (name, f"{name}_away"):
                await admin.execute(f"DROP DATABASE IF EXISTS {database_name} WITH (FORCE)")
            await admin.execute(f"DROP ROLE {name}")
    finally:
        await admin.close()

"""The two databases of one Postgres: one that is emptied again and again, one with millions of orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from benchmarks.children import ADVICE, Children
from benchmarks.connection import Connection
from benchmarks.queries import query
from wms_dev.embedded_postgres import EmbeddedPostgres
from wms_dev.problem import Problem


class BooksWrong(Problem):
    """The database does not hold what was answered."""


@dataclass(frozen=True, slots=True)
class Database:
    """One of the databases; `full` is the one that is not emptied."""

    name: str
    url: str
    full: bool
    sql: Connection

    async def clear(self) -> None:
        """Forget what the last candidate made, so that the next one finds what it found."""
        await self.sql.execute(query("accounts.forget_events" if self.full else "accounts.clear"))

    async def now(self) -> datetime:
        """Give the database's time."""
        moment: datetime = await self.sql.fetchval("SELECT clock_timestamp()")
        return moment

    async def check(self, since: datetime, expected: int, lines: int) -> None:
        """Look that just as many orders were made as were answered. Raises BooksWrong."""
        row = await self.sql.fetchrow(query("accounts.made"), since)
        assert row
        found = (row["orders"], row["lines"], row["events"])
        if found != (expected, expected * lines, expected):
            raise BooksWrong(
                f"{expected} orders were answered, but database {self.name} has {found[0]} orders, "
                f"{found[1]} lines and {found[2]} events of them."
            )


@asynccontextmanager
async def open_databases(
    postgres: EmbeddedPostgres, children: Children
) -> AsyncIterator[tuple[Database, Database]]:
    """Make the two databases, each with the product's own schema."""
    server = await asyncpg.connect(postgres.dsn)
    try:
        for name in ("empty", "full"):
            await server.execute(f"CREATE DATABASE {name}_orders")
    finally:
        await server.close()
    urls = {name: postgres.dsn.rpartition("/")[0] + f"/{name}_orders" for name in ("empty", "full")}
    for url in urls.values():
        children.start("migrate", {"DATABASE_URL": url}).finish(60, ADVICE)
    empty, full = [await asyncpg.connect(url, timeout=60) for url in urls.values()]
    try:
        for connection in (empty, full):
            await connection.execute(query("accounts.warehouse"))
        yield (
            Database("empty", urls["empty"], full=False, sql=empty),
            Database("full", urls["full"], full=True, sql=full),
        )
    finally:
        await empty.close()
        await full.close()

"""The two databases of one Postgres: one is emptied after each load, one has millions of orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from benchmarks.children import CHILD_ENDED_ADVICE, ChildProcesses
from benchmarks.connection import Connection
from benchmarks.queries import query
from wms_dev.embedded.postgres import EmbeddedPostgres
from wms_dev.errors import UserError


class OrderCountMismatch(UserError):
    """The number of orders in the database differs from the number of successful responses."""


@dataclass(frozen=True, slots=True)
class BenchmarkDatabase:
    """One of the databases; a full one is never emptied."""

    name: str
    url: str
    is_full: bool
    sql: Connection

    async def delete_created(self) -> None:
        """Delete the rows of the last candidate, so that the next one starts with the same data."""
        await self.sql.execute(query("accounts.delete_events" if self.is_full else "accounts.clear"))

    async def read_time(self) -> datetime:
        """Return the time of the database."""
        time: datetime = await self.sql.fetchval("SELECT clock_timestamp()")
        return time

    async def check_created(self, since: datetime, expected: int, lines: int) -> None:
        """Check that the number of created orders equals the responses. Raises OrderCountMismatch."""
        row = await self.sql.fetchrow(query("accounts.count_created"), since)
        assert row
        counted_rows = (row["orders"], row["lines"], row["events"])
        if counted_rows != (expected, expected * lines, expected):
            raise OrderCountMismatch(
                f"{expected} orders were created, but database {self.name} has {counted_rows[0]} orders, "
                f"{counted_rows[1]} lines and {counted_rows[2]} events of them."
            )


@asynccontextmanager
async def open_databases(
    postgres: EmbeddedPostgres, children: ChildProcesses
) -> AsyncIterator[tuple[BenchmarkDatabase, BenchmarkDatabase]]:
    """Create the two databases with the schema of the product. Yield the empty one and the full one."""
    server = await asyncpg.connect(postgres.dsn)
    try:
        for name in ("empty", "full"):
            await server.execute(f"CREATE DATABASE {name}_orders")
    finally:
        await server.close()
    urls = {name: postgres.dsn.rpartition("/")[0] + f"/{name}_orders" for name in ("empty", "full")}
    for url in urls.values():
        children.start_subcommand("migrate", {"DATABASE_URL": url}).wait_for_success(60, CHILD_ENDED_ADVICE)
    empty, full = [await asyncpg.connect(url, timeout=60) for url in urls.values()]
    try:
        for connection in (empty, full):
            await connection.execute(query("accounts.warehouse"))
        yield (
            BenchmarkDatabase("empty", urls["empty"], is_full=False, sql=empty),
            BenchmarkDatabase("full", urls["full"], is_full=True, sql=full),
        )
    finally:
        await empty.close()
        await full.close()

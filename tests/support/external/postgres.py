"""The Postgres servers of a test run: one of each version, started at its first use."""

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from tests.support.pytest_plugins.requirements import skip_or_fail
from wms_core.postgres.migrate import migrate
from wms_dev.embedded.postgres import EmbeddedPostgres, find_postgres_binaries, temporary_data_dir

VERSIONS = (18, 15)
TEMPLATE = "wms_template"
# Test data need not survive a power failure, so commits need not wait for the disk.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


class PostgresServers:
    """Starts servers and stops them with the stack, so tests of two versions alternate without restarts."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._urls: dict[int, str] = {}

    def url(self, version: int) -> str:
        """Return the URL of the server of a version; its template has the schema and a default warehouse."""
        if version not in self._urls:
            self._urls[version] = self._start(version)
        return self._urls[version]

    def _start(self, version: int) -> str:
        binaries = find_postgres_binaries(version)
        if binaries is None:
            skip_or_fail(
                f"Postgres {version} is not on this machine; on Debian: apt-get install postgresql-15"
            )
        server = EmbeddedPostgres(_data_dir(), bin_dir=binaries, ephemeral=True, settings=_SETTINGS)
        url = self._stack.enter_context(server).dsn
        asyncio.run(_make_template(url))
        return url


def database_named(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return url.rsplit("/", 1)[0] + "/" + name


async def execute(url: str, statement: str) -> None:
    """Execute a statement over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _make_template(url: str) -> None:
    await execute(url, f'CREATE DATABASE "{TEMPLATE}"')
    template = database_named(url, TEMPLATE)
    await migrate(template)
    await execute(template, "INSERT INTO warehouses (warehouse_id) VALUES ('WH-01')")


def _data_dir() -> Path:
    """Return a directory in memory if it has space, since tests clone databases by the hundred."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return memory / temporary_data_dir().name if has_room else temporary_data_dir()

"""The Postgres servers of a test run: one of each version, started when a test first asks for it."""

import asyncio
import shutil
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from tests.support.requirements import skip_or_fail
from wms_core.postgres.migrate import migrate
from wms_dev.embedded_postgres import EmbeddedPostgres, postgres_binaries, temporary_data_dir

VERSIONS = (18, 15)
TEMPLATE = "wms_template"
# No data of a test has to survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


class PostgresServers:
    """Starts servers and keeps them, so that tests of two versions can take turns without a restart."""

    def __init__(self, stack: ExitStack) -> None:
        """Stop what was started when the stack is closed."""
        self._stack = stack
        self._urls: dict[int, str] = {}

    def url(self, version: int) -> str:
        """Return the URL of the server of a version; it has a template with schema and default warehouse."""
        if version not in self._urls:
            self._urls[version] = self._start(version)
        return self._urls[version]

    def _start(self, version: int) -> str:
        binaries = postgres_binaries(version)
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
    """Return a directory in memory where there is room for it: databases are cloned by the hundred."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return memory / temporary_data_dir().name if has_room else temporary_data_dir()

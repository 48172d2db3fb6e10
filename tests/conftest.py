"""Real parts for the tests: Postgres of each version, a database for each test, a server on it."""

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.api import Api, open_api
from tests.support.fulfillment import Fulfillment, open_fulfillment
from tests.support.http_api import open_http_api
from tests.support.kafka import own_kafka
from tests.support.requirements import skip_or_fail
from tests.support.zookeeper import own_zookeeper
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database
from wms_core.postgres.migrate import migrate
from wms_dev.embedded_postgres import EmbeddedPostgres, postgres_binaries, temporary_data_dir

# Nothing a test writes has to survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
_TEMPLATE = "wms_template"


@pytest.fixture(scope="session", params=[18, 15], ids=["postgres18", "postgres15"])
def postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a running Postgres of each version that the service supports."""
    binaries = postgres_binaries(request.param)
    if binaries is None:
        missing = f"Postgres {request.param} is not on this machine; on Debian: apt-get install postgresql-15"
        skip_or_fail(missing)
    with EmbeddedPostgres(_data_dir(), bin_dir=binaries, ephemeral=True, settings=_SETTINGS) as server:
        yield server.start()


@pytest.fixture(scope="session")
def zookeeper_hosts() -> Iterator[str]:
    """Give the addresses of a ZooKeeper: that of ZOOKEEPER_HOSTS, else one node of our own."""
    if given := os.environ.get("ZOOKEEPER_HOSTS"):
        yield given
        return
    with own_zookeeper() as zookeeper:
        yield zookeeper.hosts


@pytest.fixture(scope="session")
def kafka_brokers() -> Iterator[str]:
    """Give the addresses of a Kafka: that of KAFKA_BROKERS, else one broker of our own."""
    if given := os.environ.get("KAFKA_BROKERS"):
        yield given
        return
    with own_kafka() as kafka:
        yield kafka.brokers


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """Give the URL of a cluster that has a database with the schema and the default warehouse."""
    import asyncio  # noqa: PLC0415

    async def make() -> None:
        await _execute(postgres, f'CREATE DATABASE "{_TEMPLATE}"')
        url = database_named(postgres, _TEMPLATE)
        await migrate(url)
        await _execute(url, "INSERT INTO warehouses (warehouse_id) VALUES ('WH-01')")

    asyncio.run(make())
    return postgres


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """Give the URL of a fresh database with the schema."""
    name = f"test_{uuid.uuid4().hex}"
    await _execute(template, f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"')
    try:
        yield database_named(template, name)
    finally:
        await _execute(template, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """Give the URL of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex}"
    await _execute(postgres, f'CREATE DATABASE "{name}"')
    try:
        yield database_named(postgres, name)
    finally:
        await _execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[PostgresDatabase]:
    """Give a pool on the test's database."""
    async with open_database(database_url, PoolOptions(max_size=10)) as opened:
        yield opened


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Give a connection of the test's own, to look behind the service."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def group_commit_calls(request: pytest.FixtureRequest) -> int:
    """Say how many calls may share a transaction: what the test is run with, else the default."""
    return int(getattr(request, "param", 256))


@pytest.fixture
async def api(
    request: pytest.FixtureRequest, database_url: str, group_commit_calls: int
) -> AsyncIterator[Api]:
    """Give a client of a server on the test's database, over gRPC or, where the test says so, over HTTP."""
    opened = open_http_api if getattr(request, "param", "grpc") == "http" else open_api
    async with opened(database_url, group_commit_calls=group_commit_calls) as client:
        yield client


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests that are marked so over HTTP as well."""
    if metafunc.definition.get_closest_marker("also_over_http") and "api" in metafunc.fixturenames:
        metafunc.parametrize("api", ["grpc", "http"], indirect=True)


@pytest.fixture
async def fulfillment(database: PostgresDatabase) -> AsyncIterator[Fulfillment]:
    """Give the active worker's cycle, run by hand."""
    async with open_fulfillment(database) as cycle:
        yield cycle


def _data_dir() -> Path:
    """Give a folder in memory where there is room for it: databases are cloned by the hundred."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return memory / temporary_data_dir().name if roomy else temporary_data_dir()


def database_named(url: str, name: str) -> str:
    """Give the URL of another database of the same cluster."""
    return url.rsplit("/", 1)[0] + "/" + name


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would show the same again."""
    again = {item for item in items if _shows_the_same(_params(item))}
    config.hook.pytest_deselected(items=list(again))
    items[:] = [item for item in items if item not in again]


def _shows_the_same(params: dict[str, Any]) -> bool:
    """Say so of HTTP and of calls that share nothing on a second Postgres, and of both together."""
    over_http, alone = params.get("api") == "http", params.get("group_commit_calls") == 1
    return ((over_http or alone) and params.get("postgres", 18) != 18) or (over_http and alone)


def _params(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}

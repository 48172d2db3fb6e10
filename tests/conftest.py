"""Fixtures with real dependencies: Postgres of each version, a database for each test, a server on it."""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest

from tests.support.builders.fulfillment import Fulfillment, open_fulfillment
from tests.support.clients.grpc_api import Api, open_api
from tests.support.clients.http_api import open_http_api
from tests.support.external.kafka import run_kafka
from tests.support.external.postgres import TEMPLATE, VERSIONS, PostgresServers, database_named, execute
from tests.support.external.zookeeper import run_zookeeper
from tests.support.pytest_plugins.leaks import collect_garbage_after_module, pytest_collection_finish
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database

__all__ = ["collect_garbage_after_module", "pytest_collection_finish"]

# A shell starts background jobs with these signals ignored, and the children of the tests inherit that.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[PostgresServers]:
    """Yield the Postgres servers of this run, each started at its first use."""
    with ExitStack() as stack:
        yield PostgresServers(stack)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, postgres_servers: PostgresServers) -> str:
    """Return the URL of a running Postgres of the version of the test's parameter."""
    return postgres_servers.url(request.param)


@pytest.fixture(scope="session")
def zookeeper_hosts() -> Iterator[str]:
    """Yield the addresses of a ZooKeeper: ZOOKEEPER_HOSTS, otherwise a node of this run."""
    if hosts := os.environ.get("ZOOKEEPER_HOSTS"):
        yield hosts
        return
    with run_zookeeper() as zookeeper:
        yield zookeeper.hosts


@pytest.fixture(scope="session")
def kafka_brokers() -> Iterator[str]:
    """Yield the addresses of a Kafka: KAFKA_BROKERS, otherwise a broker of this run."""
    if addresses := os.environ.get("KAFKA_BROKERS"):
        yield addresses
        return
    with run_kafka() as kafka:
        yield kafka.addresses


@pytest.fixture
async def database_url(postgres: str) -> AsyncIterator[str]:
    """Yield the URL of a new database with the schema and the default warehouse."""
    name = f"test_{uuid.uuid4().hex}"
    await execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """Yield the URL of an empty database."""
    name = f"empty_{uuid.uuid4().hex}"
    await execute(postgres, f'CREATE DATABASE "{name}"')
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[PostgresDatabase]:
    """Yield a connection pool of the test's database."""
    async with open_database(database_url, PoolOptions(max_connections=10)) as pool:
        yield pool


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Yield a connection to the test's database that bypasses the service."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def group_commit_calls(request: pytest.FixtureRequest) -> int:
    """Return how many calls may share a transaction: the test's parameter, otherwise the default."""
    return int(getattr(request, "param", 256))


@pytest.fixture
async def api(
    request: pytest.FixtureRequest, database_url: str, group_commit_calls: int
) -> AsyncIterator[Api]:
    """Yield a client of a server on the test's database, over gRPC or, by the test's parameter, over HTTP."""
    open_client = open_http_api if getattr(request, "param", "grpc") == "http" else open_api
    async with open_client(database_url, group_commit_calls=group_commit_calls) as client:
        yield client


@pytest.fixture
async def fulfillment(database: PostgresDatabase) -> AsyncIterator[Fulfillment]:
    """Yield the fulfillment cycle of an active worker; the test runs it."""
    async with open_fulfillment(database) as cycle:
        yield cycle


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `also_over_http` over HTTP, too, and tests with a database on each Postgres.

    In `make test` only tests marked `every_postgres` run on the second version; the others are slow there.
    """
    get_marker = metafunc.definition.get_closest_marker
    if get_marker("also_over_http") and "api" in metafunc.fixturenames:
        metafunc.parametrize("api", ["grpc", "http"], indirect=True)
    if "postgres" in metafunc.fixturenames:
        first, *others = VERSIONS
        marks = () if get_marker("every_postgres") else (pytest.mark.slow,)
        versions = [pytest.param(first, id=f"postgres{first}")]
        if not get_marker("one_postgres"):
            versions += [pytest.param(version, id=f"postgres{version}", marks=marks) for version in others]
        metafunc.parametrize("postgres", versions, indirect=True, scope="session")


#: The xdist group by fixture, for fixtures whose setup takes seconds of processor time. A group runs in one
#: process, so the fixture is set up once.
_GROUPS = {
    "crowded": "large-database",
    "kafka_brokers": "kafka",
    "broker": "kafka",
    "zookeeper_hosts": "zookeeper",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect redundant parameter sets, and group tests that share a costly fixture."""
    redundant = {item for item in items if _is_redundant(_params(item))}
    config.hook.pytest_deselected(items=list(redundant))
    items[:] = [item for item in items if item not in redundant]
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        group = next((group for fixture, group in _GROUPS.items() if fixture in fixtures), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _is_redundant(params: dict[str, Any]) -> bool:
    """Return whether HTTP, or calls without batching, run on the second Postgres or with each other."""
    over_http, without_batching = params.get("api") == "http", params.get("group_commit_calls") == 1
    return ((over_http or without_batching) and params.get("postgres", 18) != 18) or (
        over_http and without_batching
    )


def _params(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}

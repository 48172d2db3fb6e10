"""Real parts for the tests: Postgres of each version, a database for each test, a server on it."""

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest

from tests.support.api import Api, open_api
from tests.support.fulfillment import Fulfillment, open_fulfillment
from tests.support.http_api import open_http_api
from tests.support.kafka import own_kafka
from tests.support.leaks import nothing_is_left_open, pytest_collection_finish
from tests.support.postgres import TEMPLATE, VERSIONS, PostgresServers, database_named, execute
from tests.support.zookeeper import own_zookeeper
from wms_core.postgres.database import PoolOptions, PostgresDatabase, open_database

__all__ = ["nothing_is_left_open", "pytest_collection_finish"]

# A shell that runs the tests in the background ignores these for all that they start.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[PostgresServers]:
    """Give the Postgres servers of this run, each started when a test asks for it."""
    with ExitStack() as stack:
        yield PostgresServers(stack)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, postgres_servers: PostgresServers) -> str:
    """Give the URL of a running Postgres of the version that the test is run with."""
    return postgres_servers.url(request.param)


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


@pytest.fixture
async def database_url(postgres: str) -> AsyncIterator[str]:
    """Give the URL of a fresh database with the schema and the default warehouse."""
    name = f"test_{uuid.uuid4().hex}"
    await execute(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """Give the URL of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex}"
    await execute(postgres, f'CREATE DATABASE "{name}"')
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


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


@pytest.fixture
async def fulfillment(database: PostgresDatabase) -> AsyncIterator[Fulfillment]:
    """Give the active worker's cycle, run by hand."""
    async with open_fulfillment(database) as cycle:
        yield cycle


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that are marked so over HTTP too, and those of the database on each version of Postgres.

    Only what may differ by version runs on the second one in `make test`; the rest is slow there.
    """
    marked = metafunc.definition.get_closest_marker
    if marked("also_over_http") and "api" in metafunc.fixturenames:
        metafunc.parametrize("api", ["grpc", "http"], indirect=True)
    if "postgres" in metafunc.fixturenames:
        first, *others = VERSIONS
        marks = () if marked("every_postgres") else (pytest.mark.slow,)
        versions = [pytest.param(first, id=f"postgres{first}")]
        if not marked("one_postgres"):
            versions += [pytest.param(other, id=f"postgres{other}", marks=marks) for other in others]
        metafunc.parametrize("postgres", versions, indirect=True, scope="session")


#: Fixtures that take seconds of processor time to set up, by the group of tests that share one of them: a
#: group runs in one process, so that the fixture is set up once.
_GROUPS = {
    "crowded": "large-database",
    "kafka_brokers": "kafka",
    "broker": "kafka",
    "zookeeper_hosts": "zookeeper",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would show the same again, and keep tests together that share a costly fixture."""
    again = {item for item in items if _shows_the_same(_params(item))}
    config.hook.pytest_deselected(items=list(again))
    items[:] = [item for item in items if item not in again]
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        group = next((group for fixture, group in _GROUPS.items() if fixture in fixtures), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _shows_the_same(params: dict[str, Any]) -> bool:
    """Say so of HTTP and of calls that share nothing on a second Postgres, and of both together."""
    over_http, alone = params.get("api") == "http", params.get("group_commit_calls") == 1
    return ((over_http or alone) and params.get("postgres", 18) != 18) or (over_http and alone)


def _params(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}

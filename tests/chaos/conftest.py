"""What the tests of failures share: three ZooKeeper nodes, workers as processes, a warehouse at work."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.election import Replicas
from tests.support.invariants import Sql, record_epochs
from tests.support.processes import Processes
from tests.support.site import Site
from tests.support.zookeeper import own_zookeeper
from wms_dev.zookeeper import ZooKeeper


@pytest.fixture(scope="session")
def three_nodes() -> Iterator[ZooKeeper]:
    """Give an ensemble of three."""
    with own_zookeeper(3) as zookeeper:
        yield zookeeper


@pytest.fixture
def ensemble(three_nodes: ZooKeeper) -> Iterator[ZooKeeper]:
    """Give the ensemble of three, whole before the test and after it."""
    three_nodes.mend()
    yield three_nodes
    three_nodes.mend()


@pytest.fixture
def site(api: Api) -> Site:
    """Give the warehouse of the test's database, by gRPC."""
    return Site(api)


@pytest.fixture
async def replicas(
    ensemble: ZooKeeper, database_url: str, sql: Sql, tmp_path: Path
) -> AsyncIterator[Replicas]:
    """Give the workers of one place of election; what each epoch writes is recorded from the start."""
    await record_epochs(sql)
    processes = Processes(tmp_path)
    yield Replicas(processes, database_url, ensemble.hosts)
    processes.end()

"""Fixtures of the chaos tests: three ZooKeeper nodes, workers as processes, an active warehouse."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.grpc_api import Api
from tests.support.external.zookeeper import run_zookeeper
from tests.support.invariants.database import SqlConnection, record_epochs
from tests.support.processes.processes import Processes
from tests.support.processes.zookeeper_workers import Replicas
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble


@pytest.fixture(scope="session")
def three_nodes() -> Iterator[ZooKeeperEnsemble]:
    """Yield an ensemble of three nodes."""
    with run_zookeeper(3) as zookeeper:
        yield zookeeper


@pytest.fixture
def ensemble(three_nodes: ZooKeeperEnsemble) -> Iterator[ZooKeeperEnsemble]:
    """Yield the ensemble of three nodes. It is complete before and after the test."""
    three_nodes.restore_nodes()
    yield three_nodes
    three_nodes.restore_nodes()


@pytest.fixture
def site(api: Api) -> WarehouseDriver:
    """Return a driver for the warehouse of the test's database, over gRPC."""
    return WarehouseDriver(api)


@pytest.fixture
async def replicas(
    ensemble: ZooKeeperEnsemble, database_url: str, sql: SqlConnection, tmp_path: Path
) -> AsyncIterator[Replicas]:
    """Yield workers that share one election path. The writes of each epoch are recorded from the start."""
    await record_epochs(sql)
    processes = Processes(tmp_path)
    yield Replicas(processes, database_url, ensemble.hosts)
    processes.kill_all()

"""ZooKeeper for the tests: an ensemble, and direct access to its nodes."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from tests.support.pytest_plugins.requirements import skip_or_fail
from wms_dev.embedded.jvm import JavaMissing
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble


@contextmanager
def run_zookeeper(
    size: int = 1, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
) -> Iterator[ZooKeeperEnsemble]:
    """Run a ZooKeeper during the block. Skip the test if it can't run on this machine; in CI, fail it."""
    zookeeper = ZooKeeperEnsemble(size, settings, java_options)
    try:
        try:
            zookeeper.start()
        except JavaMissing as missing:
            skip_or_fail(str(missing))
        yield zookeeper
    finally:
        zookeeper.stop()


def new_zookeeper_path() -> str:
    """Return a unique path."""
    return f"/test-{uuid.uuid4().hex}"


@contextmanager
def open_kazoo_client(hosts: str) -> Iterator[KazooClient]:
    """Yield a ZooKeeper client for the test."""
    client = KazooClient(hosts, timeout=10)
    client.start(10)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def remove_locks(hosts: str, folder: str) -> None:
    """Delete the election nodes of all candidates, like an operator's error."""
    with open_kazoo_client(hosts) as client:
        try:
            for node in client.get_children(folder):
                client.delete(f"{folder}/{node}")
        except NoNodeError:
            return

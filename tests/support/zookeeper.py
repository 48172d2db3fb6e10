"""ZooKeeper for the tests: one that is there, and hands that reach into it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from tests.support.requirements import skip_or_fail
from wms_dev.java import JavaMissing
from wms_dev.zookeeper import ZooKeeper


@contextmanager
def own_zookeeper(
    size: int = 1, settings: Mapping[str, str] | None = None, java_options: Sequence[str] = ()
) -> Iterator[ZooKeeper]:
    """Give a ZooKeeper of our own; the test is skipped where there can be none, and fails there in CI."""
    zookeeper = ZooKeeper(size, settings, java_options)
    try:
        try:
            zookeeper.start()
        except JavaMissing as missing:
            skip_or_fail(str(missing))
        yield zookeeper
    finally:
        zookeeper.stop()


def fresh_path() -> str:
    """Give a path that no other test uses."""
    return f"/test-{uuid.uuid4().hex}"


@contextmanager
def hand(hosts: str) -> Iterator[KazooClient]:
    """Give a client of the test's own."""
    client = KazooClient(hosts, timeout=10)
    client.start(10)
    try:
        yield client
    finally:
        client.stop()
        client.close()


def remove_locks(hosts: str, folder: str) -> None:
    """Take every candidate out of the line, as an operator's mistake would."""
    with hand(hosts) as client:
        try:
            for node in client.get_children(folder):
                client.delete(f"{folder}/{node}")
        except NoNodeError:
            return

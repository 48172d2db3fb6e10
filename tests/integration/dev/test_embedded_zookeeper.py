"""The embedded ZooKeeper: it serves, survives the faults that tests inject, and leaves no files."""

import asyncio
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.external.zookeeper import open_kazoo_client, run_zookeeper
from tests.support.waiting import Stopwatch, eventually, with_timeout

from wms_dev.embedded.jvm import JavaMissing, ServerFailed, fetch_maven_jars, find_java, jars
from wms_dev.embedded.postgres.process_table import is_alive
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble
from wms_dev.embedded.zookeeper.ensemble import POM

pytestmark = pytest.mark.slow

_PARENT = """
import json, sys, time
from wms_dev.embedded.zookeeper import ZooKeeperEnsemble
zookeeper = ZooKeeperEnsemble(2 + 1)
zookeeper.start()
print(json.dumps([[node.pid for node in zookeeper.nodes], str(zookeeper.nodes[0].log_path)]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def node() -> Iterator[ZooKeeperEnsemble]:
    """Yield a cluster of one node for a test that injects faults."""
    with run_zookeeper() as zookeeper:
        yield zookeeper


def test_three_nodes_agree_on_a_leader_and_leave_nothing() -> None:
    """On loopback, with ports below the ephemeral range. Afterwards no process and no file is left."""
    with run_zookeeper(3) as zookeeper:
        modes = sorted(node.read_mode() or "" for node in zookeeper.nodes)
        assert modes == ["follower", "follower", "leader"]
        assert all(20_000 <= node.port < 32_768 for node in zookeeper.nodes)
        pids, folder = [node.pid for node in zookeeper.nodes], zookeeper.nodes[0].log_path.parent
        assert zookeeper.leader is not zookeeper.follower
    assert not any(is_alive(pid) for pid in pids)
    assert not folder.exists()


def test_a_killed_node_keeps_its_data(node: ZooKeeperEnsemble) -> None:
    """Unless its data was deleted."""
    (server,) = node.nodes
    with open_kazoo_client(node.hosts) as client:
        client.create("/kept", b"")
    server.kill()
    assert server.read_mode() is None
    with pytest.raises(ServerFailed):
        server.freeze()
    node.restore_nodes()
    with open_kazoo_client(node.hosts) as client:
        assert client.exists("/kept")
    server.kill()
    server.remove_stored_state()
    node.restore_nodes()
    with open_kazoo_client(node.hosts) as client:
        assert client.exists("/kept") is None


def test_a_frozen_node_does_not_respond_and_can_be_stopped(node: ZooKeeperEnsemble) -> None:
    """The shutdown does not wait for it."""
    (server,) = node.nodes
    server.freeze()
    assert server.read_mode() is None
    watch = Stopwatch()
    node.stop()
    assert watch.seconds < 8


async def test_nodes_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """The kernel ends them, and their data is deleted."""
    with run_zookeeper():
        pass  # or skip
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert parent.stdout
    pids, log = json.loads(await with_timeout(parent.stdout.readline(), 60))
    assert Path(log).is_relative_to(tmp_path)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    def is_nothing_left() -> bool:
        return not any(is_alive(pid) for pid in pids) and not list(tmp_path.iterdir())

    async def are_gone() -> bool:
        return is_nothing_left()

    await eventually(are_gone)


def test_missing_java_or_maven_is_reported_with_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the name of the package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(JavaMissing, match="default-jre-headless"):
        find_java()
    monkeypatch.setattr(jars, "JAR_CACHE", tmp_path / "kept")
    with pytest.raises(JavaMissing, match="apt-get install maven"):
        fetch_maven_jars("zookeeper", POM)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_failing_maven_leaves_no_partial_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The next run downloads again. The error has the output of Maven."""
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho 'no way to the repository'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setattr(jars, "JAR_CACHE", tmp_path / "kept")
    with pytest.raises(JavaMissing, match="no way to the repository"):
        fetch_maven_jars("zookeeper", POM)
    assert list((tmp_path / "kept").iterdir()) == []

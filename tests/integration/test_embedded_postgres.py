"""The embedded Postgres on real processes: its life is tied to its owner's, and its data is not."""

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

from tests.support.requirements import skip_or_fail
from tests.support.waiting import Stopwatch
from wms_dev.embedded_postgres import (
    DataFolderForeign,
    DataFolderInUse,
    DataFolderKept,
    DataFolderUnreachable,
    EmbeddedPostgres,
    PortTaken,
    PostgresNotFound,
    StartFailed,
    VersionMismatch,
    default_data_dir,
    postgres_binaries,
    postmaster,
    temporary_data_dir,
)
from wms_dev.embedded_postgres.account import postgres_account
from wms_dev.embedded_postgres.cluster import Installation, ensure_cluster
from wms_dev.embedded_postgres.copies import usable_binaries
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.leftover import is_postgres_on
from wms_dev.embedded_postgres.lock import take_lock
from wms_dev.embedded_postgres.processes import is_alive
from wms_dev.embedded_postgres.server import SOURCE_ROOT
from wms_dev.embedded_postgres.waiting import until
from wms_dev.ports import free_port, is_free

pytestmark = pytest.mark.slow

AS_ROOT = os.geteuid() == 0
WAIT_SECONDS = 20.0
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root has to become another user")

# A process that owns a server until it is ended: says what it runs, then does what it is told.
OWNER = """
import json, os, signal, sys
from pathlib import Path
from wms_dev.embedded_postgres import EmbeddedPostgres

order = json.loads(sys.argv[1])
server = EmbeddedPostgres(
    Path(order["data_dir"]), bin_dir=Path(order["bin_dir"]), ephemeral=order["ephemeral"]
)
server.start()
if order["forks"] and os.fork() == 0:
    signal.pause()
facts = {"dsn": server.dsn, "port": server.port}
facts |= {"postmaster": server.postmaster_pid, "keeper": server.keeper_pid}
print(json.dumps(facts), flush=True)
sys.stdin.read()
if order["forks"]:
    os._exit(0)
"""


@dataclass
class Owner:
    """An owner in a process of its own, and what it told."""

    process: subprocess.Popen[str]
    dsn: str = ""
    port: int = 0
    postmaster: int = 0
    keeper: int = 0

    def await_start(self) -> "Owner":
        """Read what it says once its server is up."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the owner ended before its server was up"
        for name, value in json.loads(line).items():
            setattr(self, name, value)
        return self

    def end(self, number: signal.Signals) -> None:
        """End it by a signal and reap it."""
        self.process.send_signal(number)
        self.process.wait(WAIT_SECONDS)


OwnerFactory = Callable[..., Owner]


@pytest.fixture(params=[18, 15])
def bin_dir(request: pytest.FixtureRequest) -> Path:
    """The programs of each version that we support."""
    return binaries(request.param)


@pytest.fixture
def newest() -> Path:
    """The programs of the version that is our default, where a version makes no difference."""
    return binaries(18)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that does not exist yet, and after the test does no more."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    path = (memory if roomy else temporary_data_dir().parent) / temporary_data_dir().name
    yield path
    DataFolder(path).remove()
    assert not path.exists()


@pytest.fixture
def owners(data_dir: Path) -> Iterator[OwnerFactory]:
    """Start owners in processes of their own; what is left of them is killed afterwards."""
    started: list[Owner] = []

    def start(
        bin_dir: Path,
        *,
        ephemeral: bool = False,
        forks: bool = False,
        python: str = sys.executable,
        uid: int | None = None,
        folder: Path = data_dir,
    ) -> Owner:
        order = {
            "data_dir": str(folder),
            "bin_dir": str(bin_dir),
            "ephemeral": ephemeral,
            "forks": forks,
        }
        process = subprocess.Popen(
            [python, "-c", OWNER, json.dumps(order)],
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
        started.append(Owner(process))
        return started[-1]

    yield start
    for owner in started:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(owner.process.pid, signal.SIGKILL)
        owner.process.communicate(timeout=WAIT_SECONDS)
        assert until(lambda owner=owner: not is_alive(owner.keeper), WAIT_SECONDS)  # type: ignore[misc]


def binaries(version: int) -> Path:
    """The programs of this version; where they are missing a test is skipped, in CI it fails."""
    found = postgres_binaries(version)
    return found or skip_or_fail(f"Postgres {version} is not installed")


def query(dsn: str, sql: str) -> Any:
    """The first value of the answer."""

    async def ask() -> Any:
        connection = await asyncpg.connect(dsn, timeout=WAIT_SECONDS)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def remember(dsn: str) -> None:
    """Commit something that must be there later."""
    query(dsn, "CREATE TABLE memory AS SELECT 42 AS answer")


def remembers(data_dir: Path, bin_dir: Path) -> bool:
    """Whether a new server on the folder starts and has what was committed."""
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        return bool(query(server.dsn, "SELECT answer FROM memory") == 42)


def assert_gone(owner: Owner, data_dir: Path) -> None:
    """No Postgres on the folder, no keeper, and a closed port, within the bound."""
    assert until(lambda: not is_postgres_on(owner.postmaster, data_dir / "cluster"), WAIT_SECONDS)
    assert until(lambda: not is_alive(owner.keeper), WAIT_SECONDS)
    assert is_free(owner.port)


def mode(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_server_lets_in_the_password_on_loopback_only(data_dir: Path, bin_dir: Path) -> None:
    """UTF-8 with C.UTF-8, durable, on 127.0.0.1 below 32768, no Unix socket, and the password is checked."""
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        shown = {
            name: query(server.dsn, f"SHOW {name}")
            for name in ("server_encoding", "listen_addresses", "unix_socket_directories", "fsync")
        }
        collation = "SELECT to_jsonb(d)::text FROM pg_database d WHERE datname = 'wms'"
        assert "C.UTF-8" in query(server.dsn, collation)
        wrong = server.dsn.replace(":" + server.dsn.split(":")[2].split("@")[0], ":wrong")
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(wrong, "SELECT 1")
        assert server.port < 32768
    assert shown == {
        "server_encoding": "UTF8",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "on",
    }


def test_the_password_is_in_a_closed_file_and_nowhere_else(data_dir: Path, newest: Path) -> None:
    """Neither a log nor a configuration has it, nor a command line; the file is for its owner alone."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        password = (data_dir / "password").read_text()
        assert password in server.dsn
        assert mode(data_dir / "password") == 0o600
        for name in ("server.log", "postgresql.conf", "pg_hba.conf"):
            assert password not in (data_dir / name).read_text()
        for pid in (server.keeper_pid, server.postmaster_pid):
            line = subprocess.run(
                ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=True
            )
            assert password not in line.stdout


def test_data_is_kept_and_the_second_start_is_quick(
    data_dir: Path, bin_dir: Path, record_property: Callable[[str, object], None]
) -> None:
    """What was committed is there after a stop, and initdb is paid for once."""
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        remember(server.dsn)
    watch = Stopwatch()
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        seconds = watch.seconds
        assert query(server.dsn, "SELECT answer FROM memory") == 42
    record_property("second_start_seconds", seconds)
    assert seconds < 2


def test_stop_and_start_can_be_said_twice(data_dir: Path, newest: Path) -> None:
    """A second start gives the same DSN, a second stop does nothing, and a stopped server starts again."""
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


async def test_it_starts_while_an_event_loop_runs(data_dir: Path) -> None:
    """`start` needs no event loop and hinders none."""
    with EmbeddedPostgres(data_dir, bin_dir=binaries(18)) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


def test_a_killed_owner_takes_its_server_along(data_dir: Path, bin_dir: Path, owners: OwnerFactory) -> None:
    """Postgres goes, the port closes, and the next start has the data."""
    owner = owners(bin_dir).await_start()
    remember(owner.dsn)
    owner.end(signal.SIGKILL)
    assert_gone(owner, data_dir)
    assert remembers(data_dir, bin_dir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_owner_that_is_told_to_end_takes_its_server_along(
    data_dir: Path, newest: Path, owners: OwnerFactory, number: signal.Signals
) -> None:
    """Also by a signal that the owner does nothing about."""
    owner = owners(newest).await_start()
    owner.end(number)
    assert_gone(owner, data_dir)


def test_the_next_start_does_not_trip_over_the_end_of_the_last(
    data_dir: Path, newest: Path, owners: OwnerFactory
) -> None:
    """Right after the owner's kill the folder is still locked by the keeper, which is waited for."""
    owner = owners(newest).await_start()
    remember(owner.dsn)
    owner.end(signal.SIGKILL)
    assert remembers(data_dir, newest)


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere an unreaped process can't be told from a live one"
)
def test_a_killed_owner_that_is_not_reaped_yet_is_no_owner(
    data_dir: Path, newest: Path, owners: OwnerFactory
) -> None:
    """The folder is free for the next start although the owner's number is still in the table."""
    owner = owners(newest).await_start()
    remember(owner.dsn)
    owner.process.send_signal(signal.SIGKILL)
    assert until(lambda: not is_alive(owner.process.pid), WAIT_SECONDS)
    assert remembers(data_dir, newest)


def test_ctrl_c_at_the_terminal_stops_it(data_dir: Path, newest: Path, owners: OwnerFactory) -> None:
    """The signal to the whole process group ends the owner, and by that the server."""
    owner = owners(newest).await_start()
    assert os.getpgid(owner.keeper) != os.getpgid(owner.process.pid)
    os.killpg(owner.process.pid, signal.SIGINT)
    owner.process.wait(WAIT_SECONDS)
    assert_gone(owner, data_dir)


def test_an_owner_that_just_ends_takes_its_server_along(
    data_dir: Path, newest: Path, owners: OwnerFactory
) -> None:
    """A normal exit without a stop is enough."""
    owner = owners(newest).await_start()
    assert owner.process.stdin
    owner.process.stdin.close()
    assert owner.process.wait(WAIT_SECONDS) == 0
    owner.process.stdin = None
    assert_gone(owner, data_dir)


def test_a_forked_child_does_not_keep_the_server_alive(
    data_dir: Path, newest: Path, owners: OwnerFactory
) -> None:
    """A child that the owner forked holds the pipe open, and still the owner's end is noticed."""
    owner = owners(newest, forks=True).await_start()
    owner.end(signal.SIGKILL)
    assert_gone(owner, data_dir)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a killed process")
def test_a_killed_keeper_takes_its_server_along(data_dir: Path, bin_dir: Path) -> None:
    """The kernel tells Postgres, the owner sees it, and a start works with the data kept."""
    server = EmbeddedPostgres(data_dir, bin_dir=bin_dir)
    remember(server.start())
    pid = server.postmaster_pid
    os.kill(server.keeper_pid, signal.SIGKILL)
    assert until(lambda: not server.is_running(), WAIT_SECONDS)
    assert until(lambda: not is_postgres_on(pid, data_dir / "cluster"), WAIT_SECONDS)
    with server:
        assert query(server.dsn, "SELECT answer FROM memory") == 42


def test_a_killed_keeper_and_a_start_at_once(data_dir: Path, newest: Path) -> None:
    """The server that is still there is found by its pid file and command line, and waited for."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest)
    remember(server.start())
    first = server.postmaster_pid
    os.kill(server.keeper_pid, signal.SIGKILL)
    assert remembers(data_dir, newest)
    assert not is_postgres_on(first, data_dir / "cluster")
    server.stop()


def test_a_killed_postgres_is_seen_and_recovers(data_dir: Path, bin_dir: Path) -> None:
    """The owner sees that it does not run; the next start recovers what was committed."""
    server = EmbeddedPostgres(data_dir, bin_dir=bin_dir)
    remember(server.start())
    os.kill(server.postmaster_pid, signal.SIGKILL)
    assert until(lambda: not server.is_running(), WAIT_SECONDS)
    with server:
        assert query(server.dsn, "SELECT answer FROM memory") == 42


def test_an_ephemeral_folder_goes_with_its_server(data_dir: Path, newest: Path) -> None:
    """After a stop nothing is left of it; durability may be switched off for it alone."""
    settings = {"fsync": "off", "full_page_writes": "off"}
    with EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True, settings=settings) as server:
        assert query(server.dsn, "SHOW fsync") == "off"
    assert not data_dir.exists()


def test_an_ephemeral_folder_goes_with_a_killed_owner(
    data_dir: Path, bin_dir: Path, owners: OwnerFactory
) -> None:
    """The keeper removes it."""
    owner = owners(bin_dir, ephemeral=True).await_start()
    owner.end(signal.SIGKILL)
    assert_gone(owner, data_dir)
    assert not data_dir.exists()


def test_an_ephemeral_folder_goes_after_a_killed_keeper(data_dir: Path, newest: Path) -> None:
    """Then it is for the owner's stop to remove it."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True)
    server.start()
    os.kill(server.keeper_pid, signal.SIGKILL)
    server.stop()
    assert not data_dir.exists()


def test_an_ephemeral_server_does_not_take_kept_data(data_dir: Path, newest: Path) -> None:
    """A folder with data is refused, since its end would remove it."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        remember(server.dsn)
    with pytest.raises(DataFolderKept):
        EmbeddedPostgres(data_dir, bin_dir=newest, ephemeral=True).start()
    assert remembers(data_dir, newest)


def test_a_folder_in_use_is_refused(data_dir: Path, newest: Path, owners: OwnerFactory) -> None:
    """The second owner is told the folder, the process that has it and what to set; the first goes on."""
    owner = owners(newest).await_start()
    watch = Stopwatch()
    with pytest.raises(DataFolderInUse, match="DATA_DIR") as refusal:
        EmbeddedPostgres(data_dir, bin_dir=newest).start()
    assert watch.seconds < 5
    assert refusal.value.facts == {"folder": str(data_dir), "pid": owner.process.pid}
    assert query(owner.dsn, "SELECT 1") == 1


def test_a_stale_pid_file_does_not_get_a_stranger_killed(data_dir: Path, newest: Path) -> None:
    """A live process whose number is in postmaster.pid but is no Postgres is left alone, and no obstacle."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        remember(server.dsn)
    # As Postgres's own user, or Postgres itself would see that it is no twin.
    account = postgres_account()
    stranger = subprocess.Popen(["/bin/sleep", "100"], user=account.user, group=account.group)
    try:
        (data_dir / "cluster" / "postmaster.pid").write_text(f"{stranger.pid}\n{data_dir / 'cluster'}\n")
        assert remembers(data_dir, newest)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(WAIT_SECONDS)


@pytest.mark.parametrize("victim", ["owner", "keeper"])
def test_a_kill_in_the_middle_of_initdb_leaves_nothing_that_matters(
    data_dir: Path, bin_dir: Path, owners: OwnerFactory, victim: str
) -> None:
    """There is no half-made cluster, and the next start makes a whole one."""
    owner = owners(bin_dir)
    assert until(lambda: any(data_dir.glob("initdb-*/cluster/base")), WAIT_SECONDS)
    if victim == "keeper":
        os.kill(only_child(owner.process.pid), signal.SIGKILL)
    owner.end(signal.SIGKILL)
    assert not (data_dir / "cluster").exists()
    with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
        assert query(server.dsn, "SELECT 1") == 1
    assert not any(data_dir.glob("initdb-*"))


def only_child(pid: int) -> int:
    """The process id of the one child of this process."""
    answer = subprocess.run(
        ["/bin/ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (child,) = [int(line.split()[0]) for line in answer if line.split()[1] == str(pid)]
    return child


def test_the_permissions_of_existing_folders_stay(data_dir: Path, newest: Path) -> None:
    """Neither the folder's parents nor the folder that was there get wider by a start."""
    data_dir.mkdir(mode=0o751)
    before = {folder: mode(folder) for folder in (data_dir, *data_dir.parents, newest, *newest.parents)}
    with EmbeddedPostgres(data_dir, bin_dir=newest):
        pass
    assert {folder: mode(folder) for folder in before} == before


def test_a_folder_of_other_things_is_left_alone(data_dir: Path) -> None:
    """It is refused, even for an ephemeral server, and keeps what it has."""
    data_dir.mkdir(mode=0o755)
    (data_dir / "letter").write_text("dear")
    try:
        with pytest.raises(DataFolderForeign):
            EmbeddedPostgres(data_dir, bin_dir=binaries(18), ephemeral=True).start()
        assert [path.name for path in data_dir.iterdir()] == ["letter"]
    finally:
        (data_dir / "letter").unlink()


def test_a_folder_of_another_version_is_refused(data_dir: Path) -> None:
    """The error names both versions, and the data is still good for its own."""
    with EmbeddedPostgres(data_dir, bin_dir=binaries(15)) as server:
        remember(server.dsn)
    with pytest.raises(VersionMismatch, match=r"made by Postgres 15 but this is Postgres 18"):
        EmbeddedPostgres(data_dir, bin_dir=binaries(18)).start()
    assert remembers(data_dir, binaries(15))


def test_a_port_that_is_taken_is_refused(data_dir: Path) -> None:
    """When the caller asked for that port; and one that is free is used."""
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(PortTaken, match=str(port)):
            EmbeddedPostgres(data_dir, bin_dir=binaries(18), port=port).start()
    with EmbeddedPostgres(data_dir, bin_dir=binaries(18), port=port) as server:
        assert server.port == port


@contextlib.contextmanager
def by_hand(data_dir: Path, bin_dir: Path) -> Iterator[postmaster.Launch]:
    """What the keeper does before it launches Postgres; the folder's lock is held inside."""
    account = postgres_account()
    folder = DataFolder(data_dir)
    lock = take_lock(folder, account, os.getpid(), time.sleep)
    log = folder.open_log()
    try:
        installed = Installation(*usable_binaries(bin_dir, account), account)
        ensure_cluster(folder, installed, log, time.sleep)
        yield postmaster.Launch(folder, installed, None, {}, log, time.sleep)
    finally:
        os.close(log)
        os.close(lock)


def test_a_port_lost_between_pick_and_bind_is_picked_again(
    data_dir: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres's own refusal to bind leads to another port."""
    with socket.socket() as other, by_hand(data_dir, bin_dir) as launch:
        other.bind(("127.0.0.1", 0))
        other.listen()
        picks = [free_port(), other.getsockname()[1]]
        monkeypatch.setattr(postmaster, "free_port", picks.pop)
        launch.start().stop()
    assert picks == []
    assert "could not bind" in (data_dir / "server.log").read_text()


def test_a_server_that_was_left_on_the_folder_is_stopped(data_dir: Path, bin_dir: Path) -> None:
    """One that nobody keeps any more is known by its command line, stopped by its number and waited for."""
    with by_hand(data_dir, bin_dir) as launch:
        left = launch.start()
    try:
        with EmbeddedPostgres(data_dir, bin_dir=bin_dir) as server:
            assert left.process.wait(WAIT_SECONDS) == 0
            assert query(server.dsn, "SELECT 1") == 1
    finally:
        left.stop()


def test_a_start_that_fails_shows_the_end_of_the_log(data_dir: Path, newest: Path) -> None:
    """The error has Postgres's words and the log's path, and nothing runs afterwards."""
    server = EmbeddedPostgres(data_dir, bin_dir=newest, settings={"shared_buffers": "plenty"})
    with pytest.raises(StartFailed, match=r"shared_buffers.*plenty") as failure:
        server.start()
    assert str(data_dir / "server.log") in str(failure.value)
    assert not server.is_running()


def test_programs_that_are_missing_are_named(data_dir: Path, tmp_path: Path) -> None:
    """A folder without Postgres gives an error with its name; an unknown version gives None."""
    with pytest.raises(PostgresNotFound, match=str(tmp_path)):
        EmbeddedPostgres(data_dir, bin_dir=tmp_path).start()
    assert postgres_binaries(3) is None


@pytest.mark.parametrize(
    "settings", [{"port": "1"}, {"Listen_Addresses": "*"}, {"fsync": "off"}, {"a b": "1"}, {"a": "1\nport=1"}]
)
def test_settings_that_are_not_the_callers_are_refused(settings: dict[str, str]) -> None:
    """What keeps the server closed and kept data safe can't be set."""
    with pytest.raises(ValueError, match=r"\w"):
        EmbeddedPostgres(Path("never-made"), settings=settings)


@root_only
def test_a_folder_that_postgres_cannot_reach_is_refused(newest: Path, tmp_path: Path) -> None:
    """The error names the closed folder, the user and what to set; nothing is made or opened."""
    tmp_path.chmod(0o700)
    with pytest.raises(DataFolderUnreachable, match="DATA_DIR") as refusal:
        EmbeddedPostgres(tmp_path / "deep" / "data", bin_dir=newest).start()
    assert Path(str(refusal.value.facts["closed"])) in (tmp_path, *tmp_path.parents)
    assert not any(tmp_path.iterdir())
    assert mode(tmp_path) == 0o700


@root_only
def test_programs_closed_to_others_are_copied(data_dir: Path, newest: Path, tmp_path: Path) -> None:
    """To a place that others can read but not change, by two starts at once, and nothing is opened."""
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
    asyncio.run(start_together(servers))
    program, same = (Path(f"/proc/{server.postmaster_pid}/exe").resolve() for server in servers)
    for server in servers:
        server.stop()
    assert program == same
    copy = next(folder for folder in program.parents if folder.name.startswith("postgres-18-"))
    try:
        assert [path.name for path in copy.parent.iterdir() if "partial" in path.name] == []
        assert all(
            path.stat().st_uid == 0 and not mode(path) & 0o022 for path in (copy.parent, *copy.rglob("*"))
        )
        assert mode(package) == 0o700
    finally:
        shutil.rmtree(copy)


async def start_together(servers: list[EmbeddedPostgres]) -> list[str]:
    """Start them at the same time, each in a thread."""
    return await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))


@root_only
def test_postgres_runs_with_no_privilege_of_root(data_dir: Path, newest: Path) -> None:
    """User, group and supplementary groups are those of nobody."""
    with EmbeddedPostgres(data_dir, bin_dir=newest) as server:
        status = Path(f"/proc/{server.postmaster_pid}/status").read_text()
    facts = dict(line.split(":", 1) for line in status.splitlines())
    nobody = pwd.getpwnam("nobody")
    assert set(facts["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(facts["Gid"].split()) == {str(nobody.pw_gid)}
    assert facts["Groups"].split() == []
    assert int(facts["CapEff"], 16) == 0


@root_only
def test_a_plain_user_can_run_it(newest: Path, data_dir: Path, owners: OwnerFactory) -> None:
    """In a folder of that user, closed to others, with the same life and death."""
    user = pwd.getpwnam("nobody")
    home = temporary_data_dir()
    home.mkdir(mode=0o700)
    os.chown(home, user.pw_uid, user.pw_gid)
    try:
        owner = owners(newest, python=python_for(user), uid=user.pw_uid, folder=home / "data").await_start()
        assert query(owner.dsn, "SELECT 42") == 42
        assert mode(home / "data") == 0o700
        assert Path(f"/proc/{owner.keeper}").stat().st_uid == user.pw_uid
        owner.end(signal.SIGKILL)
        assert_gone(owner, home / "data")
    finally:
        shutil.rmtree(home)


def python_for(user: pwd.struct_passwd) -> str:
    """An interpreter that this user can run the package with; ours may be in root's closed home."""
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")):
        if python and can_import(python, user):
            return python
    pytest.skip("no Python from 3.11 on that a plain user can run, or the sources are closed to others")


def can_import(python: str, user: pwd.struct_passwd) -> bool:
    """Whether the package can be imported by this interpreter as this user."""
    try:
        attempt = subprocess.run(
            [python, "-c", "import wms_dev.embedded_postgres"],
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
    return attempt.returncode == 0


def test_the_default_folder_is_where_postgres_can_go(tmp_path: Path) -> None:
    """Inside the project for a plain user; for root one for each project, outside of closed homes."""
    project, other = tmp_path / "project", tmp_path / "other" / "project"
    if not AS_ROOT:
        assert default_data_dir(project) == project / ".data" / "postgres"
        return
    assert default_data_dir(project) == default_data_dir(project)
    assert default_data_dir(project) != default_data_dir(other)
    assert postgres_account().closed_folder(default_data_dir(project)) is None

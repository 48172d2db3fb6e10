"""The owner's side of the embedded Postgres."""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from wms_dev.embedded_postgres.account import postgres_account
from wms_dev.embedded_postgres.binaries import postgres_binaries
from wms_dev.embedded_postgres.cluster import DATABASE, ROLE
from wms_dev.embedded_postgres.configuration import check_settings
from wms_dev.embedded_postgres.errors import (
    DataFolderInUse,
    EmbeddedPostgresError,
    KeeperFailed,
    PostgresNotFound,
)
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.job import Job, Running, read_answer
from wms_dev.embedded_postgres.leftover import end_leftover
from wms_dev.embedded_postgres.lock import take_lock
from wms_dev.embedded_postgres.stopping import STOP_SECONDS

DEFAULT_VERSION = 18
# Above the sum of the keeper's own bounds, which give the better message.
START_SECONDS = 300
KEEPER_STOP_SECONDS = STOP_SECONDS + 10
SOURCE_ROOT = Path(__file__).resolve().parents[2]


class EmbeddedPostgres:
    """A Postgres on 127.0.0.1 that lives no longer than this process, however either ends.

    `data_dir` is made when missing and kept, or when `ephemeral` removed after the end. `bin_dir` None
    takes the Postgres 18 that is installed, `port` None a free one below 32768. `settings` are Postgres's.
    Raises `ValueError` for settings that can't be. Installs no signal handlers and blocks in `start` and
    `stop` only.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bin_dir: Path | None = None,
        port: int | None = None,
        ephemeral: bool = False,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        check_settings(settings, ephemeral=ephemeral)
        self._folder = DataFolder(data_dir.resolve())
        self._bin_dir = bin_dir
        self._wanted_port = port
        self._ephemeral = ephemeral
        self._settings = dict(settings)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._owner_pid = os.getpid()
        self._running: Running | None = None

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return self._folder.path

    @property
    def dsn(self) -> str:
        """Where to connect, with the password; raises `RuntimeError` before a start."""
        return f"postgresql://{ROLE}:{self._started.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def port(self) -> int:
        """The port it listens on; raises `RuntimeError` before a start."""
        return self._started.port

    @property
    def postmaster_pid(self) -> int:
        """The process id of Postgres; raises `RuntimeError` before a start."""
        return self._started.postmaster_pid

    @property
    def keeper_pid(self) -> int:
        """The process id of the keeper; raises `RuntimeError` before a start."""
        if self._keeper is None:
            raise RuntimeError("the embedded Postgres was not started")
        return self._keeper.pid

    def is_running(self) -> bool:
        """Whether both the keeper and its Postgres are still there."""
        return self._running is not None and self._keeper is not None and self._keeper.poll() is None

    def start(self) -> str:
        """Start it and return the DSN once connections are accepted; does nothing when it runs.

        Raises a subclass of `EmbeddedPostgresError` that says what to do; nothing is left running then.
        """
        if self.is_running():
            return self.dsn
        self.stop()
        try:
            self._keeper = self._start_keeper()
            self._running = _await_answer(self._keeper)
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """Stop it and wait for its end, bounded; does nothing when it is stopped, or in a forked child."""
        keeper, self._keeper, self._running = self._keeper, None, None
        if keeper is None or os.getpid() != self._owner_pid:
            return
        _end(keeper)
        if keeper.returncode != 0:
            self._clean_up_after_killed_keeper()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _started(self) -> Running:
        if self._running is None:
            raise RuntimeError("the embedded Postgres was not started")
        return self._running

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        bin_dir = self._bin_dir or postgres_binaries(DEFAULT_VERSION)
        if bin_dir is None:
            raise PostgresNotFound(place="this environment")
        job = Job(
            owner_pid=self._owner_pid,
            data_dir=str(self._folder.path),
            bin_dir=str(bin_dir.resolve()),
            port=self._wanted_port,
            ephemeral=self._ephemeral,
            settings=self._settings,
        )
        return _spawn_keeper(job)

    def _clean_up_after_killed_keeper(self) -> None:
        """Its Postgres got the kernel's signal: wait for its end, then remove what is ephemeral."""
        if not self._folder.path.exists():
            return
        with contextlib.suppress(DataFolderInUse):
            lock = take_lock(self._folder, postgres_account(), self._owner_pid, time.sleep)
            try:
                end_leftover(self._folder.cluster)
                if self._ephemeral:
                    self._folder.remove()
            finally:
                os.close(lock)


def _spawn_keeper(job: Job) -> subprocess.Popen[bytes]:
    keeper = subprocess.Popen(
        # Neither site-packages nor the current folder: it starts fast and imports nothing unexpected.
        [sys.executable, "-S", "-P", "-m", "wms_dev.embedded_postgres.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        start_new_session=True,
    )
    assert keeper.stdin
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.write(job.to_line())
    return keeper


def _await_answer(keeper: subprocess.Popen[bytes]) -> Running:
    assert keeper.stdout
    deadline = time.monotonic() + START_SECONDS
    output = b""
    while (left := deadline - time.monotonic()) > 0 and select.select([keeper.stdout], [], [], left)[0]:
        chunk = keeper.stdout.read(65536)
        if not chunk:
            raise KeeperFailed(reason=output.decode(errors="replace").strip() or "it ended without a word")
        output += chunk
        answer = read_answer(output.split(b"\n")[-2]) if output.endswith(b"\n") else None
        if isinstance(answer, EmbeddedPostgresError):
            raise answer
        if answer:
            return answer
    raise KeeperFailed(reason=f"no answer in {START_SECONDS} s")


def _end(keeper: subprocess.Popen[bytes]) -> None:
    """Say so and close the pipe: a child that we forked may hold it open."""
    assert keeper.stdin
    assert keeper.stdout
    with contextlib.suppress(OSError), keeper.stdin as pipe:
        pipe.write(b"\n")
    keeper.stdout.close()
    try:
        keeper.wait(KEEPER_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait(5)

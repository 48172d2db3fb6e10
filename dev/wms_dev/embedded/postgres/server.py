"""The embedded Postgres as seen by its parent process."""

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

from wms_dev.embedded.postgres.binaries import find_postgres_binaries
from wms_dev.embedded.postgres.cluster import DATABASE, ROLE
from wms_dev.embedded.postgres.configuration import check_settings
from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.directory_lock import acquire_lock
from wms_dev.embedded.postgres.errors import (
    DataFolderInUse,
    EmbeddedPostgresError,
    PostgresNotFound,
    SupervisorFailed,
)
from wms_dev.embedded.postgres.os_user import find_os_user
from wms_dev.embedded.postgres.shutdown import STOP_TIMEOUT_SECONDS
from wms_dev.embedded.postgres.stale_server import stop_stale_server
from wms_dev.embedded.postgres.start_request import RunningServer, StartRequest, parse_response

DEFAULT_VERSION = 18
# Longer than the sum of the supervisor's own timeouts, which produce a better message.
START_TIMEOUT_SECONDS = 300
SUPERVISOR_STOP_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS + 10
SOURCE_ROOT = Path(__file__).resolve().parents[3]


class EmbeddedPostgres:
    """A Postgres on 127.0.0.1 that never outlives this process.

    `data_dir` is created if it is missing; it is kept, or removed at the end if `ephemeral`. `bin_dir` None
    selects the installed Postgres 18, `port` None a free port below 32768. `settings` are those of Postgres.
    The class installs no signal handlers and blocks only in `start` and `stop`.

    Raises:
        ValueError: A setting is invalid or reserved.
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
        self._folder = DataDirectory(data_dir.resolve())
        self._bin_dir = bin_dir
        self._requested_port = port
        self._ephemeral = ephemeral
        self._settings = dict(settings)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._parent_pid = os.getpid()
        self._running: RunningServer | None = None

    @property
    def data_dir(self) -> Path:
        """The absolute path of the data folder."""
        return self._folder.path

    @property
    def dsn(self) -> str:
        """The connection URL with the password. Raises `RuntimeError` before a start."""
        return f"postgresql://{ROLE}:{self._running_server.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def port(self) -> int:
        """The port of the server. Raises `RuntimeError` before a start."""
        return self._running_server.port

    @property
    def postmaster_pid(self) -> int:
        """The process id of Postgres. Raises `RuntimeError` before a start."""
        return self._running_server.postmaster_pid

    @property
    def supervisor_pid(self) -> int:
        """The process id of the supervisor. Raises `RuntimeError` before a start."""
        if self._supervisor is None:
            raise RuntimeError("the embedded Postgres was not started")
        return self._supervisor.pid

    def is_running(self) -> bool:
        """Return whether the supervisor and its Postgres are running."""
        return self._running is not None and self._supervisor is not None and self._supervisor.poll() is None

    def start(self) -> str:
        """Start Postgres and return its URL once it accepts connections. Do nothing if it is running.

        Raises:
            EmbeddedPostgresError: Postgres could not be started; no process is left.
        """
        if self.is_running():
            return self.dsn
        self.stop()
        try:
            self._supervisor = self._start_supervisor()
            self._running = _wait_for_response(self._supervisor)
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self) -> None:
        """Stop Postgres and wait, with a bound on the time.

        Do nothing if it is stopped, or in a forked child.
        """
        supervisor, self._supervisor, self._running = self._supervisor, None, None
        if supervisor is None or os.getpid() != self._parent_pid:
            return
        _stop_supervisor(supervisor)
        if supervisor.returncode != 0:
            self._clean_up_after_killed_supervisor()

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
    def _running_server(self) -> RunningServer:
        if self._running is None:
            raise RuntimeError("the embedded Postgres was not started")
        return self._running

    def _start_supervisor(self) -> subprocess.Popen[bytes]:
        bin_dir = self._bin_dir or find_postgres_binaries(DEFAULT_VERSION)
        if bin_dir is None:
            raise PostgresNotFound(place="this environment")
        start_request = StartRequest(
            parent_pid=self._parent_pid,
            data_dir=str(self._folder.path),
            bin_dir=str(bin_dir.resolve()),
            port=self._requested_port,
            ephemeral=self._ephemeral,
            settings=self._settings,
        )
        return _spawn_supervisor(start_request)

    def _clean_up_after_killed_supervisor(self) -> None:
        """Wait until Postgres has exited by the kernel's signal, then remove an ephemeral folder."""
        if not self._folder.path.exists():
            return
        with contextlib.suppress(DataFolderInUse):
            lock = acquire_lock(self._folder, find_os_user(), self._parent_pid, time.sleep)
            try:
                stop_stale_server(self._folder.cluster)
                if self._ephemeral:
                    self._folder.remove()
            finally:
                os.close(lock)


def _spawn_supervisor(start_request: StartRequest) -> subprocess.Popen[bytes]:
    supervisor = subprocess.Popen(
        # Without site-packages and the current folder, it starts fast and imports no unexpected modules.
        [sys.executable, "-S", "-P", "-m", "wms_dev.embedded.postgres.supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        start_new_session=True,
    )
    assert supervisor.stdin
    with contextlib.suppress(BrokenPipeError):
        supervisor.stdin.write(start_request.to_line())
    return supervisor


def _wait_for_response(supervisor: subprocess.Popen[bytes]) -> RunningServer:
    assert supervisor.stdout
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    output = b""
    while (remaining_seconds := deadline - time.monotonic()) > 0 and select.select(
        [supervisor.stdout], [], [], remaining_seconds
    )[0]:
        chunk = supervisor.stdout.read(65536)
        if not chunk:
            raise SupervisorFailed(
                reason=output.decode(errors="replace").strip() or "it exited without output"
            )
        output += chunk
        response = parse_response(output.split(b"\n")[-2]) if output.endswith(b"\n") else None
        if isinstance(response, EmbeddedPostgresError):
            raise response
        if response:
            return response
    raise SupervisorFailed(reason=f"no response within {START_TIMEOUT_SECONDS} s")


def _stop_supervisor(supervisor: subprocess.Popen[bytes]) -> None:
    """Request the stop and close the pipe; a forked child may keep it open, so closing is not enough."""
    assert supervisor.stdin
    assert supervisor.stdout
    with contextlib.suppress(OSError), supervisor.stdin as pipe:
        pipe.write(b"\n")
    supervisor.stdout.close()
    try:
        supervisor.wait(SUPERVISOR_STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait(5)

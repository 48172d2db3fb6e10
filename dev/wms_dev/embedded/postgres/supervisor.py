"""The process between the parent and Postgres: `python -m wms_dev.embedded.postgres.supervisor`.

It has its own session, so Ctrl-C in the terminal reaches only the parent. It keeps the privileges of the
parent, which it needs to create and remove the data folder. Every program that it starts drops them.
"""

import contextlib
import os
import sys
import traceback
from pathlib import Path

from wms_dev.embedded.postgres.binary_copies import find_usable_binaries
from wms_dev.embedded.postgres.cluster import Installation, ensure_cluster
from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.directory_lock import acquire_lock
from wms_dev.embedded.postgres.errors import (
    DataFolderKept,
    DataFolderUnusable,
    EmbeddedPostgresError,
    SupervisorFailed,
)
from wms_dev.embedded.postgres.os_user import find_os_user
from wms_dev.embedded.postgres.parent_watch import ParentExited, ParentWatch
from wms_dev.embedded.postgres.postmaster import Postmaster, PostmasterLauncher
from wms_dev.embedded.postgres.stale_server import stop_stale_server
from wms_dev.embedded.postgres.start_request import RunningServer, StartRequest, encode_error

STDIN_FD, STDOUT_FD, STDERR_FD = 0, 1, 2


def main() -> None:
    """Run the server until the parent or Postgres exits. Errors are sent to the parent."""
    os.umask(0o022)
    start_request = StartRequest.from_line(_read_line())
    parent_watch = ParentWatch(start_request.parent_pid, STDIN_FD)
    try:
        _supervise(start_request, parent_watch)
    except ParentExited:
        pass
    except EmbeddedPostgresError as error:
        _write_response(encode_error(error))
    except OSError as error:
        _write_response(encode_error(DataFolderUnusable(folder=start_request.data_dir, reason=str(error))))
    except Exception as error:
        traceback.print_exc()
        _write_response(encode_error(SupervisorFailed(reason=repr(error))))
        sys.exit(1)


def _supervise(start_request: StartRequest, parent_watch: ParentWatch) -> None:
    installation = _find_installation(start_request)
    folder = DataDirectory(Path(start_request.data_dir))
    lock = acquire_lock(folder, installation.os_user, start_request.parent_pid, parent_watch.wait)
    try:
        if start_request.ephemeral and folder.cluster.exists():
            raise DataFolderKept(folder=str(folder.path))
        _run_server(start_request, folder, installation, parent_watch)
    finally:
        os.close(lock)


def _find_installation(start_request: StartRequest) -> Installation:
    os_user = find_os_user()
    bin_dir, version = find_usable_binaries(Path(start_request.bin_dir), os_user)
    return Installation(bin_dir, version, os_user)


def _run_server(
    start_request: StartRequest, folder: DataDirectory, installation: Installation, parent_watch: ParentWatch
) -> None:
    log = folder.open_log()
    try:
        stop_stale_server(folder.cluster, parent_watch.wait)
        password = ensure_cluster(folder, installation, log, parent_watch.wait)
        server = PostmasterLauncher(
            folder, installation, start_request.port, start_request.settings, log, parent_watch.wait
        ).start()
        try:
            _write_response(RunningServer(server.port, server.process.pid, password).to_line())
            _detach_output(log)
            _wait_for_end(server, parent_watch)
        finally:
            server.stop()
    finally:
        folder.clear_unfinished()
        if start_request.ephemeral:
            folder.remove()


def _wait_for_end(server: Postmaster, parent_watch: ParentWatch) -> None:
    while server.is_running():
        parent_watch.wait(60)


def _read_line() -> bytes:
    """Read a line byte by byte: the following bytes are for `ParentWatch`."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(STDIN_FD, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


def _write_response(line: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(STDOUT_FD, line)


def _detach_output(log: int) -> None:
    """Redirect further output to the log."""
    os.dup2(log, STDOUT_FD)
    os.dup2(log, STDERR_FD)


if __name__ == "__main__":
    main()

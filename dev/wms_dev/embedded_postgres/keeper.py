"""The process between the owner and Postgres: `python -m wms_dev.embedded_postgres.keeper`.

It is in a session of its own, so Ctrl-C at the terminal reaches the owner first. It keeps the owner's
privileges, which it needs to make and remove the data folder; every program it starts gives them up.
"""

import contextlib
import os
import sys
import traceback
from pathlib import Path

from wms_dev.embedded_postgres.account import postgres_account
from wms_dev.embedded_postgres.cluster import Installation, ensure_cluster
from wms_dev.embedded_postgres.copies import usable_binaries
from wms_dev.embedded_postgres.errors import (
    DataFolderKept,
    DataFolderUnusable,
    EmbeddedPostgresError,
    KeeperFailed,
)
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.job import Job, Running, error_line
from wms_dev.embedded_postgres.leftover import end_leftover
from wms_dev.embedded_postgres.lock import take_lock
from wms_dev.embedded_postgres.owner_watch import OwnerLeft, OwnerWatch
from wms_dev.embedded_postgres.postmaster import Launch, Postmaster

INPUT, OUTPUT, ERRORS = 0, 1, 2


def main() -> None:
    """Do the owner's job until the owner leaves or Postgres ends; an error goes to the owner."""
    os.umask(0o022)
    job = Job.from_line(_read_line())
    watch = OwnerWatch(job.owner_pid, INPUT)
    try:
        _keep(job, watch)
    except OwnerLeft:
        pass
    except EmbeddedPostgresError as error:
        _answer(error_line(error))
    except OSError as error:
        _answer(error_line(DataFolderUnusable(folder=job.data_dir, reason=str(error))))
    except Exception as error:
        traceback.print_exc()
        _answer(error_line(KeeperFailed(reason=repr(error))))
        sys.exit(1)


def _keep(job: Job, watch: OwnerWatch) -> None:
    installed = _installation(job)
    folder = DataFolder(Path(job.data_dir))
    lock = take_lock(folder, installed.account, job.owner_pid, watch.pause)
    try:
        if job.ephemeral and folder.cluster.exists():
            raise DataFolderKept(folder=str(folder.path))
        _serve(job, folder, installed, watch)
    finally:
        os.close(lock)


def _installation(job: Job) -> Installation:
    account = postgres_account()
    bin_dir, version = usable_binaries(Path(job.bin_dir), account)
    return Installation(bin_dir, version, account)


def _serve(job: Job, folder: DataFolder, installed: Installation, watch: OwnerWatch) -> None:
    log = folder.open_log()
    try:
        end_leftover(folder.cluster, watch.pause)
        password = ensure_cluster(folder, installed, log, watch.pause)
        server = Launch(folder, installed, job.port, job.settings, log, watch.pause).start()
        try:
            _answer(Running(server.port, server.process.pid, password).to_line())
            _detach_output(log)
            _stay(server, watch)
        finally:
            server.stop()
    finally:
        folder.clear_unfinished()
        if job.ephemeral:
            folder.remove()


def _stay(server: Postmaster, watch: OwnerWatch) -> None:
    while server.is_there():
        watch.pause(60)


def _read_line() -> bytes:
    """Byte by byte: what follows the line is for the watch to see."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(INPUT, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


def _answer(line: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(OUTPUT, line)


def _detach_output(log: int) -> None:
    """Whatever we say from now on belongs in the log."""
    os.dup2(log, OUTPUT)
    os.dup2(log, ERRORS)


if __name__ == "__main__":
    main()

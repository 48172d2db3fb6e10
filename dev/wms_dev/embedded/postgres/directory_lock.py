"""The lock that limits a data folder to one server."""

import contextlib
import fcntl
import os

from wms_dev.embedded.postgres.data_directory import DataDirectory
from wms_dev.embedded.postgres.errors import DataFolderInUse
from wms_dev.embedded.postgres.os_user import OsUser
from wms_dev.embedded.postgres.polling import Wait, wait_until
from wms_dev.embedded.postgres.process_table import is_alive

LOCK_TIMEOUT_SECONDS = 30


def acquire_lock(folder: DataDirectory, os_user: OsUser, parent_pid: int, wait: Wait) -> int:
    """Prepare the folder and lock it until the returned file descriptor is closed.

    If the parent process of the holder has exited, its supervisor is still stopping the server; wait for
    that.

    Raises:
        DataFolderInUse: The parent process of the holder is running, or the lock is not released in time.
    """
    descriptors: list[int] = []

    def is_decided() -> bool:
        if (descriptor := _try_lock(folder, os_user)) is not None:
            descriptors.append(descriptor)
        return bool(descriptors) or is_alive(_read_holder_pid(folder))

    wait_until(is_decided, LOCK_TIMEOUT_SECONDS, wait)
    if not descriptors:
        raise DataFolderInUse(folder=str(folder.path), pid=_read_holder_pid(folder))
    os.ftruncate(descriptors[0], 0)
    os.pwrite(descriptors[0], f"{parent_pid}\n".encode(), 0)
    return descriptors[0]


def _try_lock(folder: DataDirectory, os_user: OsUser) -> int | None:
    folder.prepare(os_user)
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # An ephemeral folder may have been removed between open and lock; then the lock has no effect.
        if os.fstat(descriptor).st_ino == folder.lock.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _read_holder_pid(folder: DataDirectory) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(folder.lock.read_text())
    return 0

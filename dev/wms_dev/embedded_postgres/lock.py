"""One server a data folder."""

import contextlib
import fcntl
import os

from wms_dev.embedded_postgres.account import Account
from wms_dev.embedded_postgres.errors import DataFolderInUse
from wms_dev.embedded_postgres.folder import DataFolder
from wms_dev.embedded_postgres.processes import is_alive
from wms_dev.embedded_postgres.waiting import Pause, until

WIND_DOWN_SECONDS = 30


def take_lock(folder: DataFolder, account: Account, owner_pid: int, pause: Pause) -> int:
    """Prepare the folder and lock it until the returned file descriptor is closed.

    Raises `DataFolderInUse` at once when the holder's owner lives. When it died its keeper is still
    stopping the server, which is waited for.
    """
    taken: list[int] = []

    def decided() -> bool:
        if (descriptor := _try_lock(folder, account)) is not None:
            taken.append(descriptor)
        return bool(taken) or is_alive(_holder(folder))

    until(decided, WIND_DOWN_SECONDS, pause)
    if not taken:
        raise DataFolderInUse(folder=str(folder.path), pid=_holder(folder))
    os.ftruncate(taken[0], 0)
    os.pwrite(taken[0], f"{owner_pid}\n".encode(), 0)
    return taken[0]


def _try_lock(folder: DataFolder, account: Account) -> int | None:
    folder.prepare(account)
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # An ephemeral folder may have gone between open and lock: then this lock is on nothing.
        if os.fstat(descriptor).st_ino == folder.lock.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _holder(folder: DataFolder) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(folder.lock.read_text())
    return 0

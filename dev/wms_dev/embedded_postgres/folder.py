"""The data folder: what is in it, who may use it, and how it goes."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded_postgres.account import Account
from wms_dev.embedded_postgres.errors import DataFolderForeign, DataFolderUnreachable
from wms_dev.embedded_postgres.locations import default_data_dir

ROTATE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class DataFolder:
    """Ours, and Postgres's user may pass through; only `cluster` belongs to that user.

    So nothing that we open by name, as root perhaps, can be swapped for a link by anyone else.
    """

    path: Path

    @property
    def cluster(self) -> Path:
        """Postgres's own data directory; it exists only when it is complete."""
        return self.path / "cluster"

    @property
    def lock(self) -> Path:
        """Locked by the keeper while it lives; the first file in the folder and our mark on it."""
        return self.path / "lock"

    @property
    def password(self) -> Path:
        """The password of the role wms, for our eyes only."""
        return self.path / "password"

    @property
    def configuration(self) -> Path:
        """Written anew at each start."""
        return self.path / "postgresql.conf"

    @property
    def access_rules(self) -> Path:
        """Postgres's pg_hba.conf, written anew at each start."""
        return self.path / "pg_hba.conf"

    @property
    def old_log(self) -> Path:
        """The log before, put aside when it got long."""
        return self.path / "server.log.old"

    @property
    def log(self) -> Path:
        """What initdb, Postgres and the keeper say."""
        return self.path / "server.log"

    def prepare(self, account: Account) -> None:
        """Make the folder, or check that it is ours and that `account` can reach it."""
        if closed := account.closed_folder(self.path):
            raise DataFolderUnreachable(
                folder=str(self.path),
                account=account.name,
                closed=str(closed),
                suggestion=str(default_data_dir(self.path)),
            )
        self._make(account)
        if self.path.stat().st_uid != os.geteuid():
            raise DataFolderForeign(folder=str(self.path), reason="it belongs to another user")
        if any(self.path.iterdir()) and not self.lock.exists():
            raise DataFolderForeign(folder=str(self.path), reason="it has other files in it")

    def open_log(self) -> int:
        """The log to append to, as a file descriptor; a long one is put aside first."""
        if self.log.exists() and self.log.stat().st_size > ROTATE_BYTES:
            self.log.rename(self.old_log)
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def clear_unfinished(self) -> None:
        """Remove what a killed initdb left behind."""
        for leftover in self.path.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def remove(self) -> None:
        """Remove everything of ours, and the folder when nothing else is in it. The lock goes last."""
        self.clear_unfinished()
        shutil.rmtree(self.cluster, ignore_errors=True)
        ours = (self.password, self.configuration, self.access_rules, self.log, self.old_log, self.lock)
        for file in ours:
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _make(self, account: Account) -> None:
        """Existing folders keep their permissions; new ones get what `account` needs to pass."""
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            closed_mode = 0o711 if account.dropped else 0o700
            folder.mkdir(mode=closed_mode if folder == self.path else 0o755, exist_ok=True)

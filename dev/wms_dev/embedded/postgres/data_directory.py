"""The data folder: its files, its owner and its removal."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded.postgres.data_locations import default_data_dir
from wms_dev.embedded.postgres.errors import DataFolderForeign, DataFolderUnreachable
from wms_dev.embedded.postgres.os_user import OsUser

LOG_ROTATION_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class DataDirectory:
    """A folder of this process's user through which Postgres's user may pass; only `cluster` belongs to it.

    Files that this process opens by name, perhaps as root, therefore cannot be replaced by a link.
    """

    path: Path

    @property
    def cluster(self) -> Path:
        """Postgres's own data directory. It exists only when it is complete."""
        return self.path / "cluster"

    @property
    def lock(self) -> Path:
        """The lock of the supervisor. It is the first file in the folder and marks it as a data folder."""
        return self.path / "lock"

    @property
    def password(self) -> Path:
        """The password of the role wms, readable only by this user."""
        return self.path / "password"

    @property
    def configuration(self) -> Path:
        """postgresql.conf, rewritten at each start."""
        return self.path / "postgresql.conf"

    @property
    def access_rules(self) -> Path:
        """pg_hba.conf, rewritten at each start."""
        return self.path / "pg_hba.conf"

    @property
    def old_log(self) -> Path:
        """The previous log, after a rotation."""
        return self.path / "server.log.old"

    @property
    def log(self) -> Path:
        """The output of initdb, Postgres and the supervisor."""
        return self.path / "server.log"

    def prepare(self, os_user: OsUser) -> None:
        """Create the folder, or check that it is a data folder of this user that `os_user` can reach.

        Raises:
            DataFolderUnreachable: A parent folder is closed to `os_user`.
            DataFolderForeign: The folder belongs to another user or contains other files.
        """
        if closed := os_user.find_closed_folder(self.path):
            raise DataFolderUnreachable(
                folder=str(self.path),
                account=os_user.name,
                closed=str(closed),
                suggestion=str(default_data_dir(self.path)),
            )
        self._create(os_user)
        if self.path.stat().st_uid != os.geteuid():
            raise DataFolderForeign(folder=str(self.path), reason="it belongs to another user")
        if any(self.path.iterdir()) and not self.lock.exists():
            raise DataFolderForeign(folder=str(self.path), reason="it contains other files")

    def open_log(self) -> int:
        """Open the log for appending and return its file descriptor. Rotate a long log first."""
        if self.log.exists() and self.log.stat().st_size > LOG_ROTATION_BYTES:
            self.log.rename(self.old_log)
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def clear_unfinished(self) -> None:
        """Remove the files of an aborted initdb."""
        for partial_folder in self.path.glob("initdb-*"):
            shutil.rmtree(partial_folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove all files of the server, and the folder if it is empty then. The lock is removed last."""
        self.clear_unfinished()
        shutil.rmtree(self.cluster, ignore_errors=True)
        own_files = (self.password, self.configuration, self.access_rules, self.log, self.old_log, self.lock)
        for file in own_files:
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _create(self, os_user: OsUser) -> None:
        """Create missing folders through which `os_user` can pass; existing ones keep their permissions."""
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        for folder in reversed(missing):
            closed_mode = 0o711 if os_user.is_unprivileged else 0o700
            folder.mkdir(mode=closed_mode if folder == self.path else 0o755, exist_ok=True)

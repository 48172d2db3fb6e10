"""The operating system user of Postgres: the current one, or an unprivileged one if that is root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded.postgres.errors import OsUserMissing

UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True)
class OsUser:
    """A user, and its ids for `subprocess` if privileges must be dropped."""

    name: str
    uid: int
    gid: int
    is_unprivileged: bool

    @property
    def user(self) -> int | None:
        """The user id to change to, or None for the current user."""
        return self.uid if self.is_unprivileged else None

    @property
    def group(self) -> int | None:
        """The group id to change to, or None for the current group."""
        return self.gid if self.is_unprivileged else None

    @property
    def extra_groups(self) -> list[int] | None:
        """No supplementary groups after a change of user, or None for the current ones."""
        return [] if self.is_unprivileged else None

    def give_ownership(self, owned_path: Path) -> None:
        """Change the owner of a newly created file or folder to this user."""
        if self.is_unprivileged:
            os.chown(owned_path, self.uid, self.gid)

    def find_closed_folder(self, path: Path) -> Path | None:
        """Return the first folder of `path` that this user may not enter, or None."""
        if not self.is_unprivileged:
            return None
        ancestors = [folder for folder in reversed([path, *path.parents]) if folder.exists()]
        return next((folder for folder in ancestors if not self._may_enter(folder)), None)

    def _may_enter(self, folder: Path) -> bool:
        folder_stat = folder.stat()
        if folder_stat.st_uid == self.uid:
            return bool(folder_stat.st_mode & 0o100)
        if folder_stat.st_gid == self.gid:
            return bool(folder_stat.st_mode & 0o010)
        return bool(folder_stat.st_mode & 0o001)


def find_os_user() -> OsUser:
    """Return the user that runs Postgres.

    Raises:
        OsUserMissing: The current user is root and there is no unprivileged user.
    """
    if os.geteuid() != 0:
        return OsUser(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), is_unprivileged=False)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise OsUserMissing(name=UNPRIVILEGED_USER) from None
    return OsUser(name=UNPRIVILEGED_USER, uid=entry.pw_uid, gid=entry.pw_gid, is_unprivileged=True)

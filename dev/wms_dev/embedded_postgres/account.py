"""The user that Postgres runs as: ourselves, or somebody harmless when we are root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from wms_dev.embedded_postgres.errors import NoAccount

STAND_IN = "nobody"


@dataclass(frozen=True)
class Account:
    """A user and, when privileges must be dropped to become that user, its ids for `subprocess`."""

    name: str
    uid: int
    gid: int
    dropped: bool

    @property
    def user(self) -> int | None:
        """The user id to change to, None to stay."""
        return self.uid if self.dropped else None

    @property
    def group(self) -> int | None:
        """The group id to change to, None to stay."""
        return self.gid if self.dropped else None

    @property
    def extra_groups(self) -> list[int] | None:
        """No supplementary groups after a change, None to stay."""
        return [] if self.dropped else None

    def own(self, path: Path) -> None:
        """Give a file or folder that we just made to this user."""
        if self.dropped:
            os.chown(path, self.uid, self.gid)

    def closed_folder(self, path: Path) -> Path | None:
        """The first folder on the way to `path` that this user may not enter; None when all are open."""
        if not self.dropped:
            return None
        way = [folder for folder in reversed([path, *path.parents]) if folder.exists()]
        return next((folder for folder in way if not self._may_enter(folder)), None)

    def _may_enter(self, folder: Path) -> bool:
        facts = folder.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & 0o010)
        return bool(facts.st_mode & 0o001)


def postgres_account() -> Account:
    """The user to run Postgres as; raises `NoAccount` when we are root and there is none."""
    if os.geteuid() != 0:
        return Account(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), dropped=False)
    try:
        entry = pwd.getpwnam(STAND_IN)
    except KeyError:
        raise NoAccount(name=STAND_IN) from None
    return Account(name=STAND_IN, uid=entry.pw_uid, gid=entry.pw_gid, dropped=True)

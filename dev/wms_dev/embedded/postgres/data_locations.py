"""Default locations of data folders."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from wms_dev.embedded.postgres.os_user import find_os_user


def default_data_dir(project_root: Path) -> Path:
    """Return the persistent data folder of a project.

    It is inside the project, or for root under /var/lib, which Postgres's user can reach.
    """
    project = project_root.resolve()
    if os.geteuid() != 0:
        return project / ".data" / "postgres"
    path_hash = hashlib.sha256(os.fsencode(project)).hexdigest()[:8]
    return Path("/var/lib/wms-orders") / f"{project.name}-{path_hash}" / "postgres"


def temporary_data_dir() -> Path:
    """Return a new path for an ephemeral data folder that Postgres's user can reach."""
    os_user = find_os_user()
    private_folder = Path(tempfile.gettempdir()).resolve()
    shared = Path("/var/tmp")  # noqa: S108 - the folder in it is new, random and created only here
    base = next(
        (folder for folder in (private_folder, shared) if os_user.find_closed_folder(folder) is None),
        private_folder,
    )
    return base / f"wms-postgres-{secrets.token_hex(8)}"

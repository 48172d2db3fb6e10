"""Where data folders go when nobody says."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from wms_dev.embedded_postgres.account import postgres_account


def default_data_dir(project_root: Path) -> Path:
    """The kept data folder of a project: inside it, for root under /var/lib where Postgres's user can go."""
    project = project_root.resolve()
    if os.geteuid() != 0:
        return project / ".data" / "postgres"
    mark = hashlib.sha256(os.fsencode(project)).hexdigest()[:8]
    return Path("/var/lib/wms-orders") / f"{project.name}-{mark}" / "postgres"


def temporary_data_dir() -> Path:
    """A name for an ephemeral server's folder, not made yet, that Postgres's user can reach."""
    account = postgres_account()
    own = Path(tempfile.gettempdir()).resolve()
    shared = Path("/var/tmp")  # noqa: S108 - the folder in it is new, random and made by us alone
    base = next((place for place in (own, shared) if account.closed_folder(place) is None), own)
    return base / f"wms-postgres-{secrets.token_hex(8)}"

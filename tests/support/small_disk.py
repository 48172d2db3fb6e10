"""A database on a disk of its own that a test can fill and clear."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.event_log import connected
from tests.support.requirements import skip_or_fail

_SIZE = "96m"


class SmallDisk:
    """A file system of some megabytes that holds the tables of one database; the WAL is elsewhere."""

    def __init__(self, folder: Path, database_url: str) -> None:
        """Use `open_small_disk` instead."""
        self._ballast = folder / "ballast"
        self.database_url = database_url

    def fill(self) -> None:
        """Write until no byte is free."""
        with self._ballast.open("wb", buffering=0) as ballast:
            for size in (1024 * 1024, 4096):
                try:
                    while ballast.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def clear(self) -> None:
        """Free the space again."""
        self._ballast.unlink(missing_ok=True)


@asynccontextmanager
async def open_small_disk(cluster_url: str) -> AsyncIterator[SmallDisk]:
    """Create an empty database on such a disk; needs the right to mount."""
    name = f"small_{uuid.uuid4().hex}"
    async with connected(cluster_url) as sql:
        owner = os.stat(await sql.fetchval("SHOW data_directory"))  # noqa: PTH116 # takes no time
        with _mounted() as folder:
            place = folder / "tables"
            place.mkdir()
            os.chown(place, owner.st_uid, owner.st_gid)
            await sql.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'")
            try:
                await sql.execute(f"CREATE DATABASE {name} TEMPLATE template0 TABLESPACE {name}")
                yield SmallDisk(folder, cluster_url.rsplit("/", 1)[0] + f"/{name}")
            finally:
                await sql.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await sql.execute(f"DROP TABLESPACE {name}")


@contextmanager
def _mounted() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wms-small-disk-"))
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=755", "wms-small-disk", str(folder)]
    try:
        mounting = subprocess.run(mount, check=False, capture_output=True, text=True)
        if mounting.returncode:
            skip_or_fail(f"no file system can be mounted here: {mounting.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 # as mounting
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""A copy of the Postgres programs for the unprivileged user, if the originals are closed to others."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wms_dev.embedded.postgres.binaries import read_major_version
from wms_dev.embedded.postgres.errors import PostgresNotFound
from wms_dev.embedded.postgres.os_user import OsUser

INSTALLATION_FOLDERS = ("bin", "lib", "share")


def find_usable_binaries(bin_dir: Path, os_user: OsUser) -> tuple[Path, int]:
    """Return a folder with these programs that `os_user` can run, and their version.

    These are the originals if possible, otherwise a copy in a cache folder that only root can change.

    Raises:
        PostgresNotFound: Neither can be run.
    """
    if version := read_major_version(bin_dir, os_user):
        return bin_dir, version
    if os_user.is_unprivileged and read_major_version(bin_dir):
        copy = _copy_binaries(bin_dir, os_user)
        if version := read_major_version(copy, os_user):
            return copy, version
    raise PostgresNotFound(place=str(bin_dir))


def _copy_binaries(bin_dir: Path, os_user: OsUser) -> Path:
    """Copy to a temporary name and rename, so that two concurrent starts end up with the same copy."""
    cache_folder = _cache_folder(bin_dir, os_user)
    copy = cache_folder / f"postgres-{read_major_version(bin_dir)}-{_hash_content(bin_dir)}"
    if not _is_trusted(copy):
        partial = cache_folder / f"partial-{secrets.token_hex(8)}"
        try:
            _copy_open_to_all(bin_dir, partial)
            partial.rename(copy)
        except OSError:
            if not _is_trusted(copy):
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return copy / bin_dir.relative_to(bin_dir.parent.parent.parent)


def _cache_folder(bin_dir: Path, os_user: OsUser) -> Path:
    for base in (Path("/var/cache"), Path(tempfile.gettempdir()).resolve()):
        folder = base / "wms-orders"
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if _is_trusted(folder) and os_user.find_closed_folder(folder) is None:
            return folder
    place = f"{bin_dir} that the user {os_user.name} can read, nor in a copy, for lack of a folder"
    raise PostgresNotFound(place=place)


def _is_trusted(folder: Path) -> bool:
    """Return whether only root created and can change the folder. Shared folders contain those of others."""
    try:
        folder_stat = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(folder_stat.st_mode) and folder_stat.st_uid == 0 and not folder_stat.st_mode & 0o022


def _sources(bin_dir: Path) -> Iterator[Path]:
    """Yield the folders of the installation, and the libraries that auditwheel puts beside a package."""
    install = bin_dir.parent
    yield from (install / part for part in INSTALLATION_FOLDERS if (install / part).is_dir())
    libraries = install.parent.parent / f"{install.parent.name}.libs"
    if libraries.is_dir():
        yield libraries


def _hash_content(bin_dir: Path) -> str:
    """Hash the content, so that a reinstalled wheel finds its copy."""
    content_hash = hashlib.blake2b(digest_size=8)
    for source in _sources(bin_dir):
        for file in sorted(file for file in source.rglob("*") if file.is_file()):
            content_hash.update(f"{source.name}/{file.relative_to(source)}\0{file.stat().st_size}\0".encode())
            content_hash.update(file.read_bytes())
    return content_hash.hexdigest()


def _copy_open_to_all(bin_dir: Path, target: Path) -> None:
    root = bin_dir.parent.parent.parent
    for source in _sources(bin_dir):
        shutil.copytree(source, target / source.relative_to(root))
    for path in (target, *target.rglob("*")):
        is_executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if is_executable else 0o644)

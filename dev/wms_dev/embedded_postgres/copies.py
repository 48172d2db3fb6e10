"""A copy of the Postgres programs for the stand-in user, when the originals are closed to others."""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wms_dev.embedded_postgres.account import Account
from wms_dev.embedded_postgres.binaries import major_version
from wms_dev.embedded_postgres.errors import PostgresNotFound

PARTS = ("bin", "lib", "share")


def usable_binaries(bin_dir: Path, account: Account) -> tuple[Path, int]:
    """A folder with these programs that `account` can run, and their version; raises `PostgresNotFound`.

    The originals where they can be run, otherwise a copy in a cache folder that only root can change.
    """
    if version := major_version(bin_dir, account):
        return bin_dir, version
    if account.dropped and major_version(bin_dir):
        copy = _copied(bin_dir, account)
        if version := major_version(copy, account):
            return copy, version
    raise PostgresNotFound(place=str(bin_dir))


def _copied(bin_dir: Path, account: Account) -> Path:
    """Rename is what makes two starts at once both work: the later one finds the copy or loses the rename."""
    cache = _cache_folder(bin_dir, account)
    copy = cache / f"postgres-{major_version(bin_dir)}-{_content_hash(bin_dir)}"
    if not _is_trusted(copy):
        partial = cache / f"partial-{secrets.token_hex(8)}"
        try:
            _copy_open_to_all(bin_dir, partial)
            partial.rename(copy)
        except OSError:
            if not _is_trusted(copy):
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return copy / bin_dir.relative_to(bin_dir.parent.parent.parent)


def _cache_folder(bin_dir: Path, account: Account) -> Path:
    for base in (Path("/var/cache"), Path(tempfile.gettempdir()).resolve()):
        folder = base / "wms-orders"
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        if _is_trusted(folder) and account.closed_folder(folder) is None:
            return folder
    place = f"{bin_dir} that the user {account.name} can read, nor a place to copy them to"
    raise PostgresNotFound(place=place)


def _is_trusted(folder: Path) -> bool:
    """Only root made it and only root can change it: not so for what others plant in a shared folder."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == 0 and not facts.st_mode & 0o022


def _sources(bin_dir: Path) -> Iterator[Path]:
    """The installation's parts, and the libraries that a repaired wheel keeps beside its package."""
    install = bin_dir.parent
    yield from (install / part for part in PARTS if (install / part).is_dir())
    libraries = install.parent.parent / f"{install.parent.name}.libs"
    if libraries.is_dir():
        yield libraries


def _content_hash(bin_dir: Path) -> str:
    """By content, so that a wheel that is installed again finds its copy."""
    total = hashlib.blake2b(digest_size=8)
    for source in _sources(bin_dir):
        for file in sorted(file for file in source.rglob("*") if file.is_file()):
            total.update(f"{source.name}/{file.relative_to(source)}\0{file.stat().st_size}\0".encode())
            total.update(file.read_bytes())
    return total.hexdigest()


def _copy_open_to_all(bin_dir: Path, target: Path) -> None:
    root = bin_dir.parent.parent.parent
    for source in _sources(bin_dir):
        shutil.copytree(source, target / source.relative_to(root))
    for path in (target, *target.rglob("*")):
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)

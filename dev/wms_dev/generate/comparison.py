"""What is committed beside what would be made."""

import shutil
from collections.abc import Sequence
from pathlib import Path


def differences(fresh: Path, committed: Path, made: Sequence[str]) -> list[Path]:
    """The files below the folders `made`, relative to either side, that differ or are on one side only."""
    names = _files(fresh, made) | _files(committed, made)
    return sorted(name for name in names if _content(fresh / name) != _content(committed / name))


def replace(fresh: Path, committed: Path, names: Sequence[Path]) -> None:
    """Bring the named files over, and remove those that are no longer made."""
    for name in names:
        target = committed / name
        if not (fresh / name).exists():
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fresh / name, target)


def _files(folder: Path, made: Sequence[str]) -> set[Path]:
    """The files of the generated folders, without Python's own cache."""
    found = (path for top in made for path in (folder / top).rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in found if "__pycache__" not in path.parts}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None

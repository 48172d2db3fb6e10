"""Comparison of generated with committed files."""

import shutil
from collections.abc import Sequence
from pathlib import Path


def find_differences(generated: Path, committed: Path, generated_folders: Sequence[str]) -> list[Path]:
    """Return the differing or missing files below `generated_folders`, relative to either folder."""
    names = _list_files(generated, generated_folders) | _list_files(committed, generated_folders)
    return sorted(
        name for name in names if _read_content(generated / name) != _read_content(committed / name)
    )


def copy_generated(generated: Path, committed: Path, names: Sequence[Path]) -> None:
    """Copy the named files, and remove those that are not generated any more."""
    for name in names:
        target = committed / name
        if not (generated / name).exists():
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(generated / name, target)


def _list_files(folder: Path, generated_folders: Sequence[str]) -> set[Path]:
    """Return the files of the generated folders, without `__pycache__`."""
    files = (path for top in generated_folders for path in (folder / top).rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in files if "__pycache__" not in path.parts}


def _read_content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None

"""Builds the Go module in the form of a module proxy."""

import json
import zipfile
from pathlib import Path

from wms_dev.codegen.go import MODULE
from wms_dev.codegen.protos import CLIENTS
from wms_dev.packages.building import project_repository, project_version, run_tool

FOLDER = CLIENTS / "go"


def build(output: Path) -> list[Path]:
    """Create the module's files of the module proxy protocol below `output`, and return the archive.

    `GOPROXY=file://<output>` then serves the module.

    Raises:
        PackageBuildError: git failed.
    """
    version = f"v{project_version()}"
    folder = output / MODULE / "@v"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{version}.zip"
    _write_archive(archive, f"{MODULE}@{version}")
    (folder / f"{version}.mod").write_bytes((FOLDER / "go.mod").read_bytes())
    (folder / f"{version}.info").write_text(json.dumps(_version_info(version)), encoding="utf-8")
    (folder / "list").write_text(f"{version}\n", encoding="utf-8")
    return [archive]


def _version_info(version: str) -> dict[str, object]:
    origin = {"VCS": "git", "URL": project_repository(), "Subdir": "clients/go"}
    return {"Version": version, "Origin": origin}


def _write_archive(archive: Path, prefix: str) -> None:
    """Create the archive with the same bytes for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        for name in _file_names():
            entry = zipfile.ZipInfo(f"{prefix}/{name}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            content.writestr(entry, (FOLDER / name).read_bytes())


def _file_names() -> list[str]:
    """Return the files that belong to the module: all that git does not ignore."""
    output = run_tool(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], FOLDER)
    return sorted(name for name in output.split("\0") if name and (FOLDER / name).is_file())

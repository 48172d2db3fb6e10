"""Builds the npm package."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.codegen.protos import GenerationError
from wms_dev.codegen.typescript import FOLDER, install_packages
from wms_dev.packages.building import PackageBuildError, run_tool


def build(output: Path) -> list[Path]:
    """Compile and pack the package into `output`, and return the archive.

    Raises:
        PackageBuildError: npm failed.
    """
    try:
        install_packages()
    except GenerationError as error:
        raise PackageBuildError(str(error)) from None
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that no file of an earlier build gets into the archive.
        copy = Path(folder) / FOLDER.name
        shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
        (copy / "node_modules").symlink_to(FOLDER / "node_modules")
        run_tool(["npm", "run", "--silent", "build"], copy)
        pack_output = run_tool(["npm", "pack", "--silent", f"--pack-destination={output.resolve()}"], copy)
    return [output / pack_output.splitlines()[-1]]

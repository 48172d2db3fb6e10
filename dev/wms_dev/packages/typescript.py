"""The npm package."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.generate.protos import GenerationError
from wms_dev.generate.typescript import FOLDER, install
from wms_dev.packages.building import PackageNotBuilt, run


def build(output: Path) -> list[Path]:
    """Compile and pack the package into `output`, and return the archive; raise PackageNotBuilt."""
    try:
        install()
    except GenerationError as error:
        raise PackageNotBuilt(str(error)) from None
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # A copy, so that no file of an older build gets into the archive.
        copy = Path(folder) / FOLDER.name
        shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
        (copy / "node_modules").symlink_to(FOLDER / "node_modules")
        run(["npm", "run", "--silent", "build"], copy)
        packed = run(["npm", "pack", "--silent", f"--pack-destination={output.resolve()}"], copy)
    return [output / packed.splitlines()[-1]]

"""The Maven artifact."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.generate.protos import CLIENTS, one_at_a_time
from wms_dev.packages.building import PackageNotBuilt, project_version, run

FOLDER = CLIENTS / "java"
ARTIFACT = "wms-orders-client"


def build(output: Path) -> list[Path]:
    """Create the jar, the jar of the sources and the pom in `output`, and return them in this order.

    Raise PackageNotBuilt.
    """
    name = f"{ARTIFACT}-{project_version()}"
    output.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(), tempfile.TemporaryDirectory() as work:
        command = ["mvn", "--quiet", "--batch-mode", f"-DbuildDirectory={work}", "package"]
        try:
            run([*command, "--offline"], FOLDER)
        except PackageNotBuilt:
            # Maven's own cache lacks something.
            run(command, FOLDER)
        jars = [shutil.copy(Path(work) / f"{name}{kind}.jar", output) for kind in ("", "-sources")]
    pom = shutil.copy(FOLDER / "pom.xml", output / f"{name}.pom")
    return [*map(Path, jars), Path(pom)]

"""Builds the Maven artifact."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.codegen.protos import CLIENTS, exclusive_tool_lock
from wms_dev.packages.building import PackageBuildError, project_version, run_tool

FOLDER = CLIENTS / "java"
ARTIFACT = "wms-orders-client"


def build(output: Path) -> list[Path]:
    """Create the jar, the jar of the sources and the pom in `output`, and return them in this order.

    Raises:
        PackageBuildError: Maven failed.
    """
    name = f"{ARTIFACT}-{project_version()}"
    output.mkdir(parents=True, exist_ok=True)
    with exclusive_tool_lock(), tempfile.TemporaryDirectory() as work:
        command = ["mvn", "--quiet", "--batch-mode", f"-DbuildDirectory={work}", "package"]
        try:
            run_tool([*command, "--offline"], FOLDER)
        except PackageBuildError:
            # A dependency is missing in Maven's local cache.
            run_tool(command, FOLDER)
        jars = [shutil.copy(Path(work) / f"{name}{kind}.jar", output) for kind in ("", "-sources")]
    pom = shutil.copy(FOLDER / "pom.xml", output / f"{name}.pom")
    return [*map(Path, jars), Path(pom)]

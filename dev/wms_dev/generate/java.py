"""The messages and stubs for Java, by Maven with the generators that pom.xml pins."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.generate.protos import CLIENTS, OURS, SERVICE_CONFIG, one_at_a_time, run

_GOALS = ("os:detect", "protobuf:compile", "protobuf:compile-custom")


def generate(target: Path) -> None:
    """Write them into an empty folder."""
    made = target / "src" / "generated"
    resources = made / "resources" / OURS
    resources.mkdir(parents=True)
    with one_at_a_time(), tempfile.TemporaryDirectory() as work:
        places = (f"-Dgenerated={made / 'java'}", f"-DbuildDirectory={work}")
        pom = str(CLIENTS / "java" / "pom.xml")
        run(["mvn", "--quiet", "--batch-mode", "--file", pom, "-Pgenerate", *places, *_GOALS])
    shutil.copyfile(SERVICE_CONFIG, resources / SERVICE_CONFIG.name)

"""Generates messages and stubs for Java, with Maven and the generators that pom.xml pins."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.codegen.protos import (
    CLIENTS,
    SERVICE_CONFIG,
    WMS_PROTO_FOLDER,
    exclusive_tool_lock,
    run_generator,
)

_GOALS = ("os:detect", "protobuf:compile", "protobuf:compile-custom")


def generate(target: Path) -> None:
    """Write the generated files into an empty folder."""
    generated = target / "src" / "generated"
    resources = generated / "resources" / WMS_PROTO_FOLDER
    resources.mkdir(parents=True)
    with exclusive_tool_lock(), tempfile.TemporaryDirectory() as work:
        properties = (f"-Dgenerated={generated / 'java'}", f"-DbuildDirectory={work}")
        pom = str(CLIENTS / "java" / "pom.xml")
        run_generator(["mvn", "--quiet", "--batch-mode", "--file", pom, "-Pgenerate", *properties, *_GOALS])
    shutil.copyfile(SERVICE_CONFIG, resources / SERVICE_CONFIG.name)

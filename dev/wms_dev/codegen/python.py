"""Generates messages and stubs for Python, with the generators of this environment."""

import shutil
import sysconfig
from pathlib import Path

from wms_dev.codegen.protos import (
    PROTOS,
    SERVICE_CONFIG,
    VALIDATE_PROTO_FOLDER,
    WMS_PROTO_FOLDER,
    proto_files,
    run_protoc,
)


def generate(target: Path) -> None:
    """Write the generated files into an empty folder."""
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    messages = proto_files(WMS_PROTO_FOLDER) + proto_files(VALIDATE_PROTO_FOLDER)
    run_protoc(*plugins, f"--python_out={target}", f"--mypy_out=quiet:{target}", *messages)
    services = [path for path in proto_files(WMS_PROTO_FOLDER) if "\nservice " in (PROTOS / path).read_text()]
    options = "quiet,generate_concrete_servicer_stubs"
    run_protoc(*plugins, f"--grpc_python_out={target}", f"--mypy_grpc_out={options}:{target}", *services)
    for package in (WMS_PROTO_FOLDER, VALIDATE_PROTO_FOLDER):
        _make_package(target, package)
    shutil.copyfile(SERVICE_CONFIG, target / WMS_PROTO_FOLDER / SERVICE_CONFIG.name)


def _make_package(target: Path, package: str) -> None:
    """Create `__init__.py` files from the folder up, and `py.typed` at the top."""
    names = package.split("/")
    for depth in range(1, len(names) + 1):
        (target.joinpath(*names[:depth]) / "__init__.py").touch()
    (target / names[0] / "py.typed").touch()

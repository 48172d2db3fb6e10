"""The messages and stubs for Python, by the generators of this environment."""

import shutil
import sysconfig
from pathlib import Path

from wms_dev.generate.protos import OURS, PROTOS, SERVICE_CONFIG, VENDORED, proto_files, run_protoc


def generate(target: Path) -> None:
    """Write them into an empty folder."""
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    messages = proto_files(OURS) + proto_files(VENDORED)
    run_protoc(*plugins, f"--python_out={target}", f"--mypy_out=quiet:{target}", *messages)
    services = [path for path in proto_files(OURS) if "\nservice " in (PROTOS / path).read_text()]
    options = "quiet,generate_concrete_servicer_stubs"
    run_protoc(*plugins, f"--grpc_python_out={target}", f"--mypy_grpc_out={options}:{target}", *services)
    for package in (OURS, VENDORED):
        _make_package(target, package)
    shutil.copyfile(SERVICE_CONFIG, target / OURS / SERVICE_CONFIG.name)


def _make_package(target: Path, package: str) -> None:
    """Make a folder and those above it importable, and say at the top that it is typed."""
    names = package.split("/")
    for depth in range(1, len(names) + 1):
        (target.joinpath(*names[:depth]) / "__init__.py").touch()
    (target / names[0] / "py.typed").touch()

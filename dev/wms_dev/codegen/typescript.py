"""Generates messages and services for TypeScript, with the generator that package-lock.json pins."""

import sysconfig
from pathlib import Path

from wms_dev.codegen.protos import (
    CLIENTS,
    SERVICE_CONFIG,
    WMS_PROTO_FOLDER,
    exclusive_tool_lock,
    proto_files,
    run_generator,
    run_protoc,
)

FOLDER = CLIENTS / "typescript"
# No npm package provides these for protobuf-es.
THIRD_PARTY_PROTOS = (
    "buf/validate/validate.proto",
    "google/api/annotations.proto",
    "google/api/field_behavior.proto",
    "google/api/http.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "google/type/money.proto",
)
_CONFIG = """\
/** {name} of the contract, as text: retries and deadlines of the calls. */
export const serviceConfig = `{text}`;
"""


def generate(target: Path) -> None:
    """Write the generated files into an empty folder."""
    install_packages()
    generated = target / "src" / "gen"
    generated.mkdir(parents=True)
    run_protoc(
        # The protos of error details come with Google's Python package.
        f"-I{sysconfig.get_path('purelib')}",
        f"--plugin=protoc-gen-es={FOLDER / 'node_modules' / '.bin' / 'protoc-gen-es'}",
        f"--es_out={generated}",
        "--es_opt=target=ts",
        "--es_opt=import_extension=js",
        *proto_files(WMS_PROTO_FOLDER),
        *THIRD_PARTY_PROTOS,
    )
    text = _CONFIG.format(name=SERVICE_CONFIG.name, text=SERVICE_CONFIG.read_text())
    (generated / "service_config.ts").write_text(text)


def install_packages() -> None:
    """Install the packages of package-lock.json if they have changed."""
    installed_marker = FOLDER / "node_modules" / ".package-lock.json"
    with exclusive_tool_lock():
        if (
            not installed_marker.exists()
            or installed_marker.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime
        ):
            run_generator(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], FOLDER)
            installed_marker.touch()

"""The messages and services for TypeScript, by the generator that package-lock.json pins."""

import sysconfig
from pathlib import Path

from wms_dev.generate.protos import CLIENTS, OURS, SERVICE_CONFIG, one_at_a_time, proto_files, run, run_protoc

FOLDER = CLIENTS / "typescript"
# No package has them for protobuf-es.
THEIRS = (
    "buf/validate/validate.proto",
    "google/api/annotations.proto",
    "google/api/field_behavior.proto",
    "google/api/http.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "google/type/money.proto",
)
_CONFIG = """\
/** {name} of the contract, as text: what is tried again, and for how long. */
export const serviceConfig = `{text}`;
"""


def generate(target: Path) -> None:
    """Write them into an empty folder."""
    install()
    made = target / "src" / "gen"
    made.mkdir(parents=True)
    run_protoc(
        # The details of errors come with Google's package for Python.
        f"-I{sysconfig.get_path('purelib')}",
        f"--plugin=protoc-gen-es={FOLDER / 'node_modules' / '.bin' / 'protoc-gen-es'}",
        f"--es_out={made}",
        "--es_opt=target=ts",
        "--es_opt=import_extension=js",
        *proto_files(OURS),
        *THEIRS,
    )
    text = _CONFIG.format(name=SERVICE_CONFIG.name, text=SERVICE_CONFIG.read_text())
    (made / "service_config.ts").write_text(text)


def install() -> None:
    """Bring in the packages of package-lock.json, where those that are there are others."""
    done = FOLDER / "node_modules" / ".package-lock.json"
    with one_at_a_time():
        if not done.exists() or done.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], FOLDER)
            done.touch()

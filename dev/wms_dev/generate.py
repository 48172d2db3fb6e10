"""Makes the Python client from the protos: `python -m wms_dev.generate`.

With `--check` it changes nothing and tells whether the committed client is stale. The same protos give
the same bytes: files are named in sorted order, and the generators come from the environment this runs in.
"""

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
CLIENT = ROOT / "clients" / "python"

OURS = "wms/orders/v1"
# protovalidate's options: our modules import them, and no package ships them for google.protobuf.
VENDORED = "buf/validate"


class GenerationError(Exception):
    """protoc refused the protos; it has said why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate, or with `--check` only compare; 1 when the committed client is stale."""
    parser = argparse.ArgumentParser(prog="wms_dev.generate", description="Make the Python client.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the client is stale")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        stale = differences(fresh, CLIENT)
        if not check:
            replace(fresh, CLIENT, stale)
    return report(stale, check=check)


def generate(target: Path) -> None:
    """Write the whole client into an empty folder."""
    messages = proto_files(OURS) + proto_files(VENDORED)
    run_protoc(messages, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    services = [path for path in proto_files(OURS) if "\nservice " in (PROTOS / path).read_text()]
    options = "quiet,generate_concrete_servicer_stubs"
    run_protoc(services, f"--grpc_python_out={target}", f"--mypy_grpc_out={options}:{target}")
    for package in (OURS, VENDORED):
        make_package(target, package)


def proto_files(folder: str) -> list[str]:
    """The proto files of a folder, as protoc names them."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / folder).glob("*.proto"))


def run_protoc(files: Sequence[str], *outputs: str) -> None:
    """Run protoc with the plugins of this environment; raise GenerationError when it fails."""
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin={name}={scripts / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *plugins, *outputs, *files]
    if subprocess.run(command, check=False).returncode != 0:
        raise GenerationError("protoc failed")


def make_package(target: Path, package: str) -> None:
    """Make a folder and those above it importable, and say at the top that it is typed."""
    names = package.split("/")
    for depth in range(1, len(names) + 1):
        (target.joinpath(*names[:depth]) / "__init__.py").touch()
    (target / names[0] / "py.typed").touch()


def differences(fresh: Path, committed: Path) -> list[Path]:
    """The files, relative to either folder, that differ or are on one side only."""
    names = files_below(fresh) | files_below(committed)
    return sorted(name for name in names if content(fresh / name) != content(committed / name))


def files_below(folder: Path) -> set[Path]:
    """The files of the generated packages, without Python's own cache."""
    tops = [folder / package.split("/")[0] for package in (OURS, VENDORED)]
    found = (path for top in tops for path in top.rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in found if "__pycache__" not in path.parts}


def content(path: Path) -> bytes | None:
    """A file's bytes; None when there is no file."""
    return path.read_bytes() if path.is_file() else None


def replace(fresh: Path, committed: Path, names: Sequence[Path]) -> None:
    """Bring the named files over, and remove those that are no longer made."""
    for name in names:
        target = committed / name
        if not (fresh / name).exists():
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fresh / name, target)


def report(stale: Sequence[Path], *, check: bool) -> int:
    """Say which files were stale; the exit status."""
    for name in stale:
        print(f"{'stale' if check else 'wrote'}: {(CLIENT / name).relative_to(ROOT)}")
    if check and stale:
        print("Run `python -m wms_dev.generate` and commit the result.", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

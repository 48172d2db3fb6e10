"""The messages and stubs for Go, by the generators that go.mod pins."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.generate.manifests import project_facts
from wms_dev.generate.protos import CLIENTS, OURS, ROOT, SERVICE_CONFIG, proto_files, run, run_protoc

MODULE = f"{project_facts(ROOT)['module root']}/clients/go"
PACKAGE = "ordersv1"
# Published by its makers: a program that validates too has it anyway, and may have it only once.
VALIDATE = "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
PLUGINS = {
    "go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}


def generate(target: Path) -> None:
    """Write them into an empty folder."""
    packages = dict.fromkeys(proto_files(OURS), f"{MODULE}/{PACKAGE}")
    packages["buf/validate/validate.proto"] = VALIDATE
    with tempfile.TemporaryDirectory() as folder:
        run(["go", "build", "-o", f"{folder}/", *PLUGINS.values()], CLIENTS / "go")
        arguments = []
        for name in PLUGINS:
            arguments += [
                f"--plugin=protoc-gen-{name}={folder}/protoc-gen-{name}",
                f"--{name}_out={target}",
                f"--{name}_opt=module={MODULE}",
                *(f"--{name}_opt=M{file}={package}" for file, package in packages.items()),
            ]
        run_protoc(*arguments, *proto_files(OURS))
    shutil.copyfile(SERVICE_CONFIG, target / PACKAGE / SERVICE_CONFIG.name)

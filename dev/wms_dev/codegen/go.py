"""Generates messages and stubs for Go, with the generators that go.mod pins."""

import shutil
import tempfile
from pathlib import Path

from wms_dev.codegen.manifests import read_project_facts
from wms_dev.codegen.protos import (
    CLIENTS,
    ROOT,
    SERVICE_CONFIG,
    WMS_PROTO_FOLDER,
    proto_files,
    run_generator,
    run_protoc,
)

MODULE = f"{read_project_facts(ROOT)['module root']}/clients/go"
PACKAGE = "ordersv1"
# This package is published by buf; a program that uses protovalidate may register the types only once.
VALIDATE_GO_PACKAGE = "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
PLUGINS = {
    "go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}


def generate(target: Path) -> None:
    """Write the generated files into an empty folder."""
    packages = dict.fromkeys(proto_files(WMS_PROTO_FOLDER), f"{MODULE}/{PACKAGE}")
    packages["buf/validate/validate.proto"] = VALIDATE_GO_PACKAGE
    with tempfile.TemporaryDirectory() as folder:
        run_generator(["go", "build", "-o", f"{folder}/", *PLUGINS.values()], CLIENTS / "go")
        arguments = []
        for name in PLUGINS:
            arguments += [
                f"--plugin=protoc-gen-{name}={folder}/protoc-gen-{name}",
                f"--{name}_out={target}",
                f"--{name}_opt=module={MODULE}",
                *(f"--{name}_opt=M{file}={package}" for file, package in packages.items()),
            ]
        run_protoc(*arguments, *proto_files(WMS_PROTO_FOLDER))
    shutil.copyfile(SERVICE_CONFIG, target / PACKAGE / SERVICE_CONFIG.name)

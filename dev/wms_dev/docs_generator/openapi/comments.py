"""The comments of the protos, read with protoc because generated code does not contain them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from wms_dev import codegen

DescriptorPath = tuple[int, ...]


@cache
def read_proto_comments() -> dict[str, str]:
    """Return the comment of each message, field, enum, value, service and call, by its full name."""
    comments_by_name: dict[str, str] = {}
    for file in _read_descriptors().file:
        texts = {tuple(span.path): span.leading_comments for span in file.source_code_info.location}
        for path, name in _iterate_descriptor_paths(file):
            comments_by_name[f"{file.package}.{name}"] = _join_paragraphs(texts.get(path, ""))
    return comments_by_name


def _read_descriptors() -> FileDescriptorSet:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "protos.binpb"
        names = codegen.proto_files(codegen.WMS_PROTO_FOLDER)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{codegen.PROTOS}", "--include_source_info"]
        subprocess.run([*command, f"--descriptor_set_out={target}", *names], check=True)
        return FileDescriptorSet.FromString(target.read_bytes())


def _iterate_descriptor_paths(file: FileDescriptorProto) -> Iterator[tuple[DescriptorPath, str]]:
    for i, message in enumerate(file.message_type):
        yield (4, i), message.name
        yield from (((4, i, 2, j), f"{message.name}.{field.name}") for j, field in enumerate(message.field))
    for i, enum in enumerate(file.enum_type):
        yield (5, i), enum.name
        yield from (((5, i, 2, j), f"{enum.name}.{value.name}") for j, value in enumerate(enum.value))
    for i, service in enumerate(file.service):
        yield (6, i), service.name
        yield from (((6, i, 2, j), f"{service.name}.{call.name}") for j, call in enumerate(service.method))


def _join_paragraphs(comment: str) -> str:
    """Join the lines of each paragraph."""
    lines = [line.strip() for line in comment.strip().split("\n")]
    paragraphs = "\n".join(lines).split("\n\n")
    return "\n\n".join(_join_lines(paragraph) for paragraph in paragraphs)


def _join_lines(paragraph: str) -> str:
    """Join lines, except those that begin a list item."""
    return paragraph.replace("\n- ", "\0").replace("\n", " ").replace("\0", "\n- ")

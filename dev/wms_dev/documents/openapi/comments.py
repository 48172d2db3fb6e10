"""What the protos say of their parts: comments are in no generated code, so protoc is asked for them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from wms_dev import generate

Place = tuple[int, ...]


@cache
def comments() -> dict[str, str]:
    """Give the comment of each message, field, enum, value, service and call of ours, by its full name."""
    found: dict[str, str] = {}
    for file in _sources().file:
        texts = {tuple(where.path): where.leading_comments for where in file.source_code_info.location}
        for place, name in _places(file):
            found[f"{file.package}.{name}"] = _plain(texts.get(place, ""))
    return found


def _sources() -> FileDescriptorSet:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "protos.binpb"
        names = generate.proto_files(generate.OURS)
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{generate.PROTOS}", "--include_source_info"]
        subprocess.run([*command, f"--descriptor_set_out={target}", *names], check=True)
        return FileDescriptorSet.FromString(target.read_bytes())


def _places(file: FileDescriptorProto) -> Iterator[tuple[Place, str]]:
    for i, message in enumerate(file.message_type):
        yield (4, i), message.name
        yield from (((4, i, 2, j), f"{message.name}.{field.name}") for j, field in enumerate(message.field))
    for i, enum in enumerate(file.enum_type):
        yield (5, i), enum.name
        yield from (((5, i, 2, j), f"{enum.name}.{value.name}") for j, value in enumerate(enum.value))
    for i, service in enumerate(file.service):
        yield (6, i), service.name
        yield from (((6, i, 2, j), f"{service.name}.{call.name}") for j, call in enumerate(service.method))


def _plain(comment: str) -> str:
    """Join the lines of each paragraph."""
    lines = [line.strip() for line in comment.strip().split("\n")]
    paragraphs = "\n".join(lines).split("\n\n")
    return "\n\n".join(_joined(paragraph) for paragraph in paragraphs)


def _joined(paragraph: str) -> str:
    """Join lines, except those that begin an entry of a list."""
    return paragraph.replace("\n- ", "\0").replace("\n", " ").replace("\0", "\n- ")

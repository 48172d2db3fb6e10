"""JSON from messages, by the descriptors: proto JSON as the Order Service document shows it.

What has a value always has its key, also when it is 0, false or empty; what is absent has none, and neither
has an enum that is not set. Counts and positions are numbers; the units of money are text, as they can have
more digits than a float.
"""

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from wms_core.domain.events import camel_case
from wms_server.http.words import words_of

Write = Callable[[Any], Any]
_EXACT = 2**53  # up to which a float has every integer


def to_bytes(value: Any) -> bytes:
    """Write JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def to_json(message: Message) -> Any:
    """Write a message as what `json.dumps` takes."""
    written = {}
    for field, write in _fields(message.DESCRIPTOR):
        if field.has_presence:
            if message.HasField(field.name):
                written[field.json_name] = write(getattr(message, field.name))
        elif (value := write(getattr(message, field.name))) is not None:
            written[field.json_name] = value
    return written


def status_json(status: Status) -> Any:
    """Write an error with its details; the fields that it names are named as JSON has them."""
    written = json_format.MessageToDict(status)
    for detail in written.get("details", ()):
        for violation in detail.get("fieldViolations", ()):
            violation["field"] = camel_case(violation.get("field", ""))
    return written


@cache
def _fields(message: Descriptor) -> tuple[tuple[FieldDescriptor, Write], ...]:
    return tuple((field, _writer(field)) for field in message.fields)


def _writer(field: FieldDescriptor) -> Write:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        write = _one(kind.fields_by_name["value"])
        return lambda values: {str(key): write(values[key]) for key in sorted(values)}
    write = _one(field)
    if field.is_repeated:
        return lambda values: [write(value) for value in values]
    if field.enum_type is not None:
        return lambda number: write(number) if number else None
    return write


def _one(field: FieldDescriptor) -> Write:
    if field.message_type is not None:
        return _message_writer(field.message_type)
    if field.enum_type is not None:
        words = words_of(field.enum_type)
        return lambda number: words.get(number, number)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return lambda number: number if math.isfinite(number) else str(number)
    return _same


def _message_writer(kind: Descriptor) -> Write:
    if kind.full_name == "google.protobuf.Timestamp":
        return lambda time: time.ToJsonString()
    if kind.full_name == "google.rpc.Status":
        return status_json
    if kind.full_name == "google.protobuf.Struct":
        return lambda struct: _with_integers(json_format.MessageToDict(struct))
    if kind.full_name.startswith("google."):
        return json_format.MessageToDict
    return to_json


def _with_integers(value: Any) -> Any:
    """Return JSON with whole numbers as integers: a Struct has floats only, so that 2 came out as 2.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, list):
        return [_with_integers(element) for element in value]
    if isinstance(value, dict):
        return {key: _with_integers(member) for key, member in value.items()}
    return value


def _same(value: Any) -> Any:
    return value

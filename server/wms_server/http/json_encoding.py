"""Encoding of messages to JSON, by descriptors, as the Order Service specification shows it.

Fields without presence are always written, even if they are 0, false or empty. Absent fields and unset enums
are omitted. Counts and positions are numbers; the units of money are strings, because they may have more
digits than a float can hold.
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

from wms_core.domain.events.events import to_camel_case
from wms_server.http.enum_names import enum_names_of

FieldEncoder = Callable[[Any], Any]
_MAX_EXACT_INTEGER = 2**53  # up to which a float has every integer


def encode_json(value: Any) -> bytes:
    """Return encoded JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def message_to_json(message: Message) -> Any:
    """Return a message as a value for `json.dumps`."""
    json_members = {}
    for field_descriptor, encode_field in _get_field_encoders(message.DESCRIPTOR):
        if field_descriptor.has_presence:
            if message.HasField(field_descriptor.name):
                json_members[field_descriptor.json_name] = encode_field(
                    getattr(message, field_descriptor.name)
                )
        elif (value := encode_field(getattr(message, field_descriptor.name))) is not None:
            json_members[field_descriptor.json_name] = value
    return json_members


def status_to_json(status: Status) -> Any:
    """Return a status with its details for `json.dumps`; field paths are written as JSON paths."""
    status_members = json_format.MessageToDict(status)
    for error_detail in status_members.get("details", ()):
        for field_violation in error_detail.get("fieldViolations", ()):
            field_violation["field"] = to_camel_case(field_violation.get("field", ""))
    return status_members


@cache
def _get_field_encoders(message_descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, FieldEncoder], ...]:
    return tuple(
        (field_descriptor, _build_field_encoder(field_descriptor))
        for field_descriptor in message_descriptor.fields
    )


def _build_field_encoder(field_descriptor: FieldDescriptor) -> FieldEncoder:
    message_descriptor = field_descriptor.message_type
    if message_descriptor is not None and message_descriptor.GetOptions().map_entry:
        encode_single = _build_single_encoder(message_descriptor.fields_by_name["value"])
        return lambda values: {str(key): encode_single(values[key]) for key in sorted(values)}
    encode_single = _build_single_encoder(field_descriptor)
    if field_descriptor.is_repeated:
        return lambda values: [encode_single(value) for value in values]
    if field_descriptor.enum_type is not None:
        return lambda enum_number: encode_single(enum_number) if enum_number else None
    return encode_single


def _build_single_encoder(field_descriptor: FieldDescriptor) -> FieldEncoder:
    if field_descriptor.message_type is not None:
        return _get_message_encoder(field_descriptor.message_type)
    if field_descriptor.enum_type is not None:
        enum_names = enum_names_of(field_descriptor.enum_type)
        return lambda enum_number: enum_names.get(enum_number, enum_number)
    if field_descriptor.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return lambda float_number: float_number if math.isfinite(float_number) else str(float_number)
    return _return_unchanged


def _get_message_encoder(message_descriptor: Descriptor) -> FieldEncoder:
    if message_descriptor.full_name == "google.protobuf.Timestamp":
        return lambda timestamp: timestamp.ToJsonString()
    if message_descriptor.full_name == "google.rpc.Status":
        return status_to_json
    if message_descriptor.full_name == "google.protobuf.Struct":
        return lambda struct_message: _with_integers(json_format.MessageToDict(struct_message))
    if message_descriptor.full_name.startswith("google."):
        return json_format.MessageToDict
    return message_to_json


def _with_integers(value: Any) -> Any:
    """Return JSON with integral floats as integers: a Struct has only floats, so 2 would become 2.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT_INTEGER:
        return int(value)
    if isinstance(value, list):
        return [_with_integers(list_element) for list_element in value]
    if isinstance(value, dict):
        return {key: _with_integers(struct_member) for key, struct_member in value.items()}
    return value


def _return_unchanged(value: Any) -> Any:
    return value

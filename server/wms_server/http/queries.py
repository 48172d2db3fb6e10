"""Requests from the parameters of a query: fields by name, those within messages by dots."""

from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from wms_core.domain.events import camel_case
from wms_server.http.json_reading import Reading, fields_by_name

_TRUTHS = {"true": True, "false": False}
_FIELD_MASK = "google.protobuf.FieldMask"


def read_query(target: Message, query: bytes, taken: frozenset[str], reading: Reading) -> None:
    """Fill a request from a query; the fields that are `taken` come from elsewhere and can't be named."""
    given: dict[str, tuple[str, list[str]]] = {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        reading.faults.add("query", "is not UTF-8 with percent signs", "query.text")
        return
    for name, text in pairs:
        # Both names of a field are one parameter.
        given.setdefault(camel_case(name), (name, []))[1].append(text)
    for name, texts in given.values():
        _parameter(target, name, texts, taken, reading)


def _parameter(target: Message, name: str, texts: list[str], taken: frozenset[str], reading: Reading) -> None:
    holder, names = target, name.split(".")
    path: list[str] = []
    for depth, part in enumerate(names):
        field = fields_by_name(holder.DESCRIPTOR).get(part)
        last = depth == len(names) - 1
        if field is None or (depth == 0 and field.name in taken) or last != is_parameter(field):
            reading.faults.add(name[:100], _unknown(target, taken), "query.unknown")
            return
        path.append(field.json_name)
        if last:
            _set(holder, field, texts, ".".join(path), reading)
        else:
            holder = getattr(holder, field.name)


def is_parameter(field: FieldDescriptor) -> bool:
    """Say whether a field's value is written as text, in one parameter."""
    kind = field.message_type
    if kind is None:
        return True
    return not field.is_repeated and kind.full_name.startswith("google.protobuf.")


def _set(holder: Message, field: FieldDescriptor, texts: list[str], path: str, reading: Reading) -> None:
    values = [_value(field, text) for text in texts]
    if field.is_repeated:
        reading.field(holder, field, values, path)
    elif len(values) > 1:
        reading.faults.add(path, "can be given once", "query.twice")
    else:
        reading.field(holder, field, values[0], path)


def _value(field: FieldDescriptor, text: str) -> Any:
    """Give what JSON would have in place of the text."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _TRUTHS.get(text, text)
    if field.message_type is not None and field.message_type.full_name == _FIELD_MASK:
        return ",".join(camel_case(path) for path in text.split(","))
    return text


def _unknown(target: Message, taken: frozenset[str]) -> str:
    names = [field.json_name for field in target.DESCRIPTOR.fields if field.name not in taken]
    return f"is no parameter here; those are: {', '.join(names)}" if names else "no parameter is taken here"

"""The JSON Schema of payloads, from the types of the dataclasses that they are written from.

Objects are closed: what a payload has that its class does not name is a fault.
"""

import inspect
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from wms_core.domain.events import OrderEvent, camel_case

Schema = dict[str, Any]
_PLAIN: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    NoneType: {"type": "null"},
}


def payload_schema(event: type[OrderEvent], parts: dict[str, Schema]) -> Schema:
    """Give the schema of an event's payload; what it refers to is added to the parts, by name."""
    hints = get_type_hints(event)
    names = [field.name for field in fields(event) if field.name != "timestamp"]
    properties: Schema = {"type": {"const": event.type}}
    required = ["type"]
    for name in [*names, "timestamp"]:
        optional, kind = _without_none(hints[name])
        properties[camel_case(name)] = schema_of(kind, parts)
        if not optional:
            required.append(camel_case(name))
    return _closed(event, properties, required)


def schema_of(kind: Any, parts: dict[str, Schema]) -> Schema:
    """Give the schema of a type. Raises TypeError for one that no payload should have."""
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if get_origin(kind) is list:
        return {"type": "array", "items": schema_of(get_args(kind)[0], parts)}
    if get_origin(kind) is UnionType:
        return {"oneOf": [schema_of(one, parts) for one in get_args(kind)]}
    if is_typeddict(kind) or (inspect.isclass(kind) and issubclass(kind, StrEnum)):
        if kind.__name__ not in parts:
            parts[kind.__name__] = _part(kind, parts)
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    raise TypeError(f"a payload can't have a {kind}: say what is in it")


def _part(kind: Any, parts: dict[str, Schema]) -> Schema:
    if not is_typeddict(kind):
        return {"description": text_of(kind), "type": "string", "enum": [member.value for member in kind]}
    properties = {name: schema_of(one, parts) for name, one in get_type_hints(kind).items()}
    return _closed(kind, properties, [name for name in properties if name in kind.__required_keys__])


def _closed(kind: type, properties: Schema, required: list[str]) -> Schema:
    return {
        "description": text_of(kind),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _without_none(kind: Any) -> tuple[bool, Any]:
    """Say whether a field may be absent, and what it is when it is there."""
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return (True, kinds[0]) if get_origin(kind) is UnionType and len(kinds) == 1 else (False, kind)


def text_of(kind: type) -> str:
    """Give a class's docstring in one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())

"""The JSON Schema of event payloads, from the types of the dataclasses.

Objects are closed: a payload must not have other fields than its class.
"""

import inspect
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from wms_core.domain.events.events import OrderEvent, to_camel_case

Schema = dict[str, Any]
_PLAIN_SCHEMAS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    NoneType: {"type": "null"},
}


def build_payload_schema(event: type[OrderEvent], component_schemas: dict[str, Schema]) -> Schema:
    """Return the schema of an event's payload. Add referenced schemas to `component_schemas` by name."""
    hints = get_type_hints(event)
    names = [field.name for field in fields(event) if field.name != "timestamp"]
    properties: Schema = {"type": {"const": event.type}}
    required = ["type"]
    for name in [*names, "timestamp"]:
        optional, kind = _strip_optional(hints[name])
        properties[to_camel_case(name)] = build_type_schema(kind, component_schemas)
        if not optional:
            required.append(to_camel_case(name))
    return _build_closed_object(event, properties, required)


def build_type_schema(kind: Any, component_schemas: dict[str, Schema]) -> Schema:
    """Return the schema of a type.

    Raises:
        TypeError: The type is not supported in payloads.
    """
    if kind in _PLAIN_SCHEMAS:
        return dict(_PLAIN_SCHEMAS[kind])
    if get_origin(kind) is list:
        return {"type": "array", "items": build_type_schema(get_args(kind)[0], component_schemas)}
    if get_origin(kind) is UnionType:
        return {
            "oneOf": [build_type_schema(member_type, component_schemas) for member_type in get_args(kind)]
        }
    if is_typeddict(kind) or (inspect.isclass(kind) and issubclass(kind, StrEnum)):
        if kind.__name__ not in component_schemas:
            component_schemas[kind.__name__] = _build_component_schema(kind, component_schemas)
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    raise TypeError(f"unsupported type in a payload: {kind}; use a TypedDict or a plain type")


def _build_component_schema(kind: Any, component_schemas: dict[str, Schema]) -> Schema:
    if not is_typeddict(kind):
        return {
            "description": read_docstring(kind),
            "type": "string",
            "enum": [member.value for member in kind],
        }
    properties = {
        name: build_type_schema(field_type, component_schemas)
        for name, field_type in get_type_hints(kind).items()
    }
    return _build_closed_object(
        kind, properties, [name for name in properties if name in kind.__required_keys__]
    )


def _build_closed_object(kind: type, properties: Schema, required: list[str]) -> Schema:
    return {
        "description": read_docstring(kind),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _strip_optional(kind: Any) -> tuple[bool, Any]:
    """Return whether a field is optional, and its type without None."""
    kinds = [member_type for member_type in get_args(kind) if member_type is not NoneType]
    return (True, kinds[0]) if get_origin(kind) is UnionType and len(kinds) == 1 else (False, kind)


def read_docstring(kind: type) -> str:
    """Return a class's docstring in one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split())

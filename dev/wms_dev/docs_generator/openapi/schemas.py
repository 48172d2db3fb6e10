"""The JSON Schema of messages and enums, as the server reads and writes them."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from wms.orders.v1.order_pb2 import OrderItem
from wms_dev.docs_generator.openapi.comments import read_proto_comments
from wms_dev.docs_generator.openapi.rules import Schema, build_limits, currency_codes, read_field_rules

_F = FieldDescriptor
_PLAIN_SCHEMAS: dict[int, Schema] = {
    _F.CPPTYPE_STRING: {"type": "string"},
    _F.CPPTYPE_BOOL: {"type": "boolean"},
    _F.CPPTYPE_INT32: {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    _F.CPPTYPE_INT64: {"type": "integer", "format": "int64"},
    _F.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
}
_PRICE = OrderItem.DESCRIPTOR.fields_by_name["unit_price"]
_MONEY: Schema = {
    "type": "object",
    "description": "An exact amount of a currency: 29.99 USD has the units 29 and 990,000,000 nanos.",
    "properties": {
        "currencyCode": {"enum": currency_codes(_PRICE), "description": "A code of ISO 4217."},
        "units": {
            "type": "string",
            "pattern": "^[0-9]{1,18}$",
            "description": "Whole units, as a string because a JSON number may lose digits.",
        },
        "nanos": {
            "type": "integer",
            "minimum": 0,
            "maximum": 999_999_999,
            "description": "Additional billionths of a unit.",
        },
    },
    "required": ["currencyCode"],
    "additionalProperties": False,
}
_PLAIN_PRICE: Schema = {
    "type": "number",
    "description": "An amount of the default currency; responses contain an object.",
    "minimum": 0,
    "exclusiveMaximum": 10**18,
}
_STATUS: Schema = {
    "type": "object",
    "description": "An error. Its reason, in the first of the details, is a value of `ErrorReason`.",
    "properties": {
        "code": {"type": "integer", "description": "The code of gRPC, for example 5 for NOT_FOUND."},
        "message": {"type": "string", "description": "The description of the error, for people."},
        "details": {
            "type": "array",
            "description": "`google.rpc.ErrorInfo`; and `BadRequest` with all field errors, or `RetryInfo`.",
            "items": {
                "type": "object",
                "properties": {"@type": {"type": "string"}},
                "required": ["@type"],
            },
        },
    },
    "required": ["code", "message", "details"],
}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.type.Money": {"$ref": "#/components/schemas/Money"},
    "google.rpc.Status": {"$ref": "#/components/schemas/Status"},
}


class SchemaBuilder:
    """The schemas of a document by name. `requests` are the messages of requests."""

    def __init__(self, requests: Iterable[Descriptor]) -> None:
        """Start with the schemas that every document has."""
        self.schemas_by_name: dict[str, Schema] = {"Money": _MONEY, "Status": _STATUS}
        self._request_messages: set[str] = set()
        for message in requests:
            self._add_request_messages(message)

    def _add_request_messages(self, message: Descriptor) -> None:
        if message.full_name not in self._request_messages:
            self._request_messages.add(message.full_name)
            for field in message.fields:
                if field.message_type is not None:
                    self._add_request_messages(field.message_type)

    def build_reference(self, message: Descriptor) -> Schema:
        """Return a reference to the schema of a message, and build the schema if necessary."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        if message.name not in self.schemas_by_name:
            self.schemas_by_name[message.name] = {}
            self.schemas_by_name[message.name] = self.build_message_schema(message)
        return {"$ref": f"#/components/schemas/{message.name}"}

    def build_message_schema(self, message: Descriptor, excluded_fields: Iterable[str] = ()) -> Schema:
        """Return the schema of a message without the excluded fields."""
        fields = [field for field in message.fields if field.name not in set(excluded_fields)]
        is_request_message = message.full_name in self._request_messages
        schema: Schema = {
            "type": "object",
            "description": read_proto_comments()[message.full_name],
            "properties": {field.json_name: self.build_field_schema(field) for field in fields},
        }
        required = [
            field.json_name
            for field in fields
            if (_is_required if is_request_message else _is_always_written)(field)
        ]
        if required:
            schema["required"] = required
        if is_request_message:
            schema["additionalProperties"] = False
        return schema

    def build_field_schema(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field."""
        text = read_proto_comments()[field.full_name]
        rules = read_field_rules(field)
        schema: Schema = {"description": text}
        if text.startswith("Output only."):
            schema["readOnly"] = True
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = self.build_value_schema(field.message_type.fields_by_name["value"])
            return {"type": "object", "additionalProperties": inner, **schema}
        if field.is_repeated:
            items = {**self.build_value_schema(field), **build_limits(field, rules.repeated.items)}
            return {"type": "array", "items": items, **build_limits(field, rules), **schema}
        return {**self.build_value_schema(field), **build_limits(field, rules), **schema}

    def build_value_schema(self, field: FieldDescriptor) -> Schema:
        """Return the schema of one value of a field, without its limits."""
        if field == _PRICE:
            return {"anyOf": [{"$ref": "#/components/schemas/Money"}, _PLAIN_PRICE]}
        if field.message_type is not None:
            return self.build_reference(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        return dict(_PLAIN_SCHEMAS[field.cpp_type])

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.name not in self.schemas_by_name:
            prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
            names_by_value = {
                value: value.name.removeprefix(prefix).lower() for value in enum.values if value.number
            }
            value_lines = [f"- `{name}`: {_text(enum, value)}" for value, name in names_by_value.items()]
            self.schemas_by_name[enum.name] = {
                "type": "string",
                "enum": list(names_by_value.values()),
                "description": "\n".join([read_proto_comments()[enum.full_name], "", *value_lines]),
            }
        return {"$ref": f"#/components/schemas/{enum.name}"}


def _text(enum: EnumDescriptor, value: Any) -> str:
    return read_proto_comments()[f"{enum.full_name}.{value.name}"]


def _is_required(field: FieldDescriptor) -> bool:
    return bool(read_field_rules(field).required)


def _is_always_written(field: FieldDescriptor) -> bool:
    """Return whether the server writes the field in every response. An unset enum is omitted."""
    return not field.has_presence and (field.is_repeated or field.enum_type is None)

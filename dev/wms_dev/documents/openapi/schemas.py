"""The JSON Schema of messages and enums, as the server reads and writes them."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from wms.orders.v1.order_pb2 import OrderItem
from wms_dev.documents.openapi.comments import comments
from wms_dev.documents.openapi.rules import Schema, currency_codes, limits, rules_of

_F = FieldDescriptor
_PLAIN: dict[int, Schema] = {
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
            "description": "Whole units; text, since they may have more digits than a float.",
        },
        "nanos": {
            "type": "integer",
            "minimum": 0,
            "maximum": 999_999_999,
            "description": "Billionths of a unit beside them.",
        },
    },
    "required": ["currencyCode"],
    "additionalProperties": False,
}
_PLAIN_PRICE: Schema = {
    "type": "number",
    "description": "An amount of the default currency; it comes back as an object.",
    "minimum": 0,
    "exclusiveMaximum": 10**18,
}
_STATUS: Schema = {
    "type": "object",
    "description": "An error. Its reason, in the first of the details, is a value of `ErrorReason`.",
    "properties": {
        "code": {"type": "integer", "description": "The code of gRPC, for example 5 for NOT_FOUND."},
        "message": {"type": "string", "description": "What is wrong, for people."},
        "details": {
            "type": "array",
            "description": "`google.rpc.ErrorInfo`; and `BadRequest` with every fault, or `RetryInfo`.",
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


class Schemas:
    """The schemas that a document refers to, by name; `asked` are the messages that requests are made of."""

    def __init__(self, requests: Iterable[Descriptor]) -> None:
        """Begin with what every document has."""
        self.found: dict[str, Schema] = {"Money": _MONEY, "Status": _STATUS}
        self._asked: set[str] = set()
        for one in requests:
            self._reach(one)

    def _reach(self, message: Descriptor) -> None:
        if message.full_name not in self._asked:
            self._asked.add(message.full_name)
            for field in message.fields:
                if field.message_type is not None:
                    self._reach(field.message_type)

    def reference(self, message: Descriptor) -> Schema:
        """Refer to a message."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        if message.name not in self.found:
            self.found[message.name] = {}
            self.found[message.name] = self.whole(message)
        return {"$ref": f"#/components/schemas/{message.name}"}

    def whole(self, message: Descriptor, without: Iterable[str] = ()) -> Schema:
        """Give the schema of a message, perhaps without some of its fields."""
        fields = [field for field in message.fields if field.name not in set(without)]
        asked = message.full_name in self._asked
        schema: Schema = {
            "type": "object",
            "description": comments()[message.full_name],
            "properties": {field.json_name: self.field(field) for field in fields},
        }
        required = [field.json_name for field in fields if (_is_required if asked else _is_always)(field)]
        if required:
            schema["required"] = required
        if asked:
            schema["additionalProperties"] = False
        return schema

    def field(self, field: FieldDescriptor) -> Schema:
        """Give the schema of a field."""
        text = comments()[field.full_name]
        rules = rules_of(field)
        schema: Schema = {"description": text}
        if text.startswith("Output only."):
            schema["readOnly"] = True
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = self.value(field.message_type.fields_by_name["value"])
            return {"type": "object", "additionalProperties": inner, **schema}
        if field.is_repeated:
            items = {**self.value(field), **limits(field, rules.repeated.items)}
            return {"type": "array", "items": items, **limits(field, rules), **schema}
        return {**self.value(field), **limits(field, rules), **schema}

    def value(self, field: FieldDescriptor) -> Schema:
        """Give the schema of one value of a field, without its limits."""
        if field == _PRICE:
            return {"anyOf": [{"$ref": "#/components/schemas/Money"}, _PLAIN_PRICE]}
        if field.message_type is not None:
            return self.reference(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        return dict(_PLAIN[field.cpp_type])

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.name not in self.found:
            prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
            words = {value: value.name.removeprefix(prefix).lower() for value in enum.values if value.number}
            about = [f"- `{word}`: {_text(enum, value)}" for value, word in words.items()]
            self.found[enum.name] = {
                "type": "string",
                "enum": list(words.values()),
                "description": "\n".join([comments()[enum.full_name], "", *about]),
            }
        return {"$ref": f"#/components/schemas/{enum.name}"}


def _text(enum: EnumDescriptor, value: Any) -> str:
    return comments()[f"{enum.full_name}.{value.name}"]


def _is_required(field: FieldDescriptor) -> bool:
    return bool(rules_of(field).required)


def _is_always(field: FieldDescriptor) -> bool:
    """Say whether the server writes the field in every answer: an enum that is not set has no word."""
    return not field.has_presence and (field.is_repeated or field.enum_type is None)

"""The rules of the protos as limits of JSON Schema; what it can't say stays in the description."""

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from wms.orders.v1 import rules_pb2

Schema = dict[str, Any]
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
#: Each shared rule of strings as a pattern; an empty string passes, where the field may be left out.
_PATTERNS = {
    "plain_text": f"^[^{_CONTROL}]*$",
    "filled_text": rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$",
    "resource_id": "^([A-Za-z0-9][A-Za-z0-9._-]{0,127})?$",
    "wave_number": "^(WAVE-[0-9]{4}-[0-9]{5,12})?$",
    "visible_ascii": "^[!-~]{0,128}$",
}
_BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def rules_of(field: FieldDescriptor) -> Any:
    """Give the rules of a field."""
    options: Any = field.GetOptions()
    return options.Extensions[validate_pb2.field]


def limits(field: FieldDescriptor, rules: Any) -> Schema:
    """Give the limits of one value of a field."""
    kind = rules.WhichOneof("type")
    if kind == "string":
        return _text_limits(rules.string, required=rules.required)
    if kind in ("int32", "int64", "double"):
        held = getattr(rules, kind)
        return {word: getattr(held, name) for name, word in _BOUNDS.items() if held.HasField(name)}
    least: Schema = {"minItems": 1} if rules.required and field.is_repeated else {}
    return {**least, **_array_limits(rules.repeated)} if kind == "repeated" else least


def _text_limits(rules: Any, *, required: bool) -> Schema:
    found: Schema = {}
    if rules.HasField("max_len"):
        found["maxLength"] = rules.max_len
    if required or rules.HasField("min_len"):
        found["minLength"] = 1
    if rules.Extensions[rules_pb2.country_code]:
        return {"enum": country_codes()}
    for name, pattern in _PATTERNS.items():
        if rules.Extensions[getattr(rules_pb2, name)]:
            found["pattern"] = pattern
    return found


def _array_limits(rules: Any) -> Schema:
    names = {"min_items": "minItems", "max_items": "maxItems"}
    found: Schema = {word: getattr(rules, name) for name, word in names.items() if rules.HasField(name)}
    return {**found, "uniqueItems": True} if rules.unique else found


def country_codes() -> list[str]:
    """Give the countries that the contract knows."""
    rule: Any = rules_pb2.DESCRIPTOR.extensions_by_name["country_code"].GetOptions()
    return _codes(rule.Extensions[validate_pb2.predefined].cel[0].expression, 2)


def currency_codes(price: FieldDescriptor) -> list[str]:
    """Give the currencies that the contract knows."""
    return _codes(rules_of(price).cel[0].expression, 3)


def _codes(expression: str, length: int) -> list[str]:
    """Read the codes that a rule lists."""
    return sorted(set(re.findall(rf"\b[A-Z]{{{length}}}\b", expression)))

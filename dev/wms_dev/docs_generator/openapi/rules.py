"""The rules of the protos as limits of JSON Schema. Other rules are only in the descriptions."""

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from wms.orders.v1 import rules_pb2

Schema = dict[str, Any]
_CONTROL_CHARACTERS = r"\u0000-\u001f\u007f-\u009f"
# The shared rules for strings as patterns. An empty string passes where the field is optional.
_PATTERNS = {
    "plain_text": f"^[^{_CONTROL_CHARACTERS}]*$",
    "filled_text": rf"^[^{_CONTROL_CHARACTERS}]*[^\s{_CONTROL_CHARACTERS}][^{_CONTROL_CHARACTERS}]*$",
    "resource_id": "^([A-Za-z0-9][A-Za-z0-9._-]{0,127})?$",
    "wave_number": "^(WAVE-[0-9]{4}-[0-9]{5,12})?$",
    "visible_ascii": "^[!-~]{0,128}$",
}
_BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def read_field_rules(field: FieldDescriptor) -> Any:
    """Return the rules of a field."""
    options: Any = field.GetOptions()
    return options.Extensions[validate_pb2.field]


def build_limits(field: FieldDescriptor, rules: Any) -> Schema:
    """Return the limits of one value of a field."""
    kind = rules.WhichOneof("type")
    if kind == "string":
        return _text_limits(rules.string, required=rules.required)
    if kind in ("int32", "int64", "double"):
        numeric_rules = getattr(rules, kind)
        return {
            keyword: getattr(numeric_rules, name)
            for name, keyword in _BOUNDS.items()
            if numeric_rules.HasField(name)
        }
    array_minimum: Schema = {"minItems": 1} if rules.required and field.is_repeated else {}
    return {**array_minimum, **_array_limits(rules.repeated)} if kind == "repeated" else array_minimum


def _text_limits(rules: Any, *, required: bool) -> Schema:
    text_limits: Schema = {}
    if rules.HasField("max_len"):
        text_limits["maxLength"] = rules.max_len
    if required or rules.HasField("min_len"):
        text_limits["minLength"] = 1
    if rules.Extensions[rules_pb2.country_code]:
        return {"enum": country_codes()}
    for name, pattern in _PATTERNS.items():
        if rules.Extensions[getattr(rules_pb2, name)]:
            text_limits["pattern"] = pattern
    return text_limits


def _array_limits(rules: Any) -> Schema:
    names = {"min_items": "minItems", "max_items": "maxItems"}
    array_limits: Schema = {
        keyword: getattr(rules, name) for name, keyword in names.items() if rules.HasField(name)
    }
    return {**array_limits, "uniqueItems": True} if rules.unique else array_limits


def country_codes() -> list[str]:
    """Return the country codes of the contract."""
    rule: Any = rules_pb2.DESCRIPTOR.extensions_by_name["country_code"].GetOptions()
    return _parse_codes(rule.Extensions[validate_pb2.predefined].cel[0].expression, 2)


def currency_codes(price: FieldDescriptor) -> list[str]:
    """Return the currency codes of the contract."""
    return _parse_codes(read_field_rules(price).cel[0].expression, 3)


def _parse_codes(expression: str, length: int) -> list[str]:
    """Return the codes that a rule lists."""
    return sorted(set(re.findall(rf"\b[A-Z]{{{length}}}\b", expression)))

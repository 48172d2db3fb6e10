"""A strict JSON parser: exact numbers, duplicate keys, and errors with line and column."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from wms_core.domain.errors import FieldError, InvalidFields
from wms_server.http.responses import BrokenJson
from wms_server.limits.request_limits import MAX_ELEMENTS

#: Digits up to which an integer becomes an int; longer ones exceed the range of every field.
_MAX_INTEGER_DIGITS = 40
#: Maximum number of objects and numbers together, of arrays, and of a quarter of the quotation marks. A line
#: of an order has two objects, three numbers and nine strings.
MAX_VALUES = 6 * MAX_ELEMENTS


@dataclass(frozen=True, slots=True)
class NonFiniteLiteral:
    """A literal that Python's parser accepts although JSON has no such number: NaN, Infinity, -Infinity."""

    literal_text: str


class JsonObject(dict[str, Any]):
    """A JSON object; `duplicate_keys` are the keys that occur more than once."""

    duplicate_keys: tuple[str, ...] = ()


def parse_json(json_bytes: bytes, max_values: int = MAX_VALUES) -> Any:
    """Parse JSON: integers as int, other numbers as Decimal, objects as `JsonObject`.

    Raises:
        BrokenJson: the text is not valid JSON.
        InvalidFields: there are so many values that they would fill the memory.
    """
    # Brackets within strings count, too: no valid request has so many.
    if json_bytes.count(b"[") > max_values or json_bytes.count(b'"') > 4 * max_values:
        raise _build_too_many_error(max_values)
    json_builder = _JsonBuilder(max_values)
    try:
        text = json_bytes.decode()
    except UnicodeDecodeError as error:
        decoded_prefix = json_bytes[: error.start].decode()
        raise _build_broken_error("it is not UTF-8", decoded_prefix, len(decoded_prefix)) from None
    try:
        return json.loads(
            text,
            parse_float=json_builder.build_decimal,
            parse_int=json_builder.build_integer,
            parse_constant=NonFiniteLiteral,
            object_pairs_hook=json_builder.build_object,
        )
    except json.JSONDecodeError as error:
        raise BrokenJson(problem_text=error.msg, line=error.lineno, column_number=error.colno) from None
    except RecursionError:
        raise _build_broken_error("it is nested too deeply", text, 0) from None


def _build_too_many_error(max_values: int) -> InvalidFields:
    text = f"must have no more than {max_values:,} objects, numbers, arrays and strings each"
    return InvalidFields([FieldError("body", text, "json.values")])


def _build_broken_error(problem_text: str, text: str, position: int) -> BrokenJson:
    line = text.count("\n", 0, position) + 1
    return BrokenJson(
        problem_text=problem_text, line=line, column_number=position - text.rfind("\n", 0, position)
    )


class _JsonBuilder:
    """Builds the objects and numbers of one text, and counts them."""

    def __init__(self, max_values: int) -> None:
        self._max_values = max_values
        self._created_count = 0

    def build_integer(self, digit_text: str) -> int | Decimal:
        self._count_created()
        return int(digit_text) if len(digit_text) <= _MAX_INTEGER_DIGITS else Decimal(digit_text)

    def build_decimal(self, text: str) -> Decimal:
        self._count_created()
        try:
            return Decimal(text)
        except InvalidOperation:
            # For an exponent of twenty digits.
            return Decimal("Infinity")

    def build_object(self, member_pairs: list[tuple[str, Any]]) -> JsonObject:
        self._count_created()
        json_object = JsonObject(member_pairs)
        if len(json_object) < len(member_pairs):
            key_counts = Counter(name for name, _ in member_pairs)
            json_object.duplicate_keys = tuple(name for name, count in key_counts.items() if count > 1)
        return json_object

    def _count_created(self) -> None:
        self._created_count += 1
        if self._created_count > self._max_values:
            raise _build_too_many_error(self._max_values)

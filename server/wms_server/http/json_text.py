"""JSON as text: strictly by the standard, numbers exact, and what is wrong with its line and column."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server.http.refusals import BrokenJson
from wms_server.request_limits import MAX_ELEMENTS

#: Digits up to which a number is read at once; longer ones are beyond every field.
_DIGITS = 40
#: Objects and numbers of one text, arrays, and a quarter of its quotation marks: a line of an order has two
#: objects, three numbers and nine texts.
MAX_VALUES = 6 * MAX_ELEMENTS


@dataclass(frozen=True, slots=True)
class NotJson:
    """A word that looks like a number and that JSON does not know: NaN, Infinity, -Infinity."""

    word: str


class Object(dict[str, Any]):
    """A JSON object; `twice` are the keys that it has more than once."""

    twice: tuple[str, ...] = ()


def parse_json(raw: bytes, max_values: int = MAX_VALUES) -> Any:
    """Read JSON: integers as int, other numbers as Decimal, objects as Object.

    Raises BrokenJson, and InvalidFields when it has so many values that they would fill the memory.
    """
    # Within a text they count as well: nobody writes so many.
    if raw.count(b"[") > max_values or raw.count(b'"') > 4 * max_values:
        raise _too_many(max_values)
    values = _Values(max_values)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        raise _broken("it is not UTF-8", before, len(before)) from None
    try:
        return json.loads(
            text,
            parse_float=values.fraction,
            parse_int=values.integer,
            parse_constant=NotJson,
            object_pairs_hook=values.object,
        )
    except json.JSONDecodeError as error:
        raise BrokenJson(problem=error.msg, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise _broken("it is nested too deeply", text, 0) from None


def _too_many(max_values: int) -> InvalidFields:
    text = f"must have no more than {max_values:,} objects, numbers, arrays and texts each"
    return InvalidFields([FieldFault("body", text, "json.values")])


def _broken(problem: str, text: str, position: int) -> BrokenJson:
    line = text.count("\n", 0, position) + 1
    return BrokenJson(problem=problem, line=line, column=position - text.rfind("\n", 0, position))


class _Values:
    """Makes the objects and numbers of one text, and counts them."""

    def __init__(self, max_values: int) -> None:
        self._max_values = max_values
        self._count = 0

    def integer(self, digits: str) -> int | Decimal:
        self._take()
        return int(digits) if len(digits) <= _DIGITS else Decimal(digits)

    def fraction(self, text: str) -> Decimal:
        self._take()
        try:
            return Decimal(text)
        except InvalidOperation:
            # An exponent of twenty digits.
            return Decimal("Infinity")

    def object(self, pairs: list[tuple[str, Any]]) -> Object:
        self._take()
        found = Object(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            found.twice = tuple(name for name, count in counts.items() if count > 1)
        return found

    def _take(self) -> None:
        self._count += 1
        if self._count > self._max_values:
            raise _too_many(self._max_values)

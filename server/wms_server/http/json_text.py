"""JSON as text: strictly by the standard, numbers exact, and what is wrong with its line and column."""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from wms_server.http.refusals import BrokenJson

#: Digits up to which a number is read at once; longer ones are beyond every field.
_DIGITS = 40


@dataclass(frozen=True, slots=True)
class NotJson:
    """A word that looks like a number and that JSON does not know: NaN, Infinity, -Infinity."""

    word: str


class Object(dict[str, Any]):
    """A JSON object; `twice` are the keys that it has more than once."""

    twice: tuple[str, ...] = ()


def parse_json(raw: bytes) -> Any:
    """Read JSON: integers as int, other numbers as Decimal, objects as Object. Raises BrokenJson."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        raise _broken("it is not UTF-8", before, len(before)) from None
    try:
        return json.loads(
            text,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=NotJson,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise BrokenJson(problem=error.msg, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise _broken("it is nested too deeply", text, 0) from None


def _broken(problem: str, text: str, position: int) -> BrokenJson:
    line = text.count("\n", 0, position) + 1
    return BrokenJson(problem=problem, line=line, column=position - text.rfind("\n", 0, position))


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _DIGITS else Decimal(digits)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent of twenty digits.
        return Decimal("Infinity")


def _object(pairs: list[tuple[str, Any]]) -> Object:
    found = Object(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        found.twice = tuple(name for name, count in counts.items() if count > 1)
    return found

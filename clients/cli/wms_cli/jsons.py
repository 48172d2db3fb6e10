"""JSON documents as text, strictly by the standard: what breaks it is refused with the reason."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

#: Integers of more digits are beyond every field, and take Python long to read.
_MAX_INTEGER_DIGITS = 40
_MAX_MESSAGE_CHARACTERS = 300
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP = "nested too deeply"


class NotJson(ValueError):
    """A text is not JSON, or not JSON of the wanted kind; the message says why."""


def read_json(text: str, read_number: Callable[[str], Any] = float) -> Any:
    """Return the value of one document; numbers with a point or an exponent are what `read_number` returns.

    Raises NotJson, also for NaN, a name that occurs twice in an object, and text that is not Unicode.
    """
    if _SURROGATE.search(text):
        # What was read from bytes with the error handler `surrogateescape`.
        raise NotJson("not UTF-8")

    def read_integer(digits: str) -> Any:
        return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else read_number(digits)

    try:
        value = json.loads(
            text,
            parse_int=read_integer,
            parse_float=read_number,
            parse_constant=_reject_constant,
            object_pairs_hook=_unique_names,
        )
        if _ESCAPED_SURROGATE.search(text):
            _reject_surrogates(value)
    except json.JSONDecodeError as error:
        raise _no_json(error) from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    return value


def documents_in(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the text of each document as soon as it is complete; pieces are lines.

    Raises NotJson for broken syntax, and reads nothing after it: where the next one begins is not known.
    """
    # Only the ends are looked for: what the documents hold is read by `read_json`.
    decoder, text = json.JSONDecoder(parse_int=str, parse_float=str), ""
    for piece in pieces:
        text = (text + piece).lstrip("\ufeff \t\r\n")
        while text:
            try:
                _, end = decoder.raw_decode(text)
            except json.JSONDecodeError as error:
                if error.pos < len(text.rstrip()):
                    raise _no_json(error) from None
                break
            except RecursionError:
                raise NotJson(_TOO_DEEP) from None
            yield text[:end]
            text = text[end:].lstrip()
    if text:
        raise NotJson("no JSON: the last document has no end")


def shortened(message: str) -> str:
    """Return the first line of a message, at most 300 characters of it."""
    line = message.partition("\n")[0]
    return line if len(line) <= _MAX_MESSAGE_CHARACTERS else f"{line[:_MAX_MESSAGE_CHARACTERS]} ..."


def _no_json(error: json.JSONDecodeError) -> NotJson:
    where = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
    return NotJson(f"no JSON: {error.msg} at {where}")


def _reject_constant(word: str) -> None:
    raise NotJson(f"{word} is no number of JSON")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise NotJson(shortened(f"{name!r} is there twice"))
        document[name] = value
    return document


def _reject_surrogates(value: Any) -> None:
    """Raise NotJson for half of a surrogate pair in a name or text: protobuf's reader fails on some."""
    for place, text in _texts(value, ""):
        if _SURROGATE.search(text):
            raise NotJson(shortened(f"{place}: {text!r} has half of a surrogate pair, which is no character"))


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yield every name and text within a value, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield from _texts(element, f"{place}[{number}]")
    elif isinstance(value, dict):
        for name, content in value.items():
            yield place or "a name", name
            yield from _texts(content, f"{place}.{name}" if place else name)

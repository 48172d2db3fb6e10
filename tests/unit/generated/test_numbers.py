"""Numbers in the documentation that repeat a default or a constant have its value.

A setting with its default is written `NAME` (value) or `NAME`, value. A constant is named after its number in
a comment: `five<!-- = package.module.CONSTANT -->`, or `= package.module.Class.field` for a default.
"""

import dataclasses
import importlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.docs_runner.pages import load_pages
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

_QUANTITY = (
    r"(?P<number>[0-9][0-9,.]*|[a-z]+)(?:\s*(?P<unit>ms|s|m|h|d|KiB|MiB|seconds?|minutes?|hours?|days?|%))?"
)
_SETTING = re.compile(rf"`(?P<name>[A-Z][A-Z0-9_]+)`(?: \(|, ){_QUANTITY}(?=[),;.\s])")
_CONSTANT = re.compile(rf"{_QUANTITY}\s*<!-- = (?P<path>[\w.]+) -->")
_WORDS = {
    "half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "KiB": 1024, "MiB": 1024**2, "%": 0.01}


def _list_defaults() -> dict[str, Any]:
    fields = {**WorkerSettings.model_fields, **ServerSettings.model_fields}
    return {name.upper(): field.get_default(call_default_factory=True) for name, field in fields.items()}


_DEFAULTS = _list_defaults()


def _to_number(match: re.Match[str]) -> float | None:
    """Return the quantity in seconds, bytes or units; None when it is a word that is not a number."""
    text, unit = match["number"], match["unit"] or ""
    if text[0].isalpha() and text not in _WORDS:
        return None
    number = _WORDS[text] if text in _WORDS else float(text.rstrip(".").replace(",", ""))
    return number * _UNITS.get(unit, _UNITS.get(unit[:1], 1))


def _is_value(number: float, value: object) -> bool:
    if isinstance(value, timedelta):
        return number == pytest.approx(value.total_seconds())
    return isinstance(value, int | float) and number == pytest.approx(value)


def _read_constant(path: str) -> object:
    """Return a constant of a module, or the default of a field of a class in it."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        owner = _read_constant(module)
        assert isinstance(owner, type)
        if issubclass(owner, BaseModel):
            return owner.model_fields[name].get_default(call_default_factory=True)
        assert dataclasses.is_dataclass(owner)
        (field,) = (field for field in dataclasses.fields(owner) if field.name == name)
        return field.default


def _iterate_settings() -> Iterator[tuple[str, str, str, float, object]]:
    for page, content in load_pages().items():
        for match in _SETTING.finditer(content.text):
            number = _to_number(match)
            if match["name"] in _DEFAULTS and number is not None:
                yield page, match["name"], match[0], number, _DEFAULTS[match["name"]]


def _iterate_constants() -> Iterator[tuple[str, str, str, float | None]]:
    for page, content in load_pages().items():
        for match in _CONSTANT.finditer(content.text):
            yield page, match["path"], match[0], _to_number(match)


SETTINGS = list(_iterate_settings())
CONSTANTS = list(_iterate_constants())


@pytest.mark.parametrize(
    ("page", "text", "number", "value"),
    [(page, text, number, value) for page, _, text, number, value in SETTINGS],
)
def test_a_default_in_prose_is_the_default(page: str, text: str, number: float, value: object) -> None:
    """The documentation says the default of the setting."""
    assert _is_value(number, value), f"{page}: {text}, but the default is {value}"


@pytest.mark.parametrize(("page", "path", "text", "number"), CONSTANTS)
def test_a_constant_in_prose_has_its_value(page: str, path: str, text: str, number: float) -> None:
    """The documentation says the value of the constant that it names."""
    assert _is_value(number, _read_constant(path)), f"{page}: {text}, but it is {_read_constant(path)}"


def test_the_checks_find_what_they_are_for() -> None:
    """Settings and constants are found on several pages, and a wrong number is noticed."""
    assert len({page for page, *_ in SETTINGS}) > 3
    assert len({page for page, *_ in CONSTANTS}) > 1
    match = _CONSTANT.search(
        "at most four <!-- = wms_core.domain.stock.allocation.CandidateLimits.first_in_line -->"
    )
    assert match is not None
    number = _to_number(match)
    assert number == 4
    assert not _is_value(number, _read_constant(match["path"]))

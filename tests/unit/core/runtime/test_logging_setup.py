"""Logged errors have their cause and place, and never the values of a request."""

import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog

from wms_core.runtime import logging_setup


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("'1 Main St'", "…"),
        ('invalid input syntax for type integer: "1 Main St"', "invalid input syntax for type integer: …"),
        (
            "invalid input for query argument $1: ['1 Main St'] (a str)",
            "invalid input for query argument $1: [",
        ),
        ("it can't be '1 Main St' or 'it's'", "it can't be …"),
        ('duplicate key value violates unique constraint "x"\nDETAIL: Key (a)=(b)', 'unique constraint "x"'),
        (
            'new row for relation "orders" violates check constraint "y"\nDETAIL: (1 Main St)',
            'constraint "y"',
        ),
        ('relation "orders" has no column "1 Main St"', 'relation "orders" has no column …'),
        ('password authentication failed for user "wms"', 'password authentication failed for user "wms"'),
        ("first line\n1 Main St", "first line"),
        ("", ""),
    ],
)
def test_quoted_values_are_removed(message: str, expected: str) -> None:
    """Names of Postgres objects stay, because they explain the error."""
    redacted = logging_setup.redact_values("ValueError", message)
    assert expected in redacted
    assert "Main" not in redacted
    assert "(b)" not in redacted


def test_operating_system_error_keeps_its_address() -> None:
    """An operator needs the address of the unreachable database."""
    error = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)")
    assert logging_setup.describe_error(error) == (
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)"
    )
    assert logging_setup.describe_error(KeyError("1 Main St")) == "KeyError: …"


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_traceback_has_no_values(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds for the error, its causes and the members of a group, in both log formats."""
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    try:
        logging_setup.configure_logging("info", form, "test")
        log = structlog.get_logger("test")
        for raise_error in (_raise_chained_error, _raise_error_group):
            try:
                raise_error()
            except Exception:
                log.exception("broke")
        logging.getLogger("foreign").error("foreign", exc_info=ValueError("'1 Main St'"))
    finally:
        structlog.configure(**before)
        logging.getLogger().handlers[:] = handlers
    text = output.getvalue()
    assert "Main" not in text
    assert text.count("ValueError") >= 3
    assert "_raise_chained_error" in text
    if form == "json":
        assert [json.loads(line)["event"] for line in text.splitlines()] == ["broke", "broke", "foreign"]


def _raise_error() -> None:
    raise ValueError("no number: '1 Main St'")


def _raise_chained_error() -> None:
    try:
        _raise_error()
    except ValueError as error:
        raise RuntimeError('no order for "1 Main St"') from error


def _raise_error_group() -> None:
    errors: list[Exception] = []
    steps: list[Callable[[], None]] = [_raise_error, _raise_chained_error]
    for step in steps:
        try:
            step()
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("both", errors)

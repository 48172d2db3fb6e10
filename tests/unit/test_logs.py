"""What the log says of an error: what and where, never with which values."""

import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog

from wms_core import logs


@pytest.mark.parametrize(
    ("message", "said"),
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
def test_what_a_message_quotes_is_left_out(message: str, said: str) -> None:
    """The names of Postgres's own things stay, as they say what is wrong."""
    found = logs.without_values("ValueError", message)
    assert said in found
    assert "Main" not in found
    assert "(b)" not in found


def test_an_error_of_the_system_is_told_with_its_address() -> None:
    """Which database can't be reached is what somebody wants to know."""
    refused = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)")
    assert logs.in_words(refused) == (
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)"
    )
    assert logs.in_words(KeyError("1 Main St")) == "KeyError: …"


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_a_traceback_has_no_values(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of an error nor those of its causes and of the members of a group, in either form."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    try:
        logs.configure_logging("info", form, "test")
        log = structlog.get_logger("test")
        for raising in (_caused, _grouped):
            try:
                raising()
            except Exception:
                log.exception("broke")
        logging.getLogger("foreign").error("foreign", exc_info=ValueError("'1 Main St'"))
    finally:
        structlog.configure(**before)
        logging.getLogger().handlers[:] = handlers
    text = out.getvalue()
    assert "Main" not in text
    assert text.count("ValueError") >= 3
    assert "_caused" in text
    if form == "json":
        assert [json.loads(line)["event"] for line in text.splitlines()] == ["broke", "broke", "foreign"]


def _refused() -> None:
    raise ValueError("no number: '1 Main St'")


def _caused() -> None:
    try:
        _refused()
    except ValueError as error:
        raise RuntimeError('no order for "1 Main St"') from error


def _grouped() -> None:
    raised: list[Exception] = []
    steps: list[Callable[[], None]] = [_refused, _caused]
    for one in steps:
        try:
            one()
        except Exception as error:
            raised.append(error)
    raise ExceptionGroup("both", raised)

"""Orders as files hold them, and advice: what the operators' commands know by themselves."""

import contextlib
import json
from collections.abc import Iterator
from importlib import resources
from io import BytesIO
from typing import Any

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_orders import HOSTILE_LINES
from wms.orders.v1 import error_pb2, order_pb2
from wms_cli.advice import NEXT
from wms_cli.documents import NotAnOrder, order_of
from wms_cli.imports.lines import Line, lines_of
from wms_cli.jsons import NotJson, documents_in, read_json
from wms_cli.options import moment
from wms_cli.texts import ago, amount, text_of
from wms_dev.northwind import northwind_orders

_NAMES = (
    *("customerId", "priority", "items", "sku", "quantity", "unitPrice", "shippingAddress", "street"),
    *("promisedDeliveryAt", "allowPartial", "currencyCode", "units", "nanos", "\ud800", ""),
)
_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(_NAMES)
JSON = st.recursive(
    _VALUE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6),
    max_leaves=12,
)


def test_northwind_is_read_as_it_is_written() -> None:
    """Each of the 415 lines says the same here as to the project's other reader of them."""
    text = (resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_text(encoding="utf-8")
    assert [order_of(line, "USD") for line in text.splitlines()] == northwind_orders()


@pytest.mark.parametrize(
    ("price", "units", "nanos"),
    [
        ("9.8", 9, 800_000_000),
        ("0", 0, 0),
        ("14", 14, 0),
        ("0.000000001", 0, 1),
        ("123456789012.5", 123456789012, 500_000_000),
    ],
)
def test_prices_are_exact(price: str, units: int, nanos: int) -> None:
    """Not by way of a float."""
    (item,) = order_of(f'{{"items": [{{"sku": "A", "quantity": 2.0, "unitPrice": {price}}}]}}', "EUR").items
    assert item.unit_price == Money(currency_code="EUR", units=units, nanos=nanos)
    assert item.quantity == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "no JSON object"),
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ('{"customerId": 1}', "customerId"),
        ('{"items": [{"quantity": 1.5}]}', "quantity"),
        ('{"items": [{"unitPrice": 1e400}]}', "no amount"),
        ('{"items": [{"unitPrice": Infinity}]}', "Infinity"),
        ('{"items": [{"unitPrice": 0.0000000001}]}', "nine digits"),
        ('{"priority": "Standard!"}', "same_day"),
        ('{"promisedDeliveryAt": "yesterday"}', "promisedDeliveryAt"),
        ("[" * 100_000, "nested too deeply"),
        ('{"customerId": "\\ud800"}', "customerId: '\\ud800' has half of a surrogate pair"),
        ('{"items": [{"\\udfff": 1}]}', "items[0]: '\\udfff' has half of a surrogate pair"),
        ('{"items": [{"quantity": 1e400}]}', "quantity"),
        ('{"priority": 1.5}', "same_day"),
    ],
)
def test_what_is_no_order_says_why(text: str, said: str) -> None:
    """In a line."""
    with pytest.raises(NotAnOrder) as caught:
        order_of(text, "USD")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=HOSTILE_LINES)
def test_a_line_that_real_files_had_is_an_order_or_says_why_not(line: bytes) -> None:
    """By no other exception, and soon; the service judges what is left."""
    with contextlib.suppress(NotAnOrder):
        order_of(line.decode("utf-8", "surrogateescape"), "USD")


@given(JSON)
def test_whatever_is_json_is_an_order_or_says_why_not(document: Any) -> None:
    """Any names and values, also those of the contract in places that are not theirs."""
    with contextlib.suppress(NotAnOrder):
        order_of(json.dumps(document), "USD")


def test_lines_know_their_number_and_end() -> None:
    """A byte order mark, ends of both kinds, one that is too long, none at the end."""
    file = BytesIO(b"\xef\xbb\xbfa\r\n\n" + b"x" * 20 + b"\nlast")
    assert list(lines_of(file, 0, longest=10)) == [
        Line(1, 6, b"a"),
        Line(2, 7, b""),
        Line(3, 28, b"x" * 11, too_long=True),
        Line(4, 32, b"last"),
    ]


def test_documents_are_found_however_they_are_broken_into_lines() -> None:
    """Each as soon as it is whole."""
    assert list(documents_in(['{"a":\n', '1} {"b"', ": 2}\n", "\n", "3\n"])) == ['{"a":\n1}', '{"b": 2}', "3"]
    with pytest.raises(NotJson, match="no end"):
        list(documents_in(["{}", "{"]))


def test_broken_syntax_is_told_before_more_is_read() -> None:
    """What follows may be hours away; what came before it has been given."""

    def pieces() -> Iterator[str]:
        yield from ('{"a": 1} {"b"\n', ": tru}\n")
        raise AssertionError

    documents = documents_in(pieces())
    assert next(documents) == '{"a": 1}'
    with pytest.raises(NotJson, match="line 2, column 3"):
        next(documents)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ["\\ud800"]}', "a[0]: '\\ud800' has half of a surrogate pair"),
        ('"\udcff"', "not UTF-8"),
    ],
)
def test_json_is_read_strictly(text: str, said: str) -> None:
    """What protobuf's reader would let pass, or fail at with errors of other kinds."""
    with pytest.raises(NotJson) as caught:
        read_json(text)
    assert said in str(caught.value)


def test_a_number_of_any_length_is_a_document() -> None:
    """Where it ends is found without reading it."""
    digits = "1" * 10_000
    assert list(documents_in([digits, " {}"])) == [digits, "{}"]
    assert read_json(digits) == float("inf")


def test_what_could_steer_a_terminal_is_not_printed() -> None:
    """Whatever a name holds."""
    order = order_pb2.Order(customer_id="a\x1b[31mb\nc")
    assert text_of(order, order_pb2.Order.DESCRIPTOR.fields_by_name["customer_id"]) == "a\ufffd[31mb\ufffdc"


def test_amounts_and_times_are_read_by_people() -> None:
    """Two digits at least; the future too."""
    assert amount(Money(currency_code="USD", units=3, nanos=5_000_000)) == "3.005 USD"
    assert amount(Money(currency_code="USD", units=-3, nanos=-500_000_000)) == "-3.50 USD"
    moment = Timestamp()
    moment.GetCurrentTime()
    assert ago(Timestamp(seconds=moment.seconds - 7200)) == "2 h ago"
    assert ago(Timestamp(seconds=moment.seconds + 630)) == "in 10 min"


@pytest.mark.parametrize("text", ["999999999d", "0001-01-01", "2h30m", "9999-99-99T00:00:00Z", "\udcff"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    """An age of three million years too."""
    with pytest.raises(typer.BadParameter, match="neither a time"):
        moment(text)


def test_advice_is_given_for_reasons_that_there_are() -> None:
    """By their names in the contract."""
    assert {f"ERROR_REASON_{reason}" for reason in NEXT} <= set(error_pb2.ErrorReason.keys())

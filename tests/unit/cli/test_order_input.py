"""Orders in files, and error hints: the logic of the operators' commands that needs no service."""

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
from tests.support.builders.hostile_orders import HOSTILE_LINES

from wms.orders.v1 import error_pb2, order_pb2
from wms_cli.bulk_import.lines import ImportLine, read_lines
from wms_cli.commands.call import InvalidJson, read_json, split_documents
from wms_cli.commands.order_input import InvalidOrder, parse_order
from wms_cli.framework.command import parse_time
from wms_cli.framework.errors import ERROR_HINTS
from wms_cli.framework.formatting import format_age, format_field, format_money
from wms_dev.sample_data.northwind import read_northwind_orders

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


def test_northwind_orders_are_read_unchanged() -> None:
    """Each of the 415 lines is read the same as by the other reader of the project."""
    text = (resources.files("wms_dev") / "data" / "northwind_orders_even.jsonl").read_text(encoding="utf-8")
    assert [parse_order(line, "USD") for line in text.splitlines()] == read_northwind_orders()


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
    """A price never passes through a float."""
    (item,) = parse_order(
        f'{{"items": [{{"sku": "A", "quantity": 2.0, "unitPrice": {price}}}]}}', "EUR"
    ).items
    assert item.unit_price == Money(currency_code="EUR", units=units, nanos=nanos)
    assert item.quantity == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"a": 1, "a": 2}', "'a' is a duplicate name"),
        ('{"customerId": 1}', "customerId"),
        ('{"items": [{"quantity": 1.5}]}', "quantity"),
        ('{"items": [{"unitPrice": 1e400}]}', "not an amount"),
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
def test_invalid_order_has_an_error_message(text: str, message: str) -> None:
    """The message is a single line."""
    with pytest.raises(InvalidOrder) as caught:
        parse_order(text, "USD")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=HOSTILE_LINES)
def test_hostile_line_is_an_order_or_has_an_error_message(line: bytes) -> None:
    """No other exception is raised, and the parser ends soon. The service validates the rest."""
    with contextlib.suppress(InvalidOrder):
        parse_order(line.decode("utf-8", "surrogateescape"), "USD")


@given(JSON)
def test_any_json_is_an_order_or_has_an_error_message(document: Any) -> None:
    """The JSON has any names and values, including names of the contract in wrong places."""
    with contextlib.suppress(InvalidOrder):
        parse_order(json.dumps(document), "USD")


def test_lines_have_their_number_and_end() -> None:
    """The file has a byte order mark, both kinds of line ends, an overlong line, and no final line end."""
    file = BytesIO(b"\xef\xbb\xbfa\r\n\n" + b"x" * 20 + b"\nlast")
    assert list(read_lines(file, 0, max_line_bytes=10)) == [
        ImportLine(1, 6, b"a"),
        ImportLine(2, 7, b""),
        ImportLine(3, 28, b"x" * 11, is_too_long=True),
        ImportLine(4, 32, b"last"),
    ]


def test_documents_are_split_independent_of_line_breaks() -> None:
    """Each document is returned as soon as it is complete."""
    assert list(split_documents(['{"a":\n', '1} {"b"', ": 2}\n", "\n", "3\n"])) == [
        '{"a":\n1}',
        '{"b": 2}',
        "3",
    ]
    with pytest.raises(InvalidJson, match="no end"):
        list(split_documents(["{}", "{"]))


def test_syntax_error_is_raised_before_more_is_read() -> None:
    """More input may arrive hours later. Earlier documents have been returned."""

    def chunks() -> Iterator[str]:
        yield from ('{"a": 1} {"b"\n', ": tru}\n")
        raise AssertionError

    documents = split_documents(chunks())
    assert next(documents) == '{"a": 1}'
    with pytest.raises(InvalidJson, match="line 2, column 3"):
        next(documents)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is a duplicate name"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ["\\ud800"]}', "a[0]: '\\ud800' has half of a surrogate pair"),
        ('"\udcff"', "not UTF-8"),
    ],
)
def test_json_is_parsed_strictly(text: str, message: str) -> None:
    """protobuf's parser would accept these texts, or fail with other errors."""
    with pytest.raises(InvalidJson) as caught:
        read_json(text)
    assert message in str(caught.value)


def test_number_of_any_length_is_a_document() -> None:
    """Its end is found without parsing it."""
    digits = "1" * 10_000
    assert list(split_documents([digits, " {}"])) == [digits, "{}"]
    assert read_json(digits) == float("inf")


def test_terminal_control_characters_are_not_printed() -> None:
    """A name may contain any character."""
    order = order_pb2.Order(customer_id="a\x1b[31mb\nc")
    assert (
        format_field(order, order_pb2.Order.DESCRIPTOR.fields_by_name["customer_id"]) == "a\ufffd[31mb\ufffdc"
    )


def test_amounts_and_ages_are_formatted_for_people() -> None:
    """An amount has at least two decimals, and a time may be in the future."""
    assert format_money(Money(currency_code="USD", units=3, nanos=5_000_000)) == "3.005 USD"
    assert format_money(Money(currency_code="USD", units=-3, nanos=-500_000_000)) == "-3.50 USD"
    now = Timestamp()
    now.GetCurrentTime()
    assert format_age(Timestamp(seconds=now.seconds - 7200)) == "2 h ago"
    assert format_age(Timestamp(seconds=now.seconds + 630)) == "in 10 min"


@pytest.mark.parametrize("text", ["999999999d", "0001-01-01", "2h30m", "9999-99-99T00:00:00Z", "\udcff"])
def test_invalid_time_is_rejected(text: str) -> None:
    """An age of three million years is rejected as well."""
    with pytest.raises(typer.BadParameter, match="neither a time"):
        parse_time(text)


def test_error_hints_exist_only_for_existing_reasons() -> None:
    """Hints have the names of the reasons in the contract."""
    assert {f"ERROR_REASON_{reason}" for reason in ERROR_HINTS} <= set(error_pb2.ErrorReason.keys())

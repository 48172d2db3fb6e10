"""Orders as files hold them, and advice: what the operators' commands know by themselves."""

from importlib import resources
from io import BytesIO

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from wms.orders.v1 import error_pb2, order_pb2
from wms_cli.advice import NEXT
from wms_cli.documents import NotAnOrder, order_of
from wms_cli.imports.lines import Line, lines_of
from wms_cli.jsons import NotJson, documents_in
from wms_cli.texts import ago, amount, text_of
from wms_dev.northwind import northwind_orders


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
    ],
)
def test_what_is_no_order_says_why(text: str, said: str) -> None:
    """In a line."""
    with pytest.raises(NotAnOrder) as caught:
        order_of(text, "USD")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


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
    with pytest.raises(NotJson, match="line 1"):
        list(documents_in(["{}", "{"]))


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


def test_advice_is_given_for_reasons_that_there_are() -> None:
    """By their names in the contract."""
    assert {f"ERROR_REASON_{reason}" for reason in NEXT} <= set(error_pb2.ErrorReason.keys())

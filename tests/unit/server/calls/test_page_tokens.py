"""Page tokens, without a database."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2
from wms_core.application.database import Page
from wms_core.domain.errors import InvalidPageToken, StorageUnavailable
from wms_server.calls.page_tokens import MAX_POSITION, MAX_SEQUENCE, PageTokens

TIME = datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)
OLD_KEY, NEW_KEY = b"o" * 32, b"n" * 32
TOKENS = PageTokens([NEW_KEY])


@given(st.datetimes(timezones=st.just(UTC)), st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_token_round_trips(time: datetime, name: str) -> None:
    """Its key has any time with microseconds and any id."""
    request = orders_pb2.ListOrdersRequest(customer_id="A")
    request.page_token = TOKENS.encode_next_token(request, time, name)
    assert TOKENS.decode_page_cursor(request, 5) == Page(5, after_key=(time, name))


def test_token_is_independent_of_the_time_zone() -> None:
    """Tokens contain UTC."""
    request = orders_pb2.ListOrdersRequest()
    elsewhere = TIME.astimezone(timezone(timedelta(hours=9)))
    assert TOKENS.encode_next_token(request, elsewhere, "x") == TOKENS.encode_next_token(request, TIME, "x")


def test_page_size_may_change_between_pages() -> None:
    """The fields that select a page are not filters."""
    request = orders_pb2.ListOrdersRequest(customer_id="A", page_size=5)
    token = TOKENS.encode_next_token(request, TIME, "x")
    next_request = orders_pb2.ListOrdersRequest(customer_id="A", page_size=7, page_token=token)
    assert TOKENS.decode_page_cursor(next_request, 7).after_key == (TIME, "x")


@pytest.mark.parametrize(
    "other_request",
    [
        orders_pb2.ListOrdersRequest(),
        orders_pb2.ListOrdersRequest(customer_id="B"),
        orders_pb2.ListOrdersRequest(customer_id="A", overdue_only=True),
        orders_pb2.ListOrdersRequest(customer_id="A", statuses=[order_pb2.ORDER_STATUS_PICKING]),
        dead_letters_pb2.ListDeadLetterEntriesRequest(customer_id="A"),
    ],
)
def test_token_is_bound_to_its_list_and_filters(
    other_request: orders_pb2.ListOrdersRequest | dead_letters_pb2.ListDeadLetterEntriesRequest,
) -> None:
    """With other filters, or for another list, it is rejected."""
    other_request.page_token = TOKENS.encode_next_token(
        orders_pb2.ListOrdersRequest(customer_id="A"), TIME, "x"
    )
    with pytest.raises(InvalidPageToken):
        TOKENS.decode_page_cursor(other_request, 5)


def test_signing_key_may_be_rotated() -> None:
    """The new key signs. Tokens of the old key are valid as long as it is configured."""
    request = orders_pb2.ListOrdersRequest()
    request.page_token = PageTokens([OLD_KEY]).encode_next_token(request, TIME, "x")
    both_keys = PageTokens([NEW_KEY, OLD_KEY])
    assert both_keys.decode_page_cursor(request, 5).after_key == (TIME, "x")
    with pytest.raises(InvalidPageToken):
        TOKENS.decode_page_cursor(request, 5)
    request.page_token = both_keys.encode_next_token(request, TIME, "x")
    assert TOKENS.decode_page_cursor(request, 5).after_key == (TIME, "x")


def test_tokens_are_unavailable_without_a_key() -> None:
    """The key is read from the database later."""
    request = orders_pb2.ListOrdersRequest()
    assert PageTokens().decode_page_cursor(request, 5) == Page(5)
    with pytest.raises(StorageUnavailable):
        PageTokens().encode_next_token(request, TIME, "x")
    request.page_token = TOKENS.encode_next_token(request, TIME, "x")
    with pytest.raises(StorageUnavailable):
        PageTokens().decode_page_cursor(request, 5)


@given(st.data())
def test_changed_token_is_rejected(data: st.DataObject) -> None:
    """Any changed bit is detected."""
    request = orders_pb2.ListOrdersRequest()
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.encode_next_token(request, TIME, "ORD-1")))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    request.page_token = base64.urlsafe_b64encode(bytes(raw)).decode()
    with pytest.raises(InvalidPageToken):
        TOKENS.decode_page_cursor(request, 5)


@pytest.mark.parametrize("junk", ["\n", " ", "!", "=", "é", "A"])
def test_token_has_only_one_form(junk: str) -> None:
    """Characters that a lenient decoder skips are rejected."""
    request = orders_pb2.ListOrdersRequest()
    token = TOKENS.encode_next_token(request, TIME, "ORD-1")
    for position in (0, 10, len(token)):
        request.page_token = token[:position] + junk + token[position:]
        with pytest.raises(InvalidPageToken):
            TOKENS.decode_page_cursor(request, 5)


@given(st.text(min_size=1))
def test_any_other_text_is_rejected_as_a_token(text: str) -> None:
    """No other error is raised."""
    request = orders_pb2.ListOrdersRequest(page_token=text)
    for reader in (TOKENS.read_cursor, TOKENS.decode_text_cursor, TOKENS.decode_pair_cursor):
        with pytest.raises(InvalidPageToken):
            reader(request)


Reader = Callable[[Any], object]
_PAGE: Reader = lambda request: TOKENS.decode_page_cursor(request, 5)  # noqa: E731
_SEQUENCE: Reader = lambda request: TOKENS.decode_number_cursor(request, MAX_SEQUENCE)  # noqa: E731


@pytest.mark.parametrize(
    ("reader", "key"),
    [
        (_PAGE, ["a"]),
        (_PAGE, ["yesterday", "b"]),
        (_PAGE, ["a", "b", "c"]),
        (_PAGE, ["2024-01-15T10:30:00", "b"]),
        (_PAGE, ["2024-01-15T10:30:00+01:00", "b"]),
        (_PAGE, ["2024-02-30T10:30:00+00:00", "b"]),
        (_PAGE, ["0000-01-01T00:00:00+00:00", "b"]),
        (_PAGE, ["10000-01-01T00:00:00+00:00", "b"]),
        (_PAGE, ["2024-W03-1", "b"]),
        (_PAGE, ["٢٠٢٤-01-15T10:30:00+00:00", "b"]),
        (_PAGE, ["2024-01-15T10:30:00+00:00", "b\0"]),
        (TOKENS.decode_text_cursor, ["a", "b"]),
        (TOKENS.decode_text_cursor, ["\0"]),
        (TOKENS.decode_text_cursor, ["\x1b[31m"]),
        (TOKENS.decode_text_cursor, ["x" * 513]),
        (TOKENS.decode_pair_cursor, ["a"]),
        (TOKENS.decode_pair_cursor, ["a", "\x85"]),
        (_SEQUENCE, ["a"]),
        (_SEQUENCE, ["-1"]),
        (_SEQUENCE, ["٣"]),
        (_SEQUENCE, ["²"]),
        (_SEQUENCE, ["1" * 400]),
        (_SEQUENCE, [str(MAX_SEQUENCE + 1)]),
    ],
)
def test_invalid_key_is_rejected(reader: Reader, key: list[str]) -> None:
    """This holds even for a signed key, for example from another version."""
    request = orders_pb2.GetOrderHistoryRequest(order_id="O-1")
    request.page_token = TOKENS.encode_next_token(request, *key)
    with pytest.raises(InvalidPageToken):
        reader(request)


def test_highest_numbers_are_valid() -> None:
    """The numbers are the highest ones of Postgres."""
    request = orders_pb2.GetOrderHistoryRequest(order_id="O-1")
    for highest in (MAX_SEQUENCE, MAX_POSITION):
        request.page_token = TOKENS.encode_next_token(request, str(highest))
        assert TOKENS.decode_number_cursor(request, highest) == highest

"""Tokens of pages, without a database."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2
from wms_core.application.ports import Page
from wms_core.domain.errors import InvalidPageToken, StorageUnavailable
from wms_server.page_tokens import MAX_POSITION, MAX_SEQUENCE, PageTokens

MOMENT = datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
TOKENS = PageTokens([NEW])


@given(st.datetimes(timezones=st.just(UTC)), st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_token_gives_back_its_key(moment: datetime, name: str) -> None:
    """Any time to the microsecond, any id."""
    request = orders_pb2.ListOrdersRequest(customer_id="A")
    request.page_token = TOKENS.next_token(request, moment, name)
    assert TOKENS.page_after(request, 5) == Page(5, after=(moment, name))


def test_a_time_of_another_zone_is_the_same_key() -> None:
    """Tokens are in UTC."""
    request = orders_pb2.ListOrdersRequest()
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert TOKENS.next_token(request, elsewhere, "x") == TOKENS.next_token(request, MOMENT, "x")


def test_the_size_of_a_page_may_change_from_page_to_page() -> None:
    """What says which page is no filter."""
    request = orders_pb2.ListOrdersRequest(customer_id="A", page_size=5)
    token = TOKENS.next_token(request, MOMENT, "x")
    later = orders_pb2.ListOrdersRequest(customer_id="A", page_size=7, page_token=token)
    assert TOKENS.page_after(later, 7).after == (MOMENT, "x")


@pytest.mark.parametrize(
    "other",
    [
        orders_pb2.ListOrdersRequest(),
        orders_pb2.ListOrdersRequest(customer_id="B"),
        orders_pb2.ListOrdersRequest(customer_id="A", overdue_only=True),
        orders_pb2.ListOrdersRequest(customer_id="A", statuses=[order_pb2.ORDER_STATUS_PICKING]),
        dead_letters_pb2.ListDeadLetterEntriesRequest(customer_id="A"),
    ],
)
def test_a_token_is_bound_to_its_list_and_filters(
    other: orders_pb2.ListOrdersRequest | dead_letters_pb2.ListDeadLetterEntriesRequest,
) -> None:
    """With other filters, or for another list, it is refused."""
    other.page_token = TOKENS.next_token(orders_pb2.ListOrdersRequest(customer_id="A"), MOMENT, "x")
    with pytest.raises(InvalidPageToken):
        TOKENS.page_after(other, 5)


def test_a_key_may_be_replaced_while_lists_are_read() -> None:
    """Tokens of the old one are read for as long as it is there; the new one signs."""
    request = orders_pb2.ListOrdersRequest()
    request.page_token = PageTokens([OLD]).next_token(request, MOMENT, "x")
    both = PageTokens([NEW, OLD])
    assert both.page_after(request, 5).after == (MOMENT, "x")
    with pytest.raises(InvalidPageToken):
        TOKENS.page_after(request, 5)
    request.page_token = both.next_token(request, MOMENT, "x")
    assert TOKENS.page_after(request, 5).after == (MOMENT, "x")


def test_without_a_key_nothing_is_signed_and_nothing_read() -> None:
    """Until it has been read from the database."""
    request = orders_pb2.ListOrdersRequest()
    assert PageTokens().page_after(request, 5) == Page(5)
    with pytest.raises(StorageUnavailable):
        PageTokens().next_token(request, MOMENT, "x")
    request.page_token = TOKENS.next_token(request, MOMENT, "x")
    with pytest.raises(StorageUnavailable):
        PageTokens().page_after(request, 5)


@given(st.data())
def test_a_token_that_was_changed_is_refused(data: st.DataObject) -> None:
    """Whatever bit it is."""
    request = orders_pb2.ListOrdersRequest()
    raw = bytearray(base64.urlsafe_b64decode(TOKENS.next_token(request, MOMENT, "ORD-1")))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    request.page_token = base64.urlsafe_b64encode(bytes(raw)).decode()
    with pytest.raises(InvalidPageToken):
        TOKENS.page_after(request, 5)


@pytest.mark.parametrize("junk", ["\n", " ", "!", "=", "é", "A"])
def test_a_token_is_written_in_one_way(junk: str) -> None:
    """What a lenient decoder would skip is refused."""
    request = orders_pb2.ListOrdersRequest()
    token = TOKENS.next_token(request, MOMENT, "ORD-1")
    for place in (0, 10, len(token)):
        request.page_token = token[:place] + junk + token[place:]
        with pytest.raises(InvalidPageToken):
            TOKENS.page_after(request, 5)


@given(st.text(min_size=1))
def test_any_other_text_is_no_token(text: str) -> None:
    """It is refused as such, never by another error."""
    request = orders_pb2.ListOrdersRequest(page_token=text)
    for reader in (TOKENS.read, TOKENS.text_after, TOKENS.pair_after):
        with pytest.raises(InvalidPageToken):
            reader(request)


Reader = Callable[[Any], object]
_PAGE: Reader = lambda request: TOKENS.page_after(request, 5)  # noqa: E731
_SEQUENCE: Reader = lambda request: TOKENS.number_after(request, MAX_SEQUENCE)  # noqa: E731


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
        (TOKENS.text_after, ["a", "b"]),
        (TOKENS.text_after, ["\0"]),
        (TOKENS.text_after, ["\x1b[31m"]),
        (TOKENS.text_after, ["x" * 513]),
        (TOKENS.pair_after, ["a"]),
        (TOKENS.pair_after, ["a", "\x85"]),
        (_SEQUENCE, ["a"]),
        (_SEQUENCE, ["-1"]),
        (_SEQUENCE, ["٣"]),
        (_SEQUENCE, ["²"]),
        (_SEQUENCE, ["1" * 400]),
        (_SEQUENCE, [str(MAX_SEQUENCE + 1)]),
    ],
)
def test_a_key_that_no_list_has_is_refused(reader: Reader, key: list[str]) -> None:
    """Also when it is signed: a token from another version is never half understood."""
    request = orders_pb2.GetOrderHistoryRequest(order_id="O-1")
    request.page_token = TOKENS.next_token(request, *key)
    with pytest.raises(InvalidPageToken):
        reader(request)


def test_the_highest_numbers_are_read() -> None:
    """Those that Postgres can have."""
    request = orders_pb2.GetOrderHistoryRequest(order_id="O-1")
    for highest in (MAX_SEQUENCE, MAX_POSITION):
        request.page_token = TOKENS.next_token(request, str(highest))
        assert TOKENS.number_after(request, highest) == highest

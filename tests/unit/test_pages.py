"""Sizes and tokens of pages, without a database."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2
from wms_core.application.ports import Page
from wms_core.domain.errors import InvalidPageToken, PageTooDeep
from wms_server import pages

MOMENT = datetime(2024, 1, 15, 10, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(("asked", "given"), [(0, 20), (1, 1), (200, 200), (201, 200), (10**9, 200)])
def test_a_page_is_twenty_when_nothing_is_asked_and_two_hundred_at_most(asked: int, given: int) -> None:
    """0 means 20, above 200 means 200."""
    assert pages.page_size(asked) == given


@pytest.mark.parametrize(
    ("page", "size", "offset"), [(0, 20, 0), (1, 20, 0), (2, 20, 20), (50, 200, 9_800), (10_000, 1, 9_999)]
)
def test_page_numbers_begin_at_one(page: int, size: int, offset: int) -> None:
    """0 means none; the last page ends at result 10,000."""
    assert pages.numbered(page, size) == offset


@pytest.mark.parametrize(("page", "size"), [(51, 200), (501, 20), (10_001, 1)])
def test_page_numbers_end_at_ten_thousand_results(page: int, size: int) -> None:
    """One page further is refused."""
    with pytest.raises(PageTooDeep):
        pages.numbered(page, size)


@given(st.datetimes(timezones=st.just(UTC)), st.text())
def test_a_token_gives_back_its_key(moment: datetime, name: str) -> None:
    """Any time to the microsecond, any id."""
    request = orders_pb2.ListOrdersRequest(customer_id="A")
    request.page_token = pages.next_token(request, moment, name)
    assert pages.keyset(request, 5) == Page(5, after=(moment, name))


def test_a_time_of_another_zone_is_the_same_key() -> None:
    """Tokens are in UTC."""
    request = orders_pb2.ListOrdersRequest()
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert pages.next_token(request, elsewhere, "x") == pages.next_token(request, MOMENT, "x")


def test_the_size_of_a_page_may_change_from_page_to_page() -> None:
    """What says which page is no filter."""
    request = orders_pb2.ListOrdersRequest(customer_id="A", page_size=5)
    token = pages.next_token(request, MOMENT, "x")
    later = orders_pb2.ListOrdersRequest(customer_id="A", page_size=7, page_token=token)
    assert pages.keyset(later, 7).after == (MOMENT, "x")


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
    other.page_token = pages.next_token(orders_pb2.ListOrdersRequest(customer_id="A"), MOMENT, "x")
    with pytest.raises(InvalidPageToken):
        pages.keyset(other, 5)


@given(st.data())
def test_a_token_with_a_slip_of_the_hand_is_refused(data: st.DataObject) -> None:
    """Whatever bit is changed."""
    request = orders_pb2.ListOrdersRequest()
    raw = bytearray(base64.urlsafe_b64decode(pages.next_token(request, MOMENT, "ORD-1")))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    request.page_token = base64.urlsafe_b64encode(bytes(raw)).decode()
    with pytest.raises(InvalidPageToken):
        pages.keyset(request, 5)


@given(st.text(min_size=1))
def test_any_other_text_is_no_token(text: str) -> None:
    """It is refused as such, never by another error."""
    request = orders_pb2.ListOrdersRequest(page_token=text)
    for reader in (pages.read_token, pages.text_after, pages.pair_after, pages.number_after):
        with pytest.raises(InvalidPageToken):
            reader(request)


@pytest.mark.parametrize(
    ("reader", "key"),
    [
        (lambda request: pages.keyset(request, 5), ["a"]),
        (lambda request: pages.keyset(request, 5), ["yesterday", "b"]),
        (lambda request: pages.keyset(request, 5), ["a", "b", "c"]),
        (pages.text_after, ["a", "b"]),
        (pages.pair_after, ["a"]),
        (pages.number_after, ["a"]),
        (pages.number_after, ["-1"]),
    ],
)
def test_a_key_of_another_shape_is_refused(reader: Callable[[Any], object], key: list[str]) -> None:
    """A token from a server of another version is refused, never half understood."""
    request = orders_pb2.GetOrderHistoryRequest(order_id="O-1")
    request.page_token = pages.next_token(request, *key)
    with pytest.raises(InvalidPageToken):
        reader(request)


@pytest.mark.parametrize(
    ("lengths", "number"),
    [([], 0), ([10] * 200, 200), ([1_000_000] * 5, 3), ([3_000_000, 600_000, 1], 1), ([9_000_000, 1], 1)],
)
async def test_a_page_ends_before_it_is_too_large(lengths: list[int], number: int) -> None:
    """An order that is too large by itself is a page by itself."""
    answer = orders_pb2.ListOrdersResponse()
    shown = await pages.fill(answer.orders, lengths, lambda length: order_pb2.Order(order_id="x" * length))
    assert shown == len(answer.orders) == number

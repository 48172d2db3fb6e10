"""Sizes of pages, without a database."""

import pytest

from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.errors import PageTooDeep
from wms_server import pages


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


@pytest.mark.parametrize(
    ("lengths", "number"),
    [([], 0), ([10] * 200, 200), ([1_000_000] * 5, 3), ([3_000_000, 600_000, 1], 1), ([9_000_000, 1], 1)],
)
async def test_a_page_ends_before_it_is_too_large(lengths: list[int], number: int) -> None:
    """An order that is too large by itself is a page by itself."""
    answer = orders_pb2.ListOrdersResponse()
    shown = await pages.fill(answer.orders, lengths, lambda length: order_pb2.Order(order_id="x" * length))
    assert shown == len(answer.orders) == number

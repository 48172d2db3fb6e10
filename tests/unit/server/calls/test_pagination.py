"""Page sizes and page numbers, without a database."""

import pytest

from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.errors import PageTooDeep
from wms_server.calls import pagination


@pytest.mark.parametrize(("requested_size", "size"), [(0, 20), (1, 1), (200, 200), (201, 200), (10**9, 200)])
def test_page_size_is_twenty_by_default_and_at_most_two_hundred(requested_size: int, size: int) -> None:
    """0 means 20, and more than 200 means 200."""
    assert pagination.clamp_page_size(requested_size) == size


@pytest.mark.parametrize(
    ("page", "size", "offset"), [(0, 20, 0), (1, 20, 0), (2, 20, 20), (50, 200, 9_800), (10_000, 1, 9_999)]
)
def test_page_numbers_start_at_one(page: int, size: int, offset: int) -> None:
    """0 means no page number. The last page ends at result 10,000."""
    assert pagination.offset_of_page(page, size) == offset


@pytest.mark.parametrize(("page", "size"), [(51, 200), (501, 20), (10_001, 1)])
def test_page_numbers_end_at_ten_thousand_results(page: int, size: int) -> None:
    """The next page is rejected."""
    with pytest.raises(PageTooDeep):
        pagination.offset_of_page(page, size)


@pytest.mark.parametrize(
    ("lengths", "number"),
    [([], 0), ([10] * 200, 200), ([1_000_000] * 5, 3), ([3_000_000, 600_000, 1], 1), ([9_000_000, 1], 1)],
)
async def test_page_is_limited_by_its_size_in_bytes(lengths: list[int], number: int) -> None:
    """An order above the limit gets a page of its own."""
    response = orders_pb2.ListOrdersResponse()
    count = await pagination.fill_response_list(
        response.orders, lengths, lambda length: order_pb2.Order(order_id="x" * length)
    )
    assert count == len(response.orders) == number
